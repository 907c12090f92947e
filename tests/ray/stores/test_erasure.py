"""Erasing a person on SQLite and PostgreSQL: all of theirs goes and stays away, nothing of others changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select

from cluster.answer_store import AnswerStore
from cluster.answer_tables import ANSWERS_TABLE, METADATA
from cluster.database import COUNTERS, EVENTS_TABLE, VISITOR_OWNERS, reading, writing
from cluster.erasure import Eraser
from cluster.event_store import AppendCounts, EventStore
from cluster.loop_store import LoopStore
from cluster.person_export import PersonExport
from cluster.profile_store import ProfilePartition
from cluster.serving_database import open_serving_database
from cluster.tombstone_table import TOMBSTONES_TABLE, ErasedPeople
from recsys.answer_record import AnswerRecord
from recsys.config import ProfileConfig
from recsys.errors import NotFoundError, StoreError
from recsys.feedback import Kind, Run, RunState, Trigger
from recsys.history import user_key
from recsys.schemas import EVENTS, QUARANTINE
from recsys.workspace import Workspace

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
NOW_US = int(WHEN.timestamp() * 1e6)
MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Shop:
    """Two databases, a workspace, and an eraser whose clock says `NOW_US`."""

    workspace: Workspace
    engine: Engine
    serving: Engine

    @property
    def events(self) -> EventStore:
        return EventStore(self.engine, ErasedPeople(self.engine, self.workspace.privacy))

    @property
    def answers(self) -> AnswerStore:
        return AnswerStore(self.serving, ErasedPeople(self.serving, self.workspace.privacy))

    @property
    def eraser(self) -> Eraser:
        return Eraser(self.workspace, self.engine, self.serving, lambda: NOW_US)

    @property
    def export(self) -> PersonExport:
        return PersonExport(self.workspace, self.engine, self.serving)


@pytest.fixture
def shop(engine: Engine, tmp_path: Path) -> Iterator[Shop]:
    """An empty shop."""
    sqlite = engine.dialect.name == "sqlite"
    url = f"sqlite:///{tmp_path}/serving.db" if sqlite else engine.url.render_as_string(hide_password=False)
    serving = open_serving_database(url)
    yield Shop(Workspace(tmp_path), engine, serving)
    METADATA.drop_all(serving)
    serving.dispose()


def rows(*events: tuple[str, str | None, str | None, int]) -> pa.Table:
    """`EVENTS` rows of `(event_id, user_id, visitor_id, minutes before WHEN)`, all reviews of one item."""
    names = ("event_id", "user_id", "visitor_id")
    said = {"event_type": "review", "item_id": "i", "review_text": "so good", "received_at": WHEN}
    table = [
        dict(zip(names, one[:3], strict=True)) | said | {"occurred_at": WHEN - timedelta(minutes=one[3])}
        for one in events
    ]
    return pa.Table.from_pylist(table, schema=EVENTS)


def answer(name: str, unit: str, minutes: int = 5) -> AnswerRecord:
    return AnswerRecord(name, NOW_US - minutes * MINUTE_US, unit, "home", "v1", ("i", "j"), {"exp": "B"})


def everything(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables that hold people."""
    found = {}
    for engine, table in (
        (shop.engine, EVENTS_TABLE), (shop.engine, VISITOR_OWNERS), (shop.serving, ANSWERS_TABLE),
    ):  # fmt: skip
        with reading(engine) as connection:
            read = connection.execute(select(table).order_by(*table.primary_key.columns)).all()
        found[table.name] = [tuple(row) for row in read]
    return found


def events_of(shop: Shop, user_id: str) -> list[str]:
    return [one.event_id for one in shop.events.events_of(f"user:{user_id}", 100)]


