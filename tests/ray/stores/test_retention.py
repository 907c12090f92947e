"""What is older than its window goes for good, whatever the order of events, and nothing younger."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

import cluster.retention
from cluster.answer_store import AnswerStore
from cluster.answer_tables import METADATA
from cluster.database import VISITOR_OWNERS, reading
from cluster.event_store import EventStore
from cluster.profile_store import ProfilePartition
from cluster.retention import Retention, RetentionCounts
from cluster.serving_database import open_serving_database
from jobs.cli import app
from recsys.answer_record import AnswerRecord
from recsys.config import ProfileConfig
from recsys.errors import ConfigError, InputError
from recsys.privacy.durations import days_of
from recsys.privacy.settings import DAY_US, RetentionConfig, load_privacy
from recsys.schemas import EVENTS
from recsys.workspace import Workspace

NOW_US = 2_000_000_000_000_000
WINDOWS = RetentionConfig(event_days=10, answer_days=5)


@pytest.fixture
def serving(tmp_path: Path, engine: Engine) -> Iterator[Engine]:
    """Where answers are; beside the events on PostgreSQL."""
    url = engine.url.render_as_string(hide_password=False)
    opened = open_serving_database(url if "postgres" in url else f"sqlite:///{tmp_path}/serving.db")
    yield opened
    METADATA.drop_all(opened)
    opened.dispose()


@pytest.fixture
def keeper(tmp_path: Path, engine: Engine, serving: Engine) -> Retention:
    """Windows at one moment."""
    return Retention(Workspace(tmp_path), engine, serving, lambda: NOW_US)


def at(days_ago: float) -> datetime:
    return datetime.fromtimestamp((NOW_US - round(days_ago * DAY_US)) / 1e6, UTC)


def event(
    name: str, occurred: float, received: float, user: str | None = "anna", visitor: str | None = None
) -> dict[str, object]:
    times = {"occurred_at": at(occurred), "received_at": at(received)}
    who = {"user_id": user, "visitor_id": visitor}
    return {"event_id": name, "item_id": f"item-{name}", "event_type": "view", **who, **times}


def append(store: EventStore, *rows: dict[str, object]) -> None:
    store.append(pa.Table.from_pylist(list(rows), schema=EVENTS))


def answer(number: int, days_ago: float) -> AnswerRecord:
    when = NOW_US - round(days_ago * DAY_US)
    return AnswerRecord(f"answer-{number:04d}", when, "user:anna", "home", "v1", ("a",), {}, {}, None, ())


def ids(store: EventStore) -> list[str]:
    return [one.event_id for batch in store.scan() for one in batch]


def test_exactly_what_is_older_goes_and_a_second_run_finds_nothing(
    engine: Engine, serving: Engine, keeper: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.retention, "ROWS_AT_ONCE", 7)
    store, answers, rng = EventStore(engine), AnswerStore(serving), random.Random(3)
    ages = {f"event-{n:04d}": (rng.uniform(0, 20), rng.uniform(0, 20)) for n in range(60)}
    ages |= {"at-the-edge": (10.0, 0.0), "just-over": (10.0 + 1e-9, 0.0), "in-the-future": (-300.0, 11.0)}
    append(store, *(event(name, *both) for name, both in ages.items()))
    shown = {n: rng.uniform(0, 10) for n in range(30)}
    answers.append([answer(n, age) for n, age in shown.items()])
    kept = [name for name, both in ages.items() if max(both) <= 10.0]
    assert {"at-the-edge"} <= set(kept) < set(ages) - {"just-over", "in-the-future"}
    left = sum(age <= 5.0 for age in shown.values())
    expected = RetentionCounts(events=len(ages) - len(kept), answers=len(shown) - left)
    assert keeper.look(WINDOWS) == expected
    assert len(ids(store)) == len(ages)
    assert keeper.apply(WINDOWS) == expected
    assert ids(store) == kept
    assert answers.count() == left
    assert keeper.apply(WINDOWS) == RetentionCounts()
    assert keeper.look(WINDOWS) == RetentionCounts()
    assert store.append(pa.Table.from_pylist([event("new", 0, 0)], schema=EVENTS)).appended == 1
    assert ids(store) == [*kept, "new"]


def test_each_window_is_its_own(engine: Engine, serving: Engine, keeper: Retention) -> None:
    store, answers = EventStore(engine), AnswerStore(serving)
    append(store, event("old", 30, 30))
    answers.append([answer(1, 30)])
    assert not RetentionConfig()
    assert keeper.apply(RetentionConfig()) == RetentionCounts()
    assert keeper.apply(RetentionConfig(answer_days=5)).answers == 1
    assert ids(store) == ["old"]
    assert keeper.apply(RetentionConfig(event_days=5)).events == 1


def test_a_visitor_is_known_only_while_an_event_tells_of_it(engine: Engine, keeper: Retention) -> None:
    store = EventStore(engine)
    append(
        store,
        event("1", 20, 20, "anna", "phone"),
        event("2", 20, 20, "bert", "tablet"),
        event("3", 1, 1, None, "tablet"),
        event("4", 20, 20, "carl", "laptop"),
        event("5", 1, 1, "carl", "laptop"),
    )
    assert keeper.look(WINDOWS).links == 1
    assert keeper.apply(WINDOWS).links == 1
    with reading(engine) as connection:
        links = [tuple(row) for row in connection.execute(select(VISITOR_OWNERS))]
    assert sorted(links) == [("visitor:laptop", "user:carl"), ("visitor:tablet", "user:bert")]


def test_a_cached_profile_forgets(engine: Engine, keeper: Retention) -> None:
    store = EventStore(engine)
    append(store, event("old", 20, 20), event("new", 1, 1))
    profiles = ProfilePartition(store, ProfileConfig())
    assert profiles.profile("user:anna", NOW_US).num_events == 2
    keeper.apply(WINDOWS)
    assert profiles.profile("user:anna", NOW_US).num_events == 1


def test_a_killed_run_is_finished_by_the_next(
    engine: Engine, keeper: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.retention, "ROWS_AT_ONCE", 10)
    store = EventStore(engine)
    append(store, *(event(f"event-{n:03d}", 20 if n % 2 else 1, 1) for n in range(60)))
    parts = keeper._take_events(NOW_US - 10 * DAY_US)
    assert sum(next(parts)[0] for _ in range(3)) == 15
    parts.close()  # type: ignore[attr-defined]
    assert keeper.apply(WINDOWS).events == 15
    assert ids(store) == [f"event-{n:03d}" for n in range(0, 60, 2)]


def test_nothing_of_it_is_left_on_the_disk(
    tmp_path: Path, engine: Engine, serving: Engine, keeper: Retention
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("what a server leaves in its files is the server's")
    store, answers = EventStore(engine), AnswerStore(serving)
    for start in range(0, 2_000, 100):
        rows = [event(f"gone-{n:06d}", 20, 20, f"lost-user-{n % 7}") for n in range(start, start + 100)]
        append(store, *rows, event(f"kept-{start:06d}", 1, 1))
    answers.append([answer(n, 20) for n in range(500)])
    refused = tmp_path / "quarantine" / "events-1.parquet"
    young = tmp_path / "quarantine" / "events-2.parquet"
    for file, days_ago in ((refused, 11), (young, 9)):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"lost-user-1")
        os.utime(file, ns=(0, (NOW_US - days_ago * DAY_US) * 1_000))
    counts = keeper.apply(WINDOWS)
    assert (counts.events, counts.answers, counts.refused_files, counts.clean) == (2_000, 500, 1, True)
    assert not refused.exists()
    assert young.exists()
    files = [tmp_path / name for name in ("shop.db", "shop.db-wal", "serving.db", "serving.db-wal")]
    content = b"".join(file.read_bytes() for file in files if file.exists())
    assert b"kept-001900" in content
    for needle in (b"gone-", b"lost-user", b"answer-0"):
        assert needle not in content


def test_the_command_says_what_it_would_do_then_does_it(tmp_path: Path) -> None:
    run = CliRunner().invoke
    now = datetime.now(UTC)
    with_args = ["retention", "--workspace", str(tmp_path), "--json"]
    refused = run(app, with_args)
    assert isinstance(refused.exception, InputError)
    from cluster.database import open_database

    workspace = Workspace(tmp_path)
    store = EventStore(open_database(workspace.database_url))
    rows: list[dict[str, object]] = [
        {"event_id": "a", "user_id": "u", "item_id": "i", "event_type": "view"}
        | {"occurred_at": now.replace(year=now.year - 2), "received_at": now}
    ]
    append(store, *rows)
    said = json.loads(run(app, [*with_args, "--events", "400d", "--answers", "12w", "--dry-run"]).stdout)
    assert (said["events"], said["dry_run"], said["windows_days"]["answer_days"]) == (1, True, 84.0)
    assert store.count() == 1
    workspace.privacy_settings.write_text('{"retention": {"event_days": 400}}')
    assert json.loads(run(app, with_args).stdout)["events"] == 1
    assert store.count() == 0


def test_windows_are_read_or_refused(tmp_path: Path) -> None:
    assert [days_of(text) for text in ("400d", "36 h", "8W", "0.5d")] == [400.0, 1.5, 56.0, 0.5]
    for text in ("", "400", "-3d", "0d", "d", "1y", "1e9d"):
        with pytest.raises(InputError, match="length of time"):
            days_of(text)
    workspace = Workspace(tmp_path)
    assert not load_privacy(workspace).retention
    for text in ('{"retention": {"events": 400}}', '{"retention": {"event_days": 0}}', "{"):
        workspace.privacy_settings.write_text(text)
        with pytest.raises(ConfigError, match="people's data"):
            load_privacy(workspace)
