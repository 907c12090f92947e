"""D2: a client that does not wait for its answer and sends again, also to the next service."""

from __future__ import annotations

import random
from collections.abc import Sequence

import httpx

from jobs.bench.service import Service
from tests.chaos.event_ledger import stored_ids
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import inline_service, kill, kill_everything, replicas, shop_of

EVENTS, SENDS = 300, 3
IMPATIENCE_MS = (0.5, 30.0)
KILL_EVERY = 60


def run(place: Place, outcome: Outcome) -> None:
    """Each event three times with a client that gives up at once; half of them before a restart as well."""
    workspace, rng = shop_of(place), random.Random(place.seed)
    events = [f"load-resent-{number:04d}" for number in range(place.times(EVENTS, 40))]
    half = events[: len(events) // 2]
    with inline_service(workspace, place.folder / "first", "--recommenders", "1") as service:
        gave_up = _send_impatiently(service, half, rng)
        kill_everything(service)
    with inline_service(workspace, place.folder / "second", "--recommenders", "1") as service:
        gave_up += _send_impatiently(service, events, rng)
        acked = [event for event in events if _send(service, event, 60.0)]
    stored = stored_ids(workspace)
    outcome.figures |= {
        "events": len(events),
        "sends": SENDS * (len(half) + len(events)) + len(events),
        "sends given up": gave_up,
        "kills": 1 + _kills(half) + _kills(events),
        "acked": len(acked),
    }
    outcome.require("sends given up", "some", gave_up, gave_up > 0)
    outcome.require("acked at last", f"{len(events):,}", len(acked), len(acked) == len(events))
    outcome.require_zero(
        lost=len(set(acked) - set(stored)),
        duplicated=sum(count - 1 for count in stored.values()),
        phantoms=len(set(stored) - set(events)),
    )


def _kills(events: Sequence[str]) -> int:
    return len(events) // KILL_EVERY


def _send_impatiently(service: Service, events: Sequence[str], rng: random.Random) -> int:
    """Sends that were given up before the answer."""
    gave_up = 0
    for number, event in enumerate(events, 1):
        gave_up += sum(not _send(service, event, rng.uniform(*IMPATIENCE_MS) / 1e3) for _ in range(SENDS))
        if number % KILL_EVERY == 0:
            kill(replicas(service, "EventLog"))
    return gave_up


def _send(service: Service, event: str, timeout_s: float) -> bool:
    """Whether the event was acked in time; a patient client sends again on 503."""
    row = {"event_id": event, "user_id": "resender", "item_id": "item-00001", "event_type": "view"}
    for _ in range(1 if timeout_s < 1.0 else 60):
        try:
            answer = httpx.post(f"{service.url}/v1/events:batch", json={"events": [row]}, timeout=timeout_s)
        except httpx.HTTPError:
            return False
        if answer.status_code == httpx.codes.OK:
            return True
    return False
