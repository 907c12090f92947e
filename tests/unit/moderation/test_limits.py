"""Limits of age and region: the last look decides, and the search never hides what it would allow."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.filters import AllOf, Filter
from recsys.moderation import BlockList, Viewer, refusal, scan_condition
from recsys.schemas import ITEMS, conform

ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "min_age": st.sampled_from(["0", "16", "18", "18.0", "adult", "", "-1"]),
        "regions": st.sampled_from(["DE", "de, at", "FR;US", "", "DE-BY"]),
        "blocked_regions": st.sampled_from(["DE", "US CA", ""]),
        "colour": st.just("red"),
    },
)
VIEWERS = st.builds(
    Viewer,
    st.one_of(st.none(), st.integers(0, 90)),
    st.one_of(st.none(), st.sampled_from(["DE", "AT", "US", "de"])),
)


def table(attributes: list[dict[str, str]]) -> pa.Table:
    """Items with these attributes."""
    kind = pa.map_(pa.string(), pa.string())
    names = [f"i{number}" for number in range(len(attributes))]
    columns: dict[str, Any] = {
        "item_id": names,
        "title": names,
        "available": [True] * len(names),
        "attributes": pa.array([list(one.items()) for one in attributes], kind),
    }
    return conform(pa.table(columns), ITEMS)


@pytest.mark.parametrize(
    ("attributes", "viewer", "why"),
    [
        ({}, Viewer(), None),
        ({"min_age": "18"}, Viewer(), "age"),
        ({"min_age": "18"}, Viewer(17), "age"),
        ({"min_age": "18"}, Viewer(18), None),
        ({"min_age": "grown up"}, Viewer(99), "age"),
        ({"regions": "DE, AT"}, Viewer(), "region"),
        ({"regions": "DE, AT"}, Viewer(region="at"), None),
        ({"regions": "DE-BY"}, Viewer(region="DE"), "region"),
        ({"blocked_regions": "US"}, Viewer(region="US"), "region"),
        ({"blocked_regions": "US"}, Viewer(region="DE"), None),
        ({"blocked_regions": "US"}, Viewer(), "region"),
        ({"regions": "DE", "blocked_regions": "DE"}, Viewer(region="DE"), "region"),
    ],
)
def test_who_may_see_what(attributes: dict[str, str], viewer: Viewer, why: str | None) -> None:
    assert refusal({"attributes": attributes}, viewer) == why
    assert refusal({"attributes": list(attributes.items())}, viewer) == why


@settings(deadline=None)
@given(st.lists(ATTRIBUTES, min_size=1, max_size=8), VIEWERS)
def test_the_search_lets_through_all_that_the_last_look_allows(
    attributes: list[dict[str, str]], viewer: Viewer
) -> None:
    mask = Filter.model_construct(root=scan_condition(viewer)).mask(table(attributes))
    for passes, own in zip(mask.tolist(), attributes, strict=True):
        if refusal({"attributes": own}, viewer) is None and "-" not in str(own):
            assert passes


def test_a_block_list_hides_by_id_brand_seller_category_and_word() -> None:
    rows: list[dict[str, Any]] = [
        {"item_id": "a", "title": "Plain", "brand": "Umbra", "category": "Home"},
        {"item_id": "b", "title": "Plain", "brand": "Corvo", "category": "Home/Knives"},
        {"item_id": "c", "title": "A SWORD of tin", "brand": "Corvo", "category": "Toys"},
        {"item_id": "d", "title": "Plain", "brand": "Corvo", "category": "Homewares"},
        {"item_id": "e", "title": "Plain", "brand": None, "category": None},
    ]
    items = pa.Table.from_pylist([{**row, "available": True} for row in rows])
    items = conform(items, ITEMS)
    block = BlockList(
        item_ids=frozenset({"z"}),
        brands=frozenset({"Umbra"}),
        sellers=frozenset({"s"}),
        categories=frozenset({"Home/Knives"}),
        words=frozenset({"sword"}),
    )
    assert block.visible is not None
    shown = Filter.model_construct(root=AllOf.model_construct(parts=(block.visible,))).mask(items)
    assert shown.tolist() == [False, False, False, True, True]
    assert BlockList(item_ids=frozenset({"z"})).visible is None
