"""What shoppers did, as other products export it."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from tests.unit.formats.imported import Imported, imported


def done(found: Imported) -> list[tuple[str, str, str]]:
    """Who did what with which item."""
    return [
        (str(row.get("user_id", row.get("visitor_id"))), row["event_type"], row["item_id"])
        for row in found.rows
    ]


def test_gorse_feedback_keeps_its_rows_and_names_the_types_nobody_knows() -> None:
    found = imported("gorse/feedback.jsonl", "events")
    assert done(found) == [
        ("ada", "like", "kettle-1"),
        ("ada", "view", "mug-7"),
        ("bela", "purchase", "mug-7"),
    ]
    assert [row.get("value") for row in found.rows] == [None, None, 2.0]
    assert found.refused == [(4, "unknown_event_type"), (5, "missing_user")]
    mapped = imported("gorse/feedback.jsonl", "events", event_types={"fork": "like", "star": "click"})
    assert ("bela", "like", "kettle-1") in done(mapped)
    assert ("ada", "click", "kettle-1") in done(mapped)
    assert mapped.refused == [(5, "missing_user")]
    assert done(imported("gorse/feedback.csv", "events")) == done(found)[1::-1]


def test_personalize_interactions_are_told_by_their_columns() -> None:
    found = imported("personalize/interactions.csv", "events")
    assert found.seen.formats == {"Amazon Personalize interactions": 1}
    assert done(found) == [
        ("u1", "view", "p-1"), ("u1", "add_to_cart", "p-1"), ("u1", "purchase", "p-1"), ("u2", "view", "p-2"),
    ]  # fmt: skip
    assert found.rows[0]["occurred_at"] == datetime(2024, 7, 1, 10, 40, tzinfo=UTC)
    assert found.refused == [(5, "bad_timestamp"), (6, "missing_id")]


def test_retail_purchases_are_an_event_for_each_product_and_pages_are_none() -> None:
    found = imported("retail/user_events.jsonl", "events")
    assert done(found) == [
        ("v1", "view", "sofa"),
        ("v1", "add_to_cart", "sofa-green"),
        ("u9", "purchase", "sofa-green"),
        ("u9", "purchase", "stool"),
    ]
    assert [row.get("value") for row in found.rows] == [None, 1.0, 1.0, 2.0]
    assert {row["visitor_id"] for row in found.rows} == {"v1"}, "with the account: their histories join"
    assert found.seen.skipped == {"not_about_an_item": 1}
    assert found.refused == [(5, "missing_id")]


def test_shopify_orders_are_purchases_by_people_whose_address_is_not_kept() -> None:
    found = imported("shopify/orders.csv", "events")
    ada = sha256(b"ada@example.org").hexdigest()
    assert done(found) == [(ada, "purchase", "LS-SAND-M"), (ada, "purchase", "GW")]
    assert [row["value"] for row in found.rows] == [2.0, 1.0]
    moment = datetime(2025, 6, 1, 7, 50, 26, tzinfo=UTC)
    assert {row["occurred_at"] for row in found.rows} == {moment}, "an order's lines have its time"
    assert found.seen.skipped == {"refunded": 1, "cancelled": 1}
    assert found.refused == [(4, "missing_id")]
    assert "@" not in str(found.rows)


def test_a_file_of_another_kind_is_refused_whole_with_what_to_do() -> None:
    people = imported("gorse/users.jsonl", "items")
    assert (people.rows, people.refused) == ([], [(None, "other_kind")])
    assert "Gorse users" in people.details[0]
    assert imported("personalize/users.csv", "events").refused == [(None, "other_kind")]
    orders = imported("shopify/orders.csv", "items")
    assert orders.refused == [(None, "other_kind")]
    assert "recsys import events" in orders.details[0]


def test_a_named_format_refuses_what_is_not_of_it_and_plain_asks_for_none() -> None:
    wrong = imported("gorse/feedback.jsonl", "events", source_format="retail")
    assert wrong.refused == [(None, "missing_columns")]
    assert "eventType" in wrong.details[0]
    plain = imported("personalize/interactions.csv", "events", source_format="plain")
    assert plain.seen.formats == {}
    assert [row["event_type"] for row in plain.rows] == ["view", "add_to_cart", "purchase", "view"]
    assert plain.rows[-1]["value"] == 0.4, "the share watched"
