from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import EventWeights, ImportConfig
from recsys.errors import SchemaError
from recsys.identifiers import id_fault
from recsys.interactions import clean_events, lacking_columns
from recsys.reading import table_of_rows
from recsys.schemas import EVENTS, QUARANTINE, Cleaned, conform

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
KNOWN = EventWeights().known_types()
BASE = {"user": "u", "item": "i", "event": "view", "ts": "2025-01-01T00:00:00Z"}


def clean(rows: list[dict[str, Any]] | pa.Table, now: datetime = NOW, **options: Any) -> Cleaned:
    table = rows if isinstance(rows, pa.Table) else table_of_rows(rows)
    known = options.pop("known", KNOWN)
    repeatable = options.pop("repeatable", False)
    config = ImportConfig(**options)
    return clean_events(
        table, known_types=known, received_at=now, config=config, file="f", repeatable=repeatable
    )


def one(now: datetime = NOW, **fields: Any) -> dict[str, Any]:
    """The only event of the base row with these fields."""
    cleaned = clean([{**BASE, **fields}], now)
    assert cleaned.bad.to_pylist() == []
    event: dict[str, Any] = cleaned.good.to_pylist()[0]
    return event


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("view", "view"), ("Page_View", "view"), ("detail-page-view", "view"), ("addtocart", "add_to_cart"),
        ("Add To Cart", "add_to_cart"), ("cart", "add_to_cart"), ("transaction", "purchase"),
        ("PURCHASED", "purchase"), ("star", "like"), ("remove from cart", "remove_from_cart"),
        ("not-interested", "dismiss"), ("refund", "return"),
    ],
)  # fmt: skip
def test_event_types_are_known_under_their_usual_names(raw: str, name: str) -> None:
    assert one(event=raw)["event_type"] == name


def test_a_configured_event_type_is_known_and_wins_over_an_alias() -> None:
    known = KNOWN | {"star", "Tasted"}
    found = clean([{**BASE, "event": name} for name in ("star", "Tasted")], known=known).good
    assert found.column("event_type").to_pylist() == ["star", "Tasted"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"user": None}, "missing_user"),
        ({"user": ""}, "missing_user"),
        ({"user": "a\x00"}, "id_bad_character"),
        ({"item": None}, "missing_id"),
        ({"item": "x" * 10_000}, "id_too_long"),
        ({"event": "sneezed"}, "unknown_event_type"),
        ({"event": None}, "unknown_event_type"),
        ({"value": "NaN"}, "bad_value"),
        ({"value": "much"}, "bad_value"),
        ({"value": float("inf")}, "bad_value"),
        ({"value": True}, "bad_value"),
        ({"event": "rating"}, "bad_value"),
        ({"event": "rating", "stars": 11}, "bad_value"),
        ({"event": "rating", "stars": -1}, "bad_value"),
        ({"event": "rating", "stars": float("nan")}, "bad_value"),
        ({"event": "review", "stars": 99}, "bad_value"),
        ({"ts": "yesterday"}, "bad_timestamp"),
        ({"ts": "1989-12-31T23:59:59Z"}, "bad_timestamp"),
        ({"ts": (NOW + timedelta(days=1, seconds=1)).isoformat()}, "bad_timestamp"),
        ({"position": 1.5}, "bad_position"),
        ({"position": 2**31}, "bad_position"),
        ({"position": "first"}, "bad_position"),
        ({"session": "x" * 300}, "id_too_long"),
        ({"event_id": "x" * 300}, "id_too_long"),
    ],
)
def test_each_fault_has_its_reason(fields: dict[str, Any], reason: str) -> None:
    cleaned = clean([BASE, {**BASE, **fields}])
    assert cleaned.good.num_rows == 1
    assert [(row["row"], row["reason"]) for row in cleaned.bad.to_pylist()] == [(2, reason)]


@pytest.mark.parametrize("stars", [0, 1, 4.5, "5", 10, "4,5"])
def test_stars_are_kept_as_they_are(stars: Any) -> None:
    assert one(event="rating", stars=stars)["value"] == float(str(stars).replace(",", "."))


def test_a_review_needs_no_stars_and_its_text_is_cleaned_and_cut() -> None:
    event = one(event="review", comment="<p>Good &amp; cheap</p>" + " word" * 2_000)
    assert event["value"] is None
    assert event["review_text"].startswith("Good & cheap word")
    assert 4_900 < len(event["review_text"]) <= 5_000


def test_nan_in_a_column_of_numbers_is_an_absent_value() -> None:
    table = pa.table(
        {"user": ["u", "v"], "item": ["i", "i"], "event": ["view"] * 2, "value": [float("nan"), 2.0]}
    )
    assert clean(table).good.column("value").to_pylist() == [None, 2.0]


