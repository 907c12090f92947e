"""What the disk changed in the event log is left out, counted, told and repaired."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select, text, update

from cluster.control_store import ControlStore
from cluster.database import DAMAGED, EVENTS_TABLE, counter_value, open_database, reading, writing
from cluster.event_check import check_events, note_check
from cluster.event_digest import DIGESTED, event_digest, fault_of
from cluster.event_repair import repair
from cluster.event_store import EventStore
from cluster.log_file import damage_of, log_of
from cluster.loop_store import LoopStore
from recsys.errors import StoreError
from tests.benchmarks.flipped_bits import run
from tests.ray.stores.random_events import random_events

TEXT = st.none() | st.text(max_size=20)
NUMBER = st.none() | st.integers(-(2**63), 2**63 - 1)
VALUES = st.tuples(*[st.integers(0, 2**40)], *[TEXT] * 7, st.none() | st.floats(), *[TEXT] * 2, *[NUMBER] * 3)


def filled(engine: Engine, count: int = 60) -> EventStore:
    """A store with events of six users."""
    store = EventStore(engine)
    store.append(random_events(random.Random(7), count, 6))
    return store


def as_kept(row: tuple[Any, ...]) -> list[Any]:
    """What SQLite keeps as one and the same value is one and the same here: NaN and null, both zeros."""
    return [None if value != value else value + 0.0 if isinstance(value, float) else value for value in row]


def every(store: EventStore) -> list[Any]:
    """The events of a scan, with the batches joined."""
    return [event for batch in store.scan(batch=7) for event in batch]


@settings(max_examples=100)
@given(row=VALUES, place=st.integers(0, len(DIGESTED) - 1), other=VALUES)
def test_a_digest_tells_every_other_row(row: tuple[Any, ...], place: int, other: tuple[Any, ...]) -> None:
    assert fault_of((*row, event_digest(row))) is None
    changed = (*row[:place], other[place], *row[place + 1 :])
    assert (fault_of((*changed, event_digest(row))) is None) == (as_kept(row) == as_kept(changed))


def test_a_changed_value_of_any_column_leaves_the_row_out_and_keeps_later_ones(engine: Engine) -> None:
    store = filled(engine)
    whole = every(store)
    for number, column in enumerate((*DIGESTED[2:], "digest"), 1):
        is_text = column not in ("value", "position", "occurred_at", "received_at", "digest")
        with writing(engine) as connection:
            change = update(EVENTS_TABLE).where(EVENTS_TABLE.c.seq == number)
            connection.execute(change.values({column: "?" if is_text else 77}))
        found = every(store)
        assert [event.seq for event in found] == list(range(number + 1, 61)), column
        assert found == whole[number:]
    assert sorted(store.damaged.reasons) == list(range(1, number + 1))
    check = check_events(engine)
    assert (sorted(check.damaged), check.whole, check.missing) == (list(range(1, number + 1)), 60 - number, 0)
    note_check(engine, check)
    with reading(engine) as connection:
        assert counter_value(connection, DAMAGED) == number


def test_a_changed_row_is_left_out_of_histories_responses_purchases_and_active_users(engine: Engine) -> None:
    store = filled(engine)
    with reading(engine) as connection:
        rows = connection.execute(select(EVENTS_TABLE)).mappings().all()
    bought = next(row for row in rows if row["event_type"] == "purchase")
    named = next(row for row in rows if row["recommendation_id"] and row["seq"] != bought["seq"])
    before = len(store.purchases(100)[0]), len(store.active_users(1, 100))
    with writing(engine) as connection:
        for row in (bought, named):
            change = update(EVENTS_TABLE).where(EVENTS_TABLE.c.seq == row["seq"])
            connection.execute(change.values(item_id="another"))
    lost = {bought["seq"], named["seq"]}
    told = {one.event_id for batch in store.responses() for one in batch}
    assert named["event_id"] not in told
    assert len(told) == sum(row["recommendation_id"] is not None and row["seq"] not in lost for row in rows)
    assert not lost & {event.seq for n in range(6) for event in store.events_of(f"user:u{n}", 100)}
    shown = sum(row["event_type"] == "impression" for row in rows if row["seq"] in lost)
    num_bought = sum(row["event_type"] == "purchase" for row in (bought, named))
    after = len(store.purchases(100)[0]), len(store.active_users(1, 100))
    assert after == (before[0] - num_bought, before[1] - len(lost) + shown)
    assert set(store.damaged.reasons) == lost


def test_rows_deleted_on_purpose_are_no_loss_and_vanished_ones_are(engine: Engine) -> None:
    filled(engine)
    with writing(engine) as connection:
        connection.execute(delete(EVENTS_TABLE).where(EVENTS_TABLE.c.seq.in_([3, 4, 60])))
    assert check_events(engine).faults == 0
    with writing(engine) as connection:
        connection.execute(delete(EVENTS_TABLE).where(EVENTS_TABLE.c.seq == 9))
        connection.execute(text("UPDATE counters SET value = value - 1 WHERE name = 'events_removed'"))
    check = check_events(engine)
    assert (check.missing, check.whole, check.faults) == (1, 56, 1)


def test_a_counter_that_is_lost_or_behind_is_raised_when_the_database_is_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    for damage in ("DELETE FROM counters", "UPDATE counters SET value = 2"):
        engine = open_database(url)
        count = filled(engine, 5).count()
        with writing(engine) as connection:
            connection.execute(text(f"{damage} WHERE name = 'events'"))
        engine.dispose()
        engine = open_database(url)
        assert EventStore(engine).last_seq() >= count
        assert EventStore(engine).append(random_events(random.Random(8), 1, 2, damage)).appended == 1
        engine.dispose()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A database file with its events in the file and not in the log."""
    path = tmp_path / "shop.db"
    engine = open_database(f"sqlite:///{path}")
    store = filled(engine, 400)
    store.append(random_events(random.Random(70), 5, 6, "more"))
    engine.dispose()
    return path


