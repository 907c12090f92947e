from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.catalog import clean_items, lacking_columns
from recsys.catalog.text_cleaning import TAG
from recsys.config import ImportConfig
from recsys.errors import SchemaError
from recsys.identifiers import id_fault
from recsys.reading import table_of_rows
from recsys.schemas import ITEMS, QUARANTINE, Cleaned, conform


def clean(rows: list[dict[str, Any]] | pa.Table, **config: Any) -> Cleaned:
    table = rows if isinstance(rows, pa.Table) else table_of_rows(rows)
    return clean_items(table, config=ImportConfig(**config), file="f")


def one(**fields: Any) -> dict[str, Any]:
    """The only item of a row with these fields beside its id and title."""
    cleaned = clean([{"id": "1", "title": "t", **fields}])
    assert cleaned.bad.to_pylist() == []
    item: dict[str, Any] = cleaned.good.to_pylist()[0]
    return item


def fault(**fields: Any) -> str:
    """The reason for which a row with these fields beside its id and title is refused."""
    cleaned = clean([{"id": "1", "title": "t", **fields}])
    assert cleaned.good.num_rows == 0
    (reason,) = cleaned.bad.column("reason").to_pylist()
    return str(reason)


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (("id", "name"), ("1", "t")),
        (("SKU", "Product Name"), ("1", "t")),
        (("product-id", "productTitle"), (1, "t")),
        (("parent_asin", "TITLE"), (1.0, "t")),
    ],
)
def test_columns_are_found_by_their_usual_names(names: tuple[str, str], values: tuple[Any, str]) -> None:
    (item,) = clean([dict(zip(names, values, strict=True))]).good.to_pylist()
    assert (item["item_id"], item["title"]) == ("1", "t")


def test_a_chosen_column_wins_over_the_usual_one() -> None:
    rows = [{"id": "1", "title": "usual", "label_de": "chosen"}]
    (item,) = clean(rows, columns={"title": "Label DE"}).good.to_pylist()
    assert item["title"] == "chosen"
    assert dict(item["attributes"]) == {"title": "usual"}


def test_a_mapping_to_an_unknown_field_is_refused() -> None:
    with pytest.raises(SchemaError, match="does not exist"):
        clean([{"id": "1", "title": "t"}], columns={"colour": "c"})


def test_a_file_without_required_or_chosen_columns_says_what_it_has() -> None:
    assert lacking_columns(["id", "name"], ImportConfig()) is None
    assert lacking_columns(["id", "x"], ImportConfig()) == "expected title; found id, x"
    assert (
        lacking_columns(["id", "name"], ImportConfig(columns={"brand": "mk"}))
        == "expected mk; found id, name"
    )


def test_a_chosen_column_that_a_batch_does_not_have_is_empty_there() -> None:
    rows = [{"id": "1", "title": "t", "brand": "other"}]
    (item,) = clean(rows, columns={"brand": "mk"}).good.to_pylist()
    assert item["brand"] is None


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("A > B", "A/B"),
        ("A|B|C", "A/B/C"),
        ("A/B", "A/B"),
        (["A", "B & C/D"], "A/B & C D"),
        ([["A"], ["A", "B"]], "A/B"),
        ("A &gt; <b>B</b>", "A/B"),
        ("", None),
    ],
)
def test_categories_become_one_path(raw: Any, path: str | None) -> None:
    assert one(category=raw)["category"] == path


@pytest.mark.parametrize(
    ("raw", "available"),
    [
        ("in stock", True), ("out_of_stock", False), ("https://schema.org/InStock", True), (True, True),
        (1, True), (0, False), ("0", False), ("17", True), (None, True), ("no", False), (float("nan"), True),
    ],
)  # fmt: skip
def test_availability_is_understood(raw: Any, available: bool) -> None:
    assert one(availability=raw)["available"] is available


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("https://x.test/a.png", "https://x.test/a.png"),
        (["https://x.test/a.png", "b"], "https://x.test/a.png"),
        ("/img/a.png", "/img/a.png"),
        ("javascript:alert(1)", None),
        ("data:image/png;base64,xx", None),
        ('x" onerror="y', None),
    ],
)
def test_pictures_are_addresses_that_run_nothing(raw: Any, expected: str | None) -> None:
    assert one(image=raw)["image_url"] == expected