def test_whole_numbers_of_any_size_are_values_and_ids() -> None:
    table = pa.table(
        {"user": [7.0, 8.0], "item": [2**60 + 1, 5], "event": ["view"] * 2, "value": [2**60 + 1, 0]}
    )
    found = clean(table).good
    assert found.column("user_id").to_pylist() == ["7", "8"]
    assert found.column("item_id").to_pylist() == [str(2**60 + 1), "5"]
    assert found.column("value").to_pylist() == [float(2**60), 0.0]


def test_a_visitor_is_enough_and_both_may_be_given() -> None:
    rows = [{**BASE, "user": None, "anonymous_id": "v"}, {**BASE, "anonymous_id": "v"}]
    found = clean(rows).good.select(["user_id", "visitor_id"]).to_pylist()
    assert found == [{"user_id": None, "visitor_id": "v"}, {"user_id": "u", "visitor_id": "v"}]


def test_an_event_without_a_time_happened_when_it_came() -> None:
    event = one(ts=None)
    assert event["occurred_at"] == event["received_at"] == NOW


def test_a_derived_id_depends_on_what_happened_and_nothing_else() -> None:
    assert one()["event_id"] == one(now=NOW + timedelta(days=3), session="s", position=4)["event_id"]
    changes: list[dict[str, Any]] = [
        {"user": "w"}, {"user": None, "visitor": "u"}, {"item": "j"}, {"event": "click"}, {"value": 2},
        {"review": "x"}, {"ts": "2025-01-01T00:00:01Z"},
    ]  # fmt: skip
    ids = [one(**change)["event_id"] for change in [{}, *changes]]
    assert len(set(ids)) == len(ids)
    assert all(len(event_id) == 32 for event_id in ids)


def test_a_given_id_is_kept_beside_derived_ones() -> None:
    ids = clean([{**BASE, "event_id": "mine"}, BASE]).good.column("event_id").to_pylist()
    assert ids == ["mine", one()["event_id"]]


def test_an_event_without_a_time_is_the_same_when_a_file_is_read_again_and_another_in_a_new_request() -> None:
    timeless = [{**BASE, "ts": None}]
    later = NOW + timedelta(hours=1)

    def ids(repeatable: bool) -> set[str]:
        return {
            clean(timeless, now, repeatable=repeatable).good["event_id"][0].as_py() for now in (NOW, later)
        }

    assert len(ids(repeatable=True)) == 1
    assert len(ids(repeatable=False)) == 2


def test_missing_columns_are_named() -> None:
    assert lacking_columns(["user", "item", "event"], ImportConfig()) is None
    said = lacking_columns(["item"], ImportConfig())
    assert said == "expected event_type, user_id or visitor_id; found item"
    assert clean([{"item": "i"}]).bad.column("reason").to_pylist() == ["missing_columns"]


def test_a_mapping_to_an_unknown_field_is_refused() -> None:
    with pytest.raises(SchemaError, match="does not exist"):
        clean([BASE], columns={"when": "ts"})


def test_no_rows_give_no_events() -> None:
    empty = pa.table({name: pa.array([], pa.string()) for name in BASE})
    cleaned = clean(empty)
    assert (cleaned.good.num_rows, cleaned.bad.num_rows) == (0, 0)
    assert cleaned.good.schema.equals(EVENTS)


ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["rating", "purchase", "5", "2024-01-01", "NaN", "\x00", "<b>x</b>"]),
    st.lists(st.text(max_size=4), max_size=3),
)
OPTIONAL = "event_id visitor_id session_id value review_text recommendation_id position occurred_at colour"
ROW = st.fixed_dictionaries(
    {"user_id": ANY, "item_id": ANY, "event_type": st.sampled_from([*sorted(KNOWN), "cart"]) | ANY},
    optional=dict.fromkeys(OPTIONAL.split(), ANY),
)


@settings(max_examples=250, deadline=None)
@given(rows=st.lists(ROW, max_size=5))
def test_any_rows_are_accepted_or_refused_and_what_is_good_keeps_the_contract(
    rows: list[dict[str, Any]],
) -> None:
    cleaned = clean(rows)
    assert cleaned.good.num_rows + cleaned.bad.num_rows == len(rows)
    assert conform(cleaned.good, EVENTS).equals(cleaned.good)
    assert cleaned.bad.schema.equals(QUARANTINE)
    cleaned.good.validate(full=True)
    for event in cleaned.good.to_pylist():
        assert event["user_id"] or event["visitor_id"]
        assert event["event_type"] in KNOWN
        ids = ("event_id", "user_id", "visitor_id", "session_id", "item_id", "recommendation_id")
        assert all(event[name] is None or id_fault(event[name]) is None for name in ids)
        assert event["occurred_at"] <= NOW + timedelta(days=1)


@settings(max_examples=250, deadline=None)
@given(rows=st.lists(ROW, max_size=5), repeatable=st.booleans())
def test_cleaning_clean_events_changes_nothing(rows: list[dict[str, Any]], repeatable: bool) -> None:
    once = clean(rows, repeatable=repeatable).good
    again = clean(once, repeatable=repeatable)
    assert again.bad.num_rows == 0
    assert again.good.equals(once)
