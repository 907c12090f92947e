"""`recsys restore` and `recsys events repair` bring nobody back who was erased."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cluster.database import open_database
from cluster.event_store import EventStore
from jobs.backup_commands import backup, restore
from jobs.eraser import eraser_of
from recsys.config import RuntimeConfig
from recsys.workspace import Workspace
from tests.byte_scan import places
from tests.e2e.test_cli import lines, recsys
from tests.ray.stores.test_erasure import rows

CANARY = "canary-q7zx"


def shop_with_canary(root: Path) -> RuntimeConfig:
    """Two people's events, one of them the canary."""
    runtime = RuntimeConfig(workspace=root)
    engine = open_database(Workspace(root).create().database_url)
    EventStore(engine).append(rows(("1", CANARY, None, 9), ("2", "z", None, 9), ("3", CANARY, "v", 8)))
    engine.dispose()
    return runtime


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_a_restore_over_a_newer_workspace_keeps_its_erasures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, monday = tmp_path / "ws", tmp_path / "monday.tar"
    runtime = shop_with_canary(root)
    backup(monday, root, None, as_json=True)
    eraser = eraser_of(runtime)
    assert eraser.erase(f"user:{CANARY}").events == 2
    restore(monday, root, None, force=True, as_json=True)
    assert printed(capsys)["events_erased_again"] == 2
    assert places(root, [CANARY]) == {}
    events = EventStore(open_database(Workspace(root).database_url))
    assert events.append(rows(("1", CANARY, None, 9))).erased == 1
    assert events.count() == 1


def test_a_repair_purges_what_old_pages_bring_back(tmp_path: Path) -> None:
    shop_with_canary(tmp_path)
    file = Workspace(tmp_path).database
    with closing(sqlite3.connect(file)) as plain:
        old = plain.execute("select * from events where seq = 1").fetchall()
    recsys("erase", CANARY, "-w", tmp_path)
    with closing(sqlite3.connect(file)) as plain, plain:
        plain.execute(f"insert into events values ({', '.join('?' * len(old[0]))})", old[0])
    found = lines(recsys("events", "repair", "-w", tmp_path, "--json"))[-1]
    assert (found["events_kept"], found["events_erased_again"]) == (2, 1)
