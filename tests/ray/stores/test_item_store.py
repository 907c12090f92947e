"""The catalog on both databases, against a plain dictionary."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from cluster.database import STAGED_TABLE, open_database, reading
from cluster.item_store import ItemStore, UpsertCounts
from recsys.schemas import ITEMS


def items(*rows: dict[str, Any]) -> pa.Table:
    """Items with defaults."""
    full = [{"title": "t", "available": True, **row} for row in rows]
    return pa.Table.from_pylist(full, schema=ITEMS)


def catalog(store: ItemStore) -> dict[str, str]:
    """Titles by id, as scanned."""
    rows = [row for table in store.scan(batch_rows=2) for row in table.to_pylist()]
    assert [row["item_id"] for row in rows] == sorted(row["item_id"] for row in rows)
    return {row["item_id"]: row["title"] for row in rows}


def day(number: int) -> datetime:
    """A moment."""
    return datetime(2026, 1, number, tzinfo=UTC)


def test_what_was_written_is_read_back(engine: Engine) -> None:
    row = {
        "item_id": "\u00e9-1", "title": "T", "description": "D", "category": "A/B", "brand": "b",
        "price_minor": 5, "currency": "EUR", "image_url": "/x.png", "available": False,
        "attributes": [("colour", "red"), ("size", "\u4e2d")], "created_at": day(1), "updated_at": day(2),
    }  # fmt: skip
    store = ItemStore(engine)
    store.upsert(items(row))
    assert store.get(["\u00e9-1", "absent"]).to_pylist() == [row]


def test_ids_order_by_code_point_on_every_database(engine: Engine) -> None:
    store = ItemStore(engine)
    ids = ["b", "B", "a", "\u00e9", "Z", "_", "10", "9", "\U0001f600", "\uffee"]
    store.upsert(items(*({"item_id": item_id} for item_id in ids)))
    assert list(catalog(store)) == sorted(ids)


def test_changes_are_numbered_and_unchanged_rows_are_not(engine: Engine) -> None:
    store = ItemStore(engine)
    assert store.upsert(items({"item_id": "a"}, {"item_id": "b"})) == UpsertCounts(inserted=2)
    assert store.upsert(items({"item_id": "a"}, {"item_id": "b", "title": "u"})) == UpsertCounts(0, 1, 1)
    assert store.last_seq() == 3
    assert store.delete(["a", "absent"]) == 1
    assert store.delete(["a"]) == 0
    changes = store.changes_since(2, 10)
    assert (changes.items.column("item_id").to_pylist(), changes.deleted) == (["b"], ("a",))
    assert (changes.catalog_seq, changes.more) == (4, False)
    assert store.upsert(items({"item_id": "a"})) == UpsertCounts(inserted=1)
    assert catalog(store) == {"a": "t", "b": "u"}


def test_an_older_row_gives_way_and_the_later_wins_without_times(engine: Engine) -> None:
    store = ItemStore(engine)
    new = {"item_id": "a", "title": "new", "updated_at": day(5)}
    old = {"item_id": "a", "title": "old", "updated_at": day(4)}
    assert store.upsert(items(new, old)) == UpsertCounts(inserted=1, conflicts=1)
    assert store.upsert(items(old)) == UpsertCounts(stale=1)
    assert catalog(store) == {"a": "new"}
    assert store.upsert(items({"item_id": "a", "title": "untimed"})) == UpsertCounts(updated=1)


def test_staging_applies_at_once_and_again_changes_nothing(engine: Engine) -> None:
    store = ItemStore(engine)
    parts = [
        items({"item_id": "a", "title": "1"}, {"item_id": "b"}),
        items({"item_id": "a", "title": "2"}, {"item_id": "c"}),
    ]
    for expected in (UpsertCounts(inserted=3, conflicts=1), UpsertCounts(unchanged=3, conflicts=1)):
        with store.staging() as staging:
            for part in parts:
                staging.add(part)
            before = catalog(store)
            counts = staging.merge()
        assert counts == expected
    assert before == catalog(store) == {"a": "2", "b": "t", "c": "t"}
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(STAGED_TABLE)).scalar_one() == 0


def test_a_staging_that_is_left_early_changes_nothing(engine: Engine) -> None:
    store = ItemStore(engine)
    with store.staging() as staging:
        staging.add(items({"item_id": "a"}))
    assert (store.count(), store.last_seq()) == (0, 0)


Act = tuple[str, list[tuple[int, int]]]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "delete", "stage"]),
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=5),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=40)
@given(acts=ACTS)
def test_any_sequence_of_changes_equals_a_dictionary(acts: list[Act]) -> None:
    engine = open_database("sqlite://")
    store, model = ItemStore(engine), dict[str, str]()
    for kind, pairs in acts:
        rows = [{"item_id": f"i{item}", "title": f"t{title}"} for item, title in pairs]
        if kind == "delete":
            store.delete([row["item_id"] for row in rows])
            model = {key: title for key, title in model.items() if key not in {r["item_id"] for r in rows}}
            continue
        if kind == "upsert":
            store.upsert(items(*rows))
        else:
            with store.staging() as staging:
                staging.add(items(*rows))
                staging.merge()
        model |= {row["item_id"]: row["title"] for row in rows}
    assert catalog(store) == dict(sorted(model.items()))
    followed: dict[str, str] = {}
    seq, more = 0, True
    while more:
        changes = store.changes_since(seq, 2)
        followed |= {row["item_id"]: row["title"] for row in changes.items.to_pylist()}
        followed = {key: title for key, title in followed.items() if key not in changes.deleted}
        seq, more = changes.catalog_seq, changes.more
    assert followed == model
    engine.dispose()
