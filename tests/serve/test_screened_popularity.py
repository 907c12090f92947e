"""Live popularity with caps and screening: a flood counts as a share, then not at all, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from cluster.database import open_database
from cluster.event_store import EventStore
from recsys.config import RobustnessConfig, ScreeningConfig, ServeConfig
from recsys.schemas import EVENTS, conform
from serve_app.habit_board import HabitBoard
from serve_app.popularity_board import PopularityBoard
from serve_app.screening_board import ScreeningBoard

WHEN = datetime(2026, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    """Six honest purchases of `good`, sixty of `bad` by one user."""
    engine = open_database(f"sqlite:///{tmp_path}/shop.db")
    opened = EventStore(engine)
    users = [*(f"h{n}" for n in range(6)), *["m"] * 60]
    rows = {
        "event_id": [f"e{n}" for n in range(66)],
        "user_id": users,
        "item_id": ["bad" if user == "m" else "good" for user in users],
        "event_type": ["purchase"] * 66,
        "occurred_at": [WHEN] * 66,
        "received_at": [WHEN] * 66,
    }
    opened.append(conform(pa.table(rows), EVENTS))
    yield opened
    engine.dispose()


def test_a_flood_is_a_share_before_screening_and_nothing_after(store: EventStore) -> None:
    screened = ScreeningBoard(store)
    board = PopularityBoard(store, ServeConfig(), screened)
    asyncio.run(board.refresh())
    top = dict(board.top)
    assert top["bad"] / top["good"] == pytest.approx(5 / 6)
    asyncio.run(screened.refresh())
    assert screened.left_out == {"user:m"}
    asyncio.run(board.refresh())
    assert list(dict(board.top)) == ["good"]
    assert dict(board.top)["good"] == pytest.approx(top["good"])
    asyncio.run(board.refresh())
    assert dict(board.top)["good"] == pytest.approx(top["good"])


def test_a_trusted_flood_stays_a_share(store: EventStore) -> None:
    trusting = RobustnessConfig(screening=ScreeningConfig(trusted=frozenset({"user:m"})))
    screened = ScreeningBoard(store, trusting)
    asyncio.run(screened.refresh())
    board = PopularityBoard(store, ServeConfig(), screened)
    asyncio.run(board.refresh())
    assert [item for item, _ in board.top] == ["good", "bad"]


def test_habits_are_not_those_of_machines(store: EventStore) -> None:
    screened = ScreeningBoard(store)
    habits = HabitBoard(store, screened)
    asyncio.run(habits.refresh())
    before = habits.habits
    asyncio.run(screened.refresh())
    again = HabitBoard(store, screened)
    asyncio.run(again.refresh())
    assert "bad" in before.items
    assert "bad" not in again.habits.items