PEOPLE = st.sampled_from(["a", "ab", "b", None])
VISITORS = st.sampled_from(["v", "w", "vw", None])
STEPS = st.lists(
    st.tuples(PEOPLE, VISITORS, st.integers(0, 500)).filter(lambda one: one[0] or one[1]), max_size=25
)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.sampled_from(["user:a", "user:ab", "user:nobody", "visitor:v", "visitor:w"]))
def test_erasing_one_leaves_all_of_everybody_else(
    shop: Shop, steps: Sequence[tuple[str | None, str | None, int]], erased: str
) -> None:
    for engine, table in (
        (shop.engine, EVENTS_TABLE), (shop.engine, VISITOR_OWNERS), (shop.serving, ANSWERS_TABLE),
        (shop.engine, TOMBSTONES_TABLE), (shop.serving, TOMBSTONES_TABLE),
    ):  # fmt: skip
        with writing(engine) as connection:
            connection.execute(delete(table))
    shop.workspace.privacy.joinpath("tombstones.jsonl").unlink(missing_ok=True)
    shop.events.append(rows(*[(f"e{n}", *step) for n, step in enumerate(steps)]))
    units = sorted({user_key(*step[:2]) for step in steps} | {"", "user:c"})
    shop.answers.append([answer(f"r{n}", unit) for n, unit in enumerate(units)])
    before, profiles = everything(shop), ProfilePartition(shop.events, ProfileConfig())
    owned = {visitor for visitor, user in before["visitor_owners"] if user == erased}
    gone = {erased, *owned}
    others = sorted({*units, "user:ab", "visitor:vw"} - gone - {""})
    believed = {key: profiles.profile(key, NOW_US) for key in [*others, *sorted(gone)]}

    counts = shop.eraser.erase(erased)

    after = everything(shop)
    assert after["events"] == [row for row in before["events"] if row[2] not in gone]
    assert after["answers"] == [row for row in before["answers"] if row[3] not in gone]
    still = {user_key(None, row[4]) for row in after["events"] if row[3] and row[4]}
    kept = [pair for pair in before["visitor_owners"] if not gone & set(pair) or (pair[0] == erased in still)]
    assert after["visitor_owners"] == kept
    assert counts.events == len(before["events"]) - len(after["events"])
    assert counts.clean
    for key in others:
        # A user whose visitor was erased alone has lost that visitor's events, and they are gone for good.
        if erased not in {visitor for visitor, user in before["visitor_owners"] if user == key}:
            assert profiles.profile(key, NOW_US) == believed[key]
    for key in gone:
        assert profiles.profile(key, NOW_US).num_events == 0
    assert shop.eraser.erase(erased).events == 0
    assert everything(shop) == after


def test_a_person_and_their_visitors_go_from_everywhere_and_are_in_the_export_before(shop: Shop) -> None:
    shop.events.append(
        rows(("1", None, "v", 9), ("2", "u", "v", 8), ("3", None, "v", 7), ("4", "z", None, 6))
    )
    shop.answers.append([answer("r1", "user:u"), answer("r2", "visitor:v"), answer("r3", "user:z")])
    found = shop.export.of("user:u")
    assert [row["event_id"] for row in found["events"]] == ["1", "2", "3"]
    assert found["links"] == [{"visitor_id": "v"}]
    assert [row["recommendation_id"] for row in found["answers"]] == ["r1", "r2"]
    assert [(row["experiment_id"], row["arm"]) for row in found["exposures"]] == [("exp", "B")] * 2
    assert [row["item_id"] for row in found["profile"]] == ["i"]
    assert found["events"][0]["occurred_at"] == (WHEN - timedelta(minutes=9)).isoformat()
    counts = shop.eraser.erase("user:u")
    assert (counts.people, counts.events, counts.links, counts.answers) == (2, 3, 1, 2)
    for key in ("user:u", "visitor:v", "user:nobody"):
        with pytest.raises(NotFoundError):
            shop.export.of(key)
    assert len(shop.export.of("user:z")["events"]) == 1


