"""X9: a person is erased while the service runs; old files, a backup and a refit bring nothing back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from jobs.bench.service import Service
from recsys.index import current_version, load_manifest
from recsys.workspace import Workspace
from tests.byte_scan import places
from tests.canary import CANARY, DEVICE, EXPERIMENT, WORDS, copied, imported, old_file, put_back, write_log
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import inline_service, kill_everything, shop_of

LIMIT_S = 1.0
IN_A_ROW = 12
"""Lists from two replicas at random: one is left out of them once in 2,000 times."""
JOURNAL_S = 0.6


def run(place: Place, outcome: Outcome) -> None:
    """Erase over HTTP; then everything that could bring the person back."""
    ray_folder = Path(tempfile.mkdtemp(prefix="r"))  # short: sockets lie in it
    os.environ["RAY_TMPDIR"] = str(ray_folder)
    try:
        _scene(place, outcome, ray_folder)
    finally:
        shutil.rmtree(ray_folder, ignore_errors=True)


def _scene(place: Place, outcome: Outcome, ray_folder: Path) -> None:
    workspace = shop_of(place)
    file = old_file(place.folder)
    imported(workspace, file)
    write_log(workspace.root)
    backup = copied(workspace.root, place.folder / "backup")

    def look(when: str) -> None:
        found = places(workspace.root, WORDS) | places(ray_folder, WORDS)
        if found:
            outcome.notes.append(f"{when}: {found}")
        outcome.require_zero(**{f"hits_{when}": sum(found.values())})
        place.say(f"{when}: {sum(found.values())} hits")

    with inline_service(workspace, place.folder / "logs", "--recommenders", "2") as service:
        _live(service)
        outcome.figures["hits_before"] = sum(places(workspace.root, WORDS).values())
        _erase_in_use(service, outcome)
        look("after_erasure")
        kill_everything(service)
    imported(workspace, file)
    look("after_the_old_file")
    put_back(backup, workspace.root)
    outcome.figures["hits_in_the_backup"] = sum(places(workspace.root, WORDS).values())
    with inline_service(
        workspace, place.folder / "logs", "--recommenders", "1", "--door", "proxy"
    ) as service:
        _require_strangers(service, outcome, "after the backup", time.monotonic())
        look("after_the_backup")
        _refit(workspace, outcome)
        look("after_a_refit")
    logs = sum(places(place.folder / "logs", WORDS).values())
    outcome.require_zero(hits_in_the_service_s_own_output=logs)


def _live(service: Service) -> None:
    """The canary's lists under an experiment, and events on them."""
    with httpx.Client(base_url=service.url, timeout=30.0) as client:
        client.put("/v1/experiments/e", json=EXPERIMENT).raise_for_status()
        time.sleep(1.0)
        for who in ({"user_id": CANARY}, {"visitor_id": DEVICE}):
            shown = client.post("/v1/recommend", json={**who, "n": 5}).json()
            seen = {"item_id": shown["items"][0]["item_id"], "recommendation_id": shown["recommendation_id"]}
            event = {**who, **seen, "event_type": "impression", "session_id": "sess-q7zx"}
            client.post("/v1/events:batch", json={"events": [event]}).raise_for_status()
        time.sleep(JOURNAL_S)


def _erase_in_use(service: Service, outcome: Outcome) -> None:
    begun = time.monotonic()
    answer = httpx.delete(f"{service.url}/v1/users/{CANARY}", timeout=60.0)
    outcome.figures["erase_s"] = round(time.monotonic() - begun, 2)
    outcome.require("erasure answers", "200, clean", answer.text[:200], answer.json().get("clean") is True)
    _require_strangers(service, outcome, "after the erasure", time.monotonic())


def _require_strangers(service: Service, outcome: Outcome, when: str, since: float) -> None:
    """Both ids of the canary get what anybody gets, from every replica; what they asked is forgotten."""
    last = since
    in_a_row = 0
    while in_a_row < IN_A_ROW and time.monotonic() - since < 60.0:
        stranger = _listed(service, {"user_id": "never-seen"})
        same = [_listed(service, who) == stranger for who in ({"user_id": CANARY}, {"visitor_id": DEVICE})]
        in_a_row = in_a_row + 1 if all(same) else 0
        last = last if all(same) else time.monotonic()
    cold_s = round(last - since, 2)
    outcome.figures[f"last list of the old profile {when}, s"] = cold_s
    told = cold_s if in_a_row else "never"
    outcome.require(f"a stranger {when}", f"within {LIMIT_S:g} s", told, in_a_row > 0 and cold_s <= LIMIT_S)
    time.sleep(JOURNAL_S)
    for kind, name in (("user", CANARY), ("visitor", DEVICE)):
        asked = httpx.delete(f"{service.url}/v1/users/{name}", params={"kind": kind}, timeout=60.0)
        asked.raise_for_status()


def _listed(service: Service, who: dict[str, str]) -> list[str]:
    """A list over a connection of its own: any replica may answer."""
    answer = httpx.post(f"{service.url}/v1/recommend", json={**who, "n": 5}, timeout=30.0)
    answer.raise_for_status()
    return [item["item_id"] for item in answer.json()["items"]]


def _refit(workspace: Workspace, outcome: Outcome) -> None:
    old = current_version(workspace)
    command = [sys.executable, "-m", "jobs.cli", "fit", "-w", str(workspace.root), "--trials", "4", "--force"]
    subprocess.run(command, check=True, capture_output=True, timeout=200.0)
    manifest = load_manifest(workspace, current_version(workspace))
    knows = manifest.index_version != old and manifest.last_erasure is not None
    outcome.require("the new version knows the erasure", "a date", str(manifest.last_erasure), knows)