@pytest.mark.parametrize(
    "raw",
    [
        "2024-02-29T12:00:00Z",
        "2024-02-29 13:00:00+01:00",
        "2024-02-29T12:00:00",
        1_709_208_000,
        1_709_208_000_000,
        1_709_208_000_000_000,
        "1709208000",
    ],
)
def test_times_of_every_form_are_the_same_moment(raw: Any) -> None:
    assert one(updated=raw)["updated_at"] == datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_arrow_times_of_every_unit_and_zone_are_read_and_judged(unit: str, zone: str | None) -> None:
    ticks = {"s": 1, "ms": 1_000, "us": 10**6, "ns": 10**9}[unit]
    values = pa.array([1_709_208_000 * ticks, 5, None, 2**62], pa.timestamp(unit, zone))
    table = pa.table({"id": list("1234"), "title": list("abcd"), "updated_at": values})
    cleaned = clean(table)
    kept = [(row["item_id"], row["updated_at"]) for row in cleaned.good.to_pylist()]
    assert kept == [("1", datetime(2024, 2, 29, 12, tzinfo=UTC)), ("3", None)]
    assert cleaned.bad.column("reason").to_pylist() == ["bad_timestamp"] * 2


def test_dates_are_their_midnight() -> None:
    for kind in (pa.date32(), pa.date64()):
        table = pa.table({"id": ["1"], "title": ["t"], "created": pa.array([date(2024, 2, 29)], kind)})
        assert clean(table).good.column("created_at").to_pylist() == [datetime(2024, 2, 29, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": None}, "missing_id"),
        ({"id": "x" * 10_000}, "id_too_long"),
        ({"id": "a\x00b"}, "id_bad_character"),
        ({"id": "\ud800"}, "id_bad_character"),
        ({"id": {"a": 1}}, "id_bad_type"),
        ({"id": True}, "id_bad_type"),
        ({"title": None}, "missing_title"),
        ({"title": "<br>"}, "missing_title"),
        ({"price": -1}, "bad_price"),
        ({"price": float("nan")}, "bad_price"),
        ({"price": float("inf")}, "bad_price"),
        ({"price": 1e300}, "bad_price"),
        ({"price_minor": 19.99}, "bad_price"),
        ({"currency": "ZZZ"}, "bad_currency"),
        ({"updated_at": "yesterday"}, "bad_timestamp"),
        ({"updated_at": -5}, "bad_timestamp"),
        ({"created_at": "9999-12-31T23:59:59-14:00"}, "bad_timestamp"),
        ({"in_stock": "perhaps"}, "bad_available"),
    ],
)
def test_each_fault_has_its_reason(fields: dict[str, Any], reason: str) -> None:
    assert fault(**fields) == reason


def test_one_bad_row_keeps_no_other_out_and_names_its_place() -> None:
    table = table_of_rows([{"id": "a", "title": "x"}, {"id": "", "title": "y"}, {"id": "c", "title": "z"}])
    cleaned = clean_items(table, config=ImportConfig(), file="shop.csv", rows=[4, 7, 9])
    assert cleaned.good.column("item_id").to_pylist() == ["a", "c"]
    (bad,) = cleaned.bad.to_pylist()
    assert (bad["file"], bad["row"], bad["reason"]) == ("shop.csv", 7, "missing_id")
    assert '"title": "y"' in bad["raw"]


def test_a_price_in_minor_units_wins_and_the_default_currency_is_for_prices_only() -> None:
    rows = [
        {"id": "1", "title": "t", "price_minor": 5, "price": "broken"},
        {"id": "2", "title": "t", "price": "12.50"},
        {"id": "3", "title": "t"},
    ]
    found = clean(rows, default_currency="EUR").good.select(["price_minor", "currency"]).to_pylist()
    assert found == [
        {"price_minor": 5, "currency": "EUR"},
        {"price_minor": 1_250, "currency": "EUR"},
        {"price_minor": None, "currency": None},
    ]


