"""A canary through a shop's life: erased, it is in no byte of the workspace and in no answer, ever after.

Restart, the old file imported again, an older copy of the workspace put back, a refit and its publication.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.import_data import import_events
from recsys.config import ImportConfig
from recsys.index import current_version, load_manifest
from tests.byte_scan import places
from tests.e2e.test_cli import lines, recsys
from tests.e2e.test_live_catalog import kill, serving
from tests.serve.conftest import SmallShop, make_small_shop

pytestmark = pytest.mark.timeout(300)
CANARY, DEVICE, WORD = "canary.q7zx@example.org", "device-q7zx", "zanzibarquux"
WORDS = ["q7zx", WORD]
PROMISE_S = 1.0


@pytest.fixture
def ray_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where Ray writes its own logs; short, since sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="r"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


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


def imported(shop: SmallShop, file: Path) -> dict[str, int]:
    report = import_events([file], event_store=shop.events, workspace=shop.workspace, config=ImportConfig())
    return {**report.stored, **report.quarantined}


def ask(client: httpx.Client, who: dict[str, str]) -> list[str]:
    """A list over a connection of its own: any replica may answer."""
    answer = httpx.post(f"{client.base_url}/v1/recommend", json={**who, "n": 5}, timeout=30.0)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def live_as_canary(client: httpx.Client) -> None:
    """Lists, an event on one of them, an experiment."""
    arms = [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5, "overrides": {"lists.diversity": 0.4}}]
    client.put("/v1/experiments/e", json={"arms": arms}).raise_for_status()
    for who in ({"user_id": CANARY}, {"visitor_id": DEVICE}):
        shown = client.post("/v1/recommend", json={**who, "n": 5}).json()
        seen = {"item_id": shown["items"][0]["item_id"], "recommendation_id": shown["recommendation_id"]}
        event = {**who, **seen, "event_type": "impression", "session_id": "sess-q7zx"}
        client.post("/v1/events:batch", json={"events": [event]}).raise_for_status()


def require_stranger(client: httpx.Client, within_s: float) -> None:
    """Every replica gives the canary what it gives anybody: of two none is left out but once in 256 times."""
    begun = time.monotonic()
    in_a_row = 0
    while in_a_row < 8:
        stranger, found = ask(client, {"user_id": "never-seen"}), ask(client, {"user_id": CANARY})
        in_a_row = in_a_row + 1 if found == stranger else 0
        assert in_a_row or time.monotonic() - begun < within_s
    assert ask(client, {"visitor_id": DEVICE}) == stranger


def hits(shop: SmallShop, ray_folder: Path) -> dict[str, int]:
    """Every file of the workspace, and Ray's own logs."""
    return places(shop.workspace.root, WORDS) | places(ray_folder, WORDS)


def put_back(backup: Path, root: Path) -> None:
    """The older copy in the place of everything but the ledger of erasures."""
    for found in root.iterdir():
        if found.name != "privacy":
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    shutil.copytree(backup, root, dirs_exist_ok=True)


def test_an_erased_person_is_in_no_byte_ever_after(tmp_path: Path, tiny_bert: Path, ray_folder: Path) -> None:
    shop = make_small_shop(tmp_path / "ws", tiny_bert, None)
    root, file = shop.workspace.root, old_file(tmp_path)
    before = imported(shop, file)
    assert (before["appended"], before["erased"]) == (33, 0)
    (root / "loop").mkdir()
    said = {"left_out": {"first_users": {f"user:{CANARY}": ["flood"]}}}
    (root / "loop" / "fit-1.log").write_text(f"$ recsys fit --json\n{json.dumps(said)}\n")
    backup = tmp_path / "backup"
    subprocess.run(["cp", "-r", root, backup], check=True)
    where = {name.split("/")[0].removesuffix("-wal") for name in places(root, WORDS)}
    assert where >= {"recsys.db", "quarantine", "loop"}

    with serving(shop) as (client, process):
        live_as_canary(client)
        assert ask(client, {"user_id": CANARY}) != ask(client, {"user_id": "never-seen"})
        erased = client.delete(f"/v1/users/{CANARY}")
        assert erased.status_code == 200
        assert erased.json()["clean"]
        assert erased.json()["refused_rows"] == 4
        require_stranger(client, PROMISE_S)
        time.sleep(0.6)  # the journals have written what they had
        forget_new_lists(client)
        assert hits(shop, ray_folder) == {}
        kill(process)

    again = imported(shop, file)
    assert (again["appended"], again["erased"]) == (0, 33)
    assert hits(shop, ray_folder) == {}

    put_back(backup, root)
    assert places(root, WORDS)
    with serving(shop) as (client, process):  # replays the ledger by itself
        require_stranger(client, PROMISE_S)
        time.sleep(0.6)
        forget_new_lists(client)
        assert hits(shop, ray_folder) == {}
        old = current_version(shop.workspace)
        recsys("fit", "-w", root, "--trials", "4", "--force", "--json")
        manifest = load_manifest(shop.workspace, current_version(shop.workspace))
        assert manifest.index_version != old
        assert manifest.last_erasure is not None
        assert hits(shop, ray_folder) == {}
        kill(process)
    assert lines(recsys("replay-erasures", "-w", root, "--json"))[0]["events"] == 0


def forget_new_lists(client: httpx.Client) -> None:
    """The lists that this test asked for under the canary's name after the erasure are a new person's."""
    for kind, name in (("user", CANARY), ("visitor", DEVICE)):
        client.delete(f"/v1/users/{name}", params={"kind": kind}).raise_for_status()