def test_what_comes_again_or_late_is_dropped_and_counted_and_what_is_new_is_a_new_person(shop: Shop) -> None:
    old = rows(("1", None, "v", 9), ("2", "u", "v", 8), ("3", "z", None, 7))
    writer = shop.events
    writer.append(old)
    shop.eraser.erase("user:u")
    assert writer.append(old) == AppendCounts(0, 1, 2)
    assert shop.events.append(rows(("late", "u", None, 0), ("late v", None, "v", 1))) == AppendCounts(0, 0, 2)
    new = rows(("new", "u", None, -1), ("new v", None, "v", -2), ("other", "z", "v", 3), ("w", None, "w", 3))
    assert writer.append(new) == AppendCounts(4, 0)
    assert events_of(shop, "u") == ["new"]
    assert events_of(shop, "z") == [
        "3",
        "other",
    ]  # too old to say whose the new visitor is
    shop.events.append(rows(("tie", "u", "v", -3)))
    assert events_of(shop, "u") == ["new", "new v", "tie"]
    assert shop.eraser.replay().events == 0
    assert events_of(shop, "u") == ["new", "new v", "tie"]


def test_an_event_from_a_clock_that_was_ahead_stays_out_as_well(shop: Shop) -> None:
    ahead = rows(("1", "u", None, -600))
    shop.events.append(ahead)
    assert shop.eraser.erase("user:u").events == 1
    assert shop.events.append(ahead) == AppendCounts(0, 0, 1)


def test_a_visitor_of_whom_only_an_old_file_knows_is_erased_with_the_person(shop: Shop) -> None:
    shop.events.append(rows(("1", "u", None, 9)))
    shop.eraser.erase("user:u")
    shop.events.append(rows(("2", None, "v", 8), ("3", None, "x", 8), ("4", "z", "x", 8)))
    counts = shop.events.append(rows(("5", "u", "v", 7), ("6", "u", "x", 7), ("7", None, "v", 6)))
    assert counts == AppendCounts(0, 0, 3)
    assert events_of(shop, "z") == ["3", "4"]  # the visitor is another user's
    assert shop.events.events_of("visitor:v", 9) == []
    assert "visitor:v" in shop.events.erased()


def test_a_backup_that_was_put_back_is_purged_by_the_ledger(shop: Shop) -> None:
    old = rows(("1", None, "v", 9), ("2", "u", "v", 8), ("3", "z", "w", 7), ("4", "u", "late", 7))
    shop.events.append(old)
    shop.answers.append([answer("r1", "user:u"), answer("r2", "user:z")])
    shop.eraser.erase("user:u")
    with writing(shop.engine) as connection:  # as the backup was: without any tombstone
        connection.execute(delete(TOMBSTONES_TABLE))
        connection.execute(delete(EVENTS_TABLE))
        connection.execute(COUNTERS.update().where(COUNTERS.c.name == "events").values(value=0))
    with writing(shop.serving) as connection:
        connection.execute(delete(TOMBSTONES_TABLE))
    restored = EventStore(shop.engine, ErasedPeople(shop.engine, shop.workspace.privacy / "elsewhere"))
    restored.append(old)
    AnswerStore(shop.serving, ErasedPeople(shop.serving, shop.workspace.privacy / "elsewhere")).append(
        [answer("r1", "user:u")]
    )
    assert shop.eraser.unapplied()
    counts = shop.eraser.replay()
    assert (counts.people, counts.events, counts.links, counts.answers) == (2, 3, 2, 1)
    assert not shop.eraser.unapplied()
    assert [row[1] for row in everything(shop)["events"]] == ["3"]
    assert shop.eraser.replay().events == 0
    assert shop.events.append(old) == AppendCounts(0, 1, 3)


def test_a_ledger_from_elsewhere_is_taken_over(shop: Shop, tmp_path: Path) -> None:
    shop.events.append(rows(("1", "u", None, 9), ("2", "z", None, 9)))
    elsewhere = Eraser(Workspace(tmp_path / "copy"), shop.engine, shop.serving, lambda: NOW_US)
    elsewhere.erase("user:u")
    with writing(shop.engine) as connection:
        connection.execute(delete(TOMBSTONES_TABLE))
    shop.events.append(rows(("1", "u", None, 9)))
    assert shop.eraser.replay(tmp_path / "copy" / "privacy").events == 1
    assert shop.events.append(rows(("1", "u", None, 9))) == AppendCounts(0, 0, 1)


