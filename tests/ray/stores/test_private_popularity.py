"""A private release reads what it says, is paid for first, and is refused when nothing is left."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.private_popularity import release
from jobs.cli import app
from recsys.config import EventWeights
from recsys.errors import BudgetSpentError
from recsys.privacy.ledger import BudgetLedger
from recsys.privacy.settings import ReleaseConfig
from recsys.schemas import EVENTS, ITEMS, conform
from recsys.workspace import Workspace

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def fill(engine: Engine, now: datetime) -> None:
    """Two users and a visitor who is one of them; an item each of a kind that must not count."""
    items = [{"item_id": f"i{n}", "title": f"item {n}", "available": True} for n in range(4)]
    ItemStore(engine).upsert(conform(pa.Table.from_pylist(items), ITEMS))
    rows: list[tuple[str | None, str | None, str, str, int]] = [
        ("anna", None, "i0", "view", 0),
        ("anna", None, "i0", "purchase", 0),
        ("anna", None, "i0", "view", 1),
        (None, "phone", "i1", "click", 2),
        ("anna", "phone", "i1", "click", 2),
        ("bert", None, "i0", "view", 0),
        ("bert", None, "i2", "dismiss", 0),
        ("bert", None, "i2", "impression", 0),
        ("bert", None, "gone", "view", 0),
        ("bert", None, "i3", "view", 40),
        ("bert", None, "i1", "view", -3),
    ]
    table = [
        {"event_id": str(n), "user_id": user, "visitor_id": visitor, "item_id": item, "event_type": kind}
        | {"occurred_at": now - timedelta(days=days), "received_at": now}
        for n, (user, visitor, item, kind, days) in enumerate(rows)
    ]
    EventStore(engine).append(pa.Table.from_pylist(table, schema=EVENTS))


def silent(size: int, scale: float) -> np.ndarray:
    return np.zeros(size, np.int64)


def test_users_and_days_of_known_items_are_counted_and_the_budget_pays(
    engine: Engine, tmp_path: Path
) -> None:
    fill(engine, NOW)
    ledger = BudgetLedger(tmp_path)
    plenty = ReleaseConfig(epsilon=200.0, epsilon_budget=500.0, user_cells=10)
    found = release(engine, ledger, plenty, EventWeights(), NOW, silent)
    assert found.threshold == 1
    assert found.items == (("i0", 3), ("i1", 2))
    assert (found.first_day, found.last_day) == ("2026-02-09", "2026-03-10")
    capped = plenty.model_copy(update={"user_cells": 1})
    assert sum(num for _, num in release(engine, ledger, capped, EventWeights(), NOW, silent).items) == 2
    with pytest.raises(BudgetSpentError):
        release(engine, ledger, plenty, EventWeights(), NOW, silent)
    assert ledger.spent()[0] == 400.0


def test_the_commands_write_a_release_and_show_the_ledger(tmp_path: Path) -> None:
    workspace, out = Workspace(tmp_path), tmp_path / "popularity.json"
    fill(open_database(workspace.database_url), datetime.now(UTC))
    workspace.privacy_settings.write_text('{"popularity": {"epsilon_budget": 250}}')
    command = ["privacy", "release", "-w", str(tmp_path), "--out", str(out), "--epsilon", "200", "--json"]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["epsilon_left"] == 50.0
    assert {one["item_id"] for one in json.loads(out.read_text())["items"]} == {"i0", "i1"}
    out.unlink()
    assert isinstance(CliRunner().invoke(app, command).exception, BudgetSpentError)
    assert not out.exists()
    shown = json.loads(CliRunner().invoke(app, ["privacy", "ledger", "-w", str(tmp_path), "--json"]).stdout)
    assert (shown["epsilon_spent"], shown["epsilon_left"], len(shown["releases"])) == (200.0, 50.0, 1)
