from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.schemas import ITEM_TEXTS, ITEMS, conform
from recsys.text import MAX_ATTRIBUTES, MAX_DESCRIPTION_CHARS, cut_at_word, item_text, item_texts, text_hash

MUG: dict[str, Any] = {
    "item_id": "m-1",
    "title": "Blue mug",
    "description": "Keeps tea warm.",
    "category": "Kitchen/Cups/Cups",
    "brand": "Acme",
    "price_minor": 1299,
    "currency": "EUR",
    "image_url": "https://example.com/m-1.jpg",
    "available": True,
    "attributes": [("size", "L"), ("material", "steel"), ("sku_id", "77-x"), ("image_url", "b.png")],
}

rows = st.fixed_dictionaries(
    {
        "title": st.text(max_size=60),
        "category": st.none() | st.text(max_size=40),
        "brand": st.none() | st.text(max_size=20),
        "attributes": st.none() | st.dictionaries(st.text(max_size=15), st.text(max_size=30), max_size=12),
        "description": st.none() | st.text(max_size=200),
    }
)


def test_the_fields_that_carry_meaning_are_in_the_text_in_a_fixed_order() -> None:
    assert item_text(MUG) == "Blue mug. Kitchen, Cups. Acme. material: steel, size: L. Keeps tea warm"


def test_prices_ids_and_addresses_change_nothing() -> None:
    other = MUG | {"item_id": "z", "price_minor": 5, "currency": "USD", "image_url": None, "available": False}
    other["attributes"] = [
        ("asin", "B0"),
        ("material", "steel"),
        ("Price", "9"),
        ("size", "L"),
        ("product url", "x"),
    ]
    other["description"] = "Keeps tea warm. https://shop.example/m-1?x=2"
    assert item_text(other) == item_text(MUG)


@pytest.mark.parametrize("description", ["blue MUG", " Blue  mug. ", "Blue mug!", None, ""])
def test_a_description_that_only_repeats_the_title_is_left_out(description: str | None) -> None:
    assert item_text({"title": "Blue mug", "description": description}) == "Blue mug"


def test_the_title_at_the_start_of_the_description_is_not_told_twice() -> None:
    text = item_text({"title": "Blue mug", "description": "Blue mug - holds half a litre"})
    assert text == "Blue mug. holds half a litre"


def test_a_brand_the_title_names_is_not_told_twice() -> None:
    assert item_text({"title": "ACME blue mug", "brand": "Acme"}) == "ACME blue mug"
    assert item_text({"title": "Acmelike blue mug", "brand": "Acme"}) == "Acmelike blue mug. Acme"


def test_attributes_are_bounded_and_do_not_depend_on_their_order() -> None:
    pairs = [(f"trait {i:02}", "v" * 500) for i in range(30)]
    text = item_text({"title": "t", "attributes": pairs})
    assert text == item_text({"title": "t", "attributes": dict(reversed(pairs))})
    assert text.count("trait") == MAX_ATTRIBUTES
    assert len(text) < 2000


@given(rows)
@settings(deadline=None, max_examples=100)
def test_any_row_gives_one_bounded_line(row: dict[str, Any]) -> None:
    text = item_text(row)
    assert text == " ".join(text.split())
    assert len(text) < 10_000


def test_a_huge_description_is_cut_at_a_word() -> None:
    text = item_text({"title": "t", "description": "word " * 1_000_000})
    assert text.removeprefix("t. ") == ("word " * 200).strip()


@given(st.text(alphabet="ab ", max_size=50), st.integers(1, 20))
@settings(deadline=None, max_examples=100)
def test_cutting_keeps_a_start_within_the_limit_and_whole_words(text: str, limit: int) -> None:
    text = " ".join(text.split())
    cut = cut_at_word(text, limit)
    assert text.startswith(cut)
    assert len(cut) <= limit
    if len(text.split(" ")[0]) <= limit:
        assert cut.split() == text.split()[: len(cut.split())]


def test_a_hash_is_128_bits_of_hex_and_tells_texts_apart() -> None:
    hashes = {text_hash(text) for text in ("", "a", "A", "a ", "\ud800")}
    assert len(hashes) == 5
    assert all(len(h) == 32 and int(h, 16) >= 0 for h in hashes)


def test_the_hash_is_stable_across_releases() -> None:
    assert text_hash("Blue mug") == "ae4aeed51e89e6b284d57bfc4a5aa644"


@given(st.lists(rows, max_size=6))
@settings(deadline=None, max_examples=50)
def test_a_table_of_items_gives_the_text_of_each_row(items: list[dict[str, Any]]) -> None:
    full = [row | {"item_id": str(i), "available": True} for i, row in enumerate(items)]
    for row in full:
        row["attributes"] = list((row["attributes"] or {}).items())
    table = conform(pa.Table.from_pylist(full, schema=ITEMS), ITEMS)
    texts = item_texts(table)
    assert texts.schema == ITEM_TEXTS
    assert texts.to_pylist() == [
        {"item_id": row["item_id"], "text": item_text(row), "text_hash": text_hash(item_text(row))}
        for row in full
    ]


def test_absent_optional_columns_are_fine() -> None:
    table = pa.table({"item_id": ["1"], "title": ["Mug"]})
    assert item_texts(table).column("text").to_pylist() == ["Mug"]


def test_the_description_limit_counts_characters() -> None:
    assert len(item_text({"title": "", "description": "x" * 5000})) == MAX_DESCRIPTION_CHARS
