"""D1 over HTTP: the event log's actor and the whole service are killed while events come in."""

from __future__ import annotations

import random
import time

from tests.chaos.event_ledger import require_ledger
from tests.chaos.figures import not_200, statuses, three_p99
from tests.chaos.load import Answer
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import BEFORE_S, inline_service, kill, kill_everything, loaded, shop_of

RATE = 30.0
ACTOR_KILLS, HEAD_KILLS = 10, 2
"""Kills of the actor in each life of the service, and of the service with all its processes."""


def run(place: Place, outcome: Outcome) -> None:
    """Two lives, each ended while events come in; a last one that is left alone."""
    workspace, rng = shop_of(place), random.Random(place.seed)
    answers: list[Answer] = []
    kills = heads = 0
    first_struck = first_end = 0.0
    for life in range(place.times(HEAD_KILLS, 1) + 1):
        folder = place.folder / f"life-{life}"
        with (
            inline_service(workspace, folder, "--recommenders", "1") as service,
            loaded(service, folder, RATE, events=True) as load,
        ):
            time.sleep(BEFORE_S)
            last = life == place.times(HEAD_KILLS, 1)
            for number in range(0 if last else place.times(ACTOR_KILLS, 2)):
                struck = kill(load.replicas("EventLog"))
                first_struck = first_struck or struck
                kills += 1
                time.sleep(1.0 + rng.random() * (2.0 if number else 0.0))
            first_end = first_end or time.monotonic()
            if not last:
                kill_everything(service)
                heads += 1
            answers += load.stop()
        if life == 0:
            outcome.figures |= three_p99(answers, first_struck, first_end)
    outcome.figures |= {"kills": kills + heads, "of the actor": kills, "of the whole service": heads}
    posts = [one for one in answers if one.sent]
    lists = [one for one in answers if not one.sent and one.why != "ConnectionRefusedError"]
    outcome.figures |= {"statuses of posts": statuses(posts), "statuses of lists": statuses(lists)}
    require_ledger(outcome, workspace, answers)
    bad = [one for one in posts if one.status not in (0, 200, 503)]
    unpaced = [one for one in posts if one.status == 503 and not one.retry_after]
    outcome.require_zero(other_than_200_or_503=len(bad), without_retry_after=len(unpaced))
    outcome.notes.append(
        f"Lists without a 200 while the whole service was dead are not counted; {not_200(lists)} others."
    )