def events_at(path: Path) -> dict[str, Any]:
    """What a store opened there reads, by id."""
    engine = open_database(f"sqlite:///{path}")
    found = {event.event_id: event for event in every(EventStore(engine))}
    engine.dispose()
    return found


def test_a_text_that_is_no_utf8_costs_its_row_only(shop: Path) -> None:
    with closing(sqlite3.connect(shop)) as connection:
        connection.execute("UPDATE events SET item_id = CAST(x'69ff74' AS TEXT) WHERE seq = 5")
        connection.commit()
    engine = open_database(f"sqlite:///{shop}")
    store = EventStore(engine)
    assert [event.seq for event in every(store)] == [*range(1, 5), *range(6, 406)]
    assert "UTF-8" in store.damaged.reasons[5]
    assert check_events(engine).damaged.keys() == {5}
    engine.dispose()


def page_of(path: Path, content: bytes) -> int:
    """Number of the leaf page of events that holds some bytes."""
    file = path.read_bytes()
    places = range(0, len(file), 4096)
    (page,) = {at // 4096 for at in places if file[at] == 0x0D and content in file[at : at + 4096]}
    return page


def test_a_broken_page_is_told_and_repaired_but_for_its_own_rows(shop: Path) -> None:
    before = events_at(shop)
    event_id = next(event_id for event_id, event in before.items() if event.seq == 200)
    page = page_of(shop, event_id.encode())
    file = bytearray(shop.read_bytes())
    file[page * 4096 : page * 4096 + 200] = bytes(200)
    shop.write_bytes(file)
    engine = open_database(f"sqlite:///{shop}")
    with pytest.raises(StoreError, match="malformed") as told:
        every(EventStore(engine))
    assert told.value.where
    assert check_events(engine).structure
    assert EventStore(engine).append(random_events(random.Random(9), 1, 2, "new")).appended == 1
    engine.dispose()
    made = repair(shop)
    after = events_at(shop)
    assert made.events == len(after)
    assert made.lost == len(before) + 1 - len(after) > 0
    assert after.items() - before.items() == {(name, one) for name, one in after.items() if "new" in name}
    assert len(before) - len(after.keys() & before.keys()) < 40
    assert (shop.parent / made.kept_as).exists()
    engine = open_database(f"sqlite:///{shop}")
    assert check_events(engine).faults == 0
    engine.dispose()


def test_a_log_damaged_in_the_middle_is_told_and_its_later_events_come_back(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/work.db")
    store = EventStore(engine)
    for number in range(6):
        store.append(random_events(random.Random(number), 4, 3, f"b{number}"))
    shop = tmp_path / "shop.db"
    shop.write_bytes((tmp_path / "work.db").read_bytes())
    log = bytearray((tmp_path / "work.db-wal").read_bytes())
    whole = {event.event_id for event in every(store)}
    engine.dispose()
    log_of(shop).write_bytes(log)
    assert damage_of(log_of(shop)) is None
    log[len(log) // 2] ^= 16
    log_of(shop).write_bytes(log)
    found = damage_of(log_of(shop))
    assert found is not None
    assert found.commits > 1
    engine = open_database(f"sqlite:///{shop}")
    kept = {event.event_id for event in every(EventStore(engine))}
    assert kept < whole
    (name,) = check_events(engine).logs
    engine.dispose()
    made = repair(shop)
    assert made.from_logs > 0
    assert len(whole - set(events_at(shop))) <= 1
    assert not (tmp_path / name).exists()


def test_a_repair_keeps_every_other_table(shop: Path) -> None:
    engine = open_database(f"sqlite:///{shop}")
    ControlStore(engine).put("rule", "r1", {"boost": 2}, "me")
    LoopStore(engine).set_state("paused", True)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE of_a_later_release (n INTEGER PRIMARY KEY, said TEXT)"))
        connection.execute(text("INSERT INTO of_a_later_release VALUES (7, 'é')"))
        owners = connection.execute(text("SELECT * FROM visitor_owners ORDER BY 1")).all()
        connection.execute(
            text("UPDATE visitor_owners SET user_key = 'user:wrong' WHERE visitor_key = 'visitor:v1'")
        )
    engine.dispose()
    made = repair(shop)
    assert (made.events, made.lost, made.incomplete) == (405, 0, {})
    engine = open_database(f"sqlite:///{shop}")
    assert ControlStore(engine).get("rule", "r1").body == {"boost": 2}
    assert ControlStore(engine).put("rule", "r1", {"boost": 3}, "me").revision == 2
    assert LoopStore(engine).paused
    with reading(engine) as connection:
        assert connection.execute(text("SELECT * FROM of_a_later_release")).all() == [(7, "é")]
        assert connection.execute(text("SELECT * FROM visitor_owners ORDER BY 1")).all() == owners
    assert EventStore(engine).append(random_events(random.Random(3), 2, 2, "new")).appended == 2
    engine.dispose()


def test_a_repair_waits_for_nobody(shop: Path) -> None:
    engine = open_database(f"sqlite:///{shop}")
    with reading(engine) as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(StoreError, match="in use"):
            repair(shop)
    engine.dispose()
    assert len(events_at(shop)) == 405


def test_random_flips_are_never_accepted_in_silence() -> None:
    outcomes = run(12, seed=3, say=lambda _: None)
    assert [one for one in outcomes if one.kind == "SILENT"] == []
    assert min(one.kept for one in outcomes) > 0.99
    assert len({one.kind for one in outcomes}) > 1