def test_without_the_secret_nothing_is_written_rather_than_somebody_let_in_again(shop: Shop) -> None:
    shop.eraser.erase("user:u")
    for file in shop.workspace.privacy.glob("key-*"):
        file.unlink()
    with pytest.raises(StoreError, match="cannot be told from others"):
        shop.events.append(rows(("1", "z", None, 1)))


def test_a_list_on_its_way_to_the_log_is_dropped_and_a_later_one_is_a_new_persons(shop: Shop) -> None:
    log = shop.answers
    log.append([answer("before", "user:z")])
    under_way = replace(answer("under way", "user:u", 0), at_us=NOW_US + 2_000_000)
    shop.eraser.erase("user:u")
    log.append([answer("late", "user:u", 1), under_way, answer("other", "user:z")])
    log.append([answer("new", "user:u", -1)])
    assert sorted(log.get(["before", "late", "under way", "other", "new"])) == ["before", "new", "other"]


def test_names_go_from_refused_rows_runs_and_logs(shop: Shop) -> None:
    root, raw = shop.workspace.root, '{"user_id": "%s", "item_id": "", "event_type": "view"}'
    shop.workspace.quarantine.mkdir()
    bad: list[dict[str, Any]] = [
        {"file": "f", "row": place, "reason": "missing_id", "detail": "", "raw": raw % who}
        for place, who in enumerate("uz")
    ]
    pq.write_table(
        pa.Table.from_pylist(bad, schema=QUARANTINE), shop.workspace.quarantine / "events-1.parquet"
    )
    pq.write_table(
        pa.Table.from_pylist(bad[:1], schema=QUARANTINE), shop.workspace.quarantine / "events-2.parquet"
    )
    (root / "loop").mkdir()
    (root / "loop" / "fit.log").write_text('{"first_users": {"user:u": ["flood"], "user:uu": []}}\n')
    shop.workspace.robustness.write_text('{"screening": {"trusted": ["user:u", "user:z"]}}')
    loop = LoopStore(shop.engine)
    ended = {"left_out": {"first_users": {"user:u": [1], "user:z": [2]}}}
    loop.runs.add(Run("fit-1", Kind.FIT, Trigger.DRY_RUN, RunState.SUCCEEDED, 0, 0, result=ended), None)
    assert len(shop.export.of("user:u")["refused_rows"]) == 2
    counts = shop.eraser.erase("user:u")
    assert (counts.refused_rows, counts.mentions) == (2, 3)
    left = pq.read_table(shop.workspace.quarantine / "events-1.parquet").to_pylist()
    assert left == bad[1:]
    assert not (shop.workspace.quarantine / "events-2.parquet").exists()
    assert (
        root / "loop" / "fit.log"
    ).read_text() == '{"first_users": {"xxxxxx": ["flood"], "user:uu": []}}\n'
    assert '"user:z"' in shop.workspace.robustness.read_text()
    assert "user:u" not in shop.workspace.robustness.read_text()
    assert loop.runs.newest(1)[0].result == {"left_out": {"first_users": {"xxxxxx": [1], "user:z": [2]}}}


def test_a_tombstone_is_in_the_ledger_before_anything_is_gone(shop: Shop) -> None:
    shop.events.append(rows(("1", "u", None, 9)))
    ledger = shop.workspace.privacy / "tombstones.jsonl"
    ledger.mkdir(parents=True)  # nothing can be written there
    with pytest.raises(OSError, match="tombstones"):
        shop.eraser.erase("user:u")
    assert events_of(shop, "u") == ["1"]
    ledger.rmdir()
    assert shop.eraser.erase("user:u").events == 1
