"""Laws of shaping: nothing is lost, nothing comes of nothing, and no content brings it down."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.config import ImportConfig
from recsys.errors import ConfigError
from recsys.formats import FORMATS, Format, Kind, format_names, require_format
from recsys.formats.shaping import Shaper
from recsys.reading import SourceBatch, table_of_rows
from recsys.schemas import EVENTS, ITEMS
from tests.unit.formats.imported import imported

KEPT = [form for form in FORMATS if form.kind is not Kind.USERS]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def columns_of(form: Format) -> list[str]:
    """Names of columns that a format looks at."""
    cells = [*form.fields.values(), *form.attributes.values(), form.named_values, form.each]
    return sorted({name for cell in cells if cell is not None for name in cell.columns})


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.title)
def test_every_format_maps_onto_fields_that_exist_and_is_known_by_its_own_marks(form: Format) -> None:
    fields = {*ITEMS.names, "price"} if form.kind is Kind.ITEMS else set(EVENTS.names)
    assert set(form.fields) <= fields
    marks = frozenset(group[0] for group in form.marks)
    assert next(one for one in FORMATS if one.fits(marks)) is form
    assert not any(form.fits(marks - {mark}) for mark in marks)
    assert form.name in format_names()


@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_rows_of_any_content_are_shaped_skipped_or_given_for_each_part(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(KEPT))
    names = columns_of(form)
    rows = data.draw(
        st.lists(
            st.fixed_dictionaries({}, optional=dict.fromkeys(names, json_values)), min_size=1, max_size=5
        )
    )
    skipped: Counter[str] = Counter()
    table = table_of_rows(rows, names)
    numbers = tuple(range(1, len(rows) + 1))
    shaped = Shaper(form, {}, skipped).shape(SourceBatch(table, numbers))
    assert shaped.table.num_rows == len(shaped.rows)
    assert set(shaped.rows) <= set(numbers)
    assert list(shaped.rows) == sorted(shaped.rows)
    assert len(set(shaped.rows)) + skipped.total() == len(rows)
    expected = [*form.fields, *(["attributes"] if form.kind is Kind.ITEMS else [])]
    assert shaped.table.column_names == expected


@pytest.mark.parametrize("form", KEPT, ids=lambda form: form.title)
@given(values=st.lists(json_values, min_size=1, max_size=4))
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_whole_import_takes_or_refuses_every_row_whatever_stands_in_it(
    tmp_path: Path, form: Format, values: list[Any]
) -> None:
    kind: Literal["items", "events"] = "items" if form.kind is Kind.ITEMS else "events"
    marks = [group[0] for group in form.marks]
    rows = [dict.fromkeys([*marks, *columns_of(form)], value) for value in values]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    found = imported(path, kind, source_format=form.name)
    told = {number for number, _ in found.refused if number is not None}
    assert len(found.rows) + len(found.refused) + found.seen.skipped.total() >= len(values)
    assert told <= set(range(1, len(values) + 1))


def test_plain_files_are_never_taken_for_an_export(tmp_path: Path) -> None:
    plain: list[tuple[list[str], Literal["items", "events"]]] = [
        (["item_id", "title", "category", "price", "available"], "items"),
        (["id", "title", "price", "image", "brand"], "items"),
        (["parent_asin", "title", "description", "price", "store"], "items"),
        (["user_id", "item_id", "event_type", "occurred_at", "value"], "events"),
        (["user_id", "parent_asin", "rating", "timestamp"], "events"),
    ]
    for columns, kind in plain:
        path = tmp_path / "plain.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([columns, ["1"] * len(columns)])
        assert imported(path, kind).seen.formats == {}


def test_a_format_that_is_not_there_is_refused_before_anything_is_read() -> None:
    with pytest.raises(ConfigError, match="shopify"):
        require_format("shopware", "items")
    with pytest.raises(ConfigError, match="events"):
        require_format("merchant", "events")
    for name in ("plain", None, "gorse"):
        require_format(name, "events")
    assert ImportConfig().source_format is None