def test_columns_beyond_the_contract_become_bounded_attributes() -> None:
    extra = {f"x{n:03d}": n for n in range(100)}
    attributes = dict(one(**extra, **{"a": {"k": [1]}, "b": "y " * 2_000, "c": None})["attributes"])
    assert len(attributes) == 64
    assert attributes["a"] == '{"k": [1]}'
    assert 900 < len(attributes["b"]) <= 1_000
    assert "c" not in attributes


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"a": "1"}, {"a": "1"}),
        ('{"a": 1}', {"a": "1"}),
        ("red", {"attributes": "red"}),
        ("5", {"attributes": "5"}),
        (["x", "y"], {"attributes": '["x", "y"]'}),
    ],
)
def test_no_form_of_attributes_is_lost(raw: Any, expected: dict[str, str]) -> None:
    assert dict(one(attributes=raw)["attributes"]) == expected


def test_what_was_mended_is_counted_by_row_and_only_of_good_rows() -> None:
    rows = [
        {"id": "1", "title": "a", "description": "<b>x</b>"},
        {"id": "2", "title": "b", "description": "<b>x</b>"},
        {"id": None, "title": "c", "description": "<b>x</b>"},
        {"id": "4", "title": "d " * 400, "description": "plain & simple"},
        {"id": "5", "title": "e", "description": "<p></p>" * 9_000 + "short"},
    ]
    cleaned = clean(rows)
    assert cleaned.mended == {"html_removed": 3, "text_cut": 1}


def test_a_list_of_paragraphs_is_one_description() -> None:
    assert one(description=["First.", "Second."])["description"] == "First. Second."


def test_bytes_dictionaries_extensions_and_broken_text_are_read_as_text() -> None:
    uuid = pa.array([b"0123456789abcdef"], pa.uuid())
    broken = pa.array([b"caf\xe9"]).view(pa.string())
    brand, blob = pa.array(["acme"]).dictionary_encode(), pa.array([b"\xff\x00"])
    far = pa.array([2**60], pa.duration("s"))
    table = pa.table({"id": uuid, "title": broken, "brand": brand, "blob": blob, "far": far})
    cleaned = clean(table)
    (item,) = cleaned.good.to_pylist()
    assert (item["item_id"], item["title"], item["brand"]) == (
        "30313233-3435-3637-3839-616263646566",
        "café",
        "acme",
    )


def test_columns_of_one_name_do_not_collide() -> None:
    table = pa.Table.from_arrays(
        [pa.array(["1"]), pa.array(["t"]), pa.array(["u"])], names=["id", "title", "title"]
    )
    (item,) = clean(table).good.to_pylist()
    assert (item["title"], dict(item["attributes"])) == ("t", {"title_2": "u"})


def test_no_rows_give_no_items() -> None:
    cleaned = clean(pa.table({"id": pa.array([], pa.string()), "title": pa.array([], pa.string())}))
    assert (cleaned.good.num_rows, cleaned.bad.num_rows) == (0, 0)
    assert cleaned.good.schema.equals(ITEMS)


SPEAKING = ["<b>x</b>", "12,50 €", "2024-01-01", "NaN", "\x00", "A > B", "in stock", "https://x.test/a"]
ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(SPEAKING),
    st.lists(st.text(max_size=4), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
ROW = st.fixed_dictionaries(
    {"id": st.one_of(st.text("ab1\x00 é", max_size=4), ANY), "title": ANY},
    optional={
        name: ANY
        for name in ("description", "category", "brand", "price", "price_minor", "currency", "image_url",
                     "available", "attributes", "created_at", "updated_at", "colour")
    },
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(rows=st.lists(ROW, max_size=5))
def test_any_rows_are_accepted_or_refused_and_what_is_good_keeps_the_contract(
    rows: list[dict[str, Any]],
) -> None:
    cleaned = clean(rows, default_currency="EUR")
    assert cleaned.good.num_rows + cleaned.bad.num_rows == len(rows)
    assert conform(cleaned.good, ITEMS).equals(cleaned.good)
    assert cleaned.bad.schema.equals(QUARANTINE)
    cleaned.good.validate(full=True)
    for item in cleaned.good.to_pylist():
        assert id_fault(item["item_id"]) is None
        assert item["title"]
        assert item["price_minor"] is None or item["price_minor"] >= 0
        assert not TAG.search(item["title"] + " " + (item["description"] or ""))


@settings(max_examples=250, deadline=None)
@given(rows=st.lists(ROW, max_size=5))
def test_cleaning_clean_items_changes_nothing(rows: list[dict[str, Any]]) -> None:
    once = clean(rows, default_currency="EUR").good
    again = clean(once, default_currency="EUR")
    assert again.bad.num_rows == 0
    assert again.good.equals(once)
