"""A person to be erased, with words that nobody else uses: everything of theirs is found by a search."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from cluster.database import open_database
from cluster.event_store import EventStore
from jobs.import_data import import_events
from recsys.config import ImportConfig
from recsys.workspace import Workspace

CANARY, DEVICE, WORD = "canary.q7zx@example.org", "device-q7zx", "zanzibarquux"
WORDS = ["q7zx", WORD]
ARMS = [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5, "overrides": {"lists.diversity": 0.4}}]
EXPERIMENT = {"arms": ARMS, "state": "running"}


def old_file(folder: Path) -> Path:
    """An export of the shop's own: the canary's events, good ones and such as an import refuses."""
    event = {"user_id": CANARY, "event_type": "view", "occurred_at": "2026-02-20T10:00:00Z"}
    rows: list[dict[str, Any]] = [
        {**event, "event_id": f"q7zx-{n}", "item_id": f"item-{n:05d}"} for n in range(30)
    ]
    rows += [
        {**event, "item_id": "item-00040", "event_type": "review", "review_text": f"oh {WORD}", "value": 4},
        {**event, "item_id": "item-00041", "visitor_id": DEVICE},
        {"visitor_id": DEVICE, "item_id": "item-00042", "event_type": "view"},
        {**event, "item_id": ""},
        {**event, "item_id": "item-00043", "event_type": "teleport"},
        {**event, "item_id": "item-00044", "occurred_at": "2199-01-01"},
    ]
    file = folder / "old.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)) + f'\n{{"user_id": "{CANARY}", "item_id": "it\n')
    return file


def imported(workspace: Workspace, file: Path) -> dict[str, int]:
    """What the store and the quarantine say of the file."""
    store = EventStore(open_database(workspace.database_url))
    report = import_events([file], event_store=store, workspace=workspace, config=ImportConfig())
    return {**report.stored, **report.quarantined}


def write_log(root: Path) -> None:
    """What a job says of somebody who behaves like a machine."""
    (root / "loop").mkdir()
    said = {"left_out": {"first_users": {f"user:{CANARY}": ["flood"]}}}
    (root / "loop" / "fit-1.log").write_text(f"$ recsys fit --json\n{json.dumps(said)}\n")


def copied(root: Path, backup: Path) -> Path:
    """A backup; made by another process, which takes no lock of this one's SQLite away."""
    subprocess.run(["cp", "-r", root, backup], check=True)
    return backup


def put_back(backup: Path, root: Path) -> None:
    """The older copy in the place of everything but the ledger of erasures."""
    for found in root.iterdir():
        if found.name != "privacy":
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    shutil.copytree(backup, root, dirs_exist_ok=True)
