"""D1: SIGKILL of the process that writes events, at random times, while batches are on their way."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from cluster.database import EVENTS_TABLE, open_database, reading
from tests.chaos.outcome import Outcome, Place
from tests.ray.stores.kill_lane import Lane, forked

LANES = 2


def run(place: Place, outcome: Outcome) -> None:
    """Two databases, 500 lives of a writer each and a last one that is left alone."""
    kills = place.times(1_000, 40) // LANES
    lanes = [
        Lane(f"sqlite:///{place.folder}/lane{number}.db", 1_000 * place.seed + number, kills, forked)
        for number in range(LANES)
    ]
    with ThreadPoolExecutor(LANES) as pool:
        for running in [pool.submit(lane.run) for lane in lanes]:
            running.result()
    outcome.figures["kills"] = sum(lane.kills for lane in lanes)
    outcome.figures["acked"] = sum(len(lane.acked) for lane in lanes)
    stored = [stored_events(lane.url) for lane in lanes]
    both = list(zip(lanes, stored, strict=True))
    outcome.require("kills", "1,000", outcome.figures["kills"], outcome.figures["kills"] == kills * LANES)
    outcome.require_zero(
        lost=sum(len(lane.acked - set(found)) for lane, (found, _) in both),
        duplicated=sum(count - 1 for found, _ in stored for count in found.values()),
        phantoms=sum(len(set(found) - lane.sent) for lane, (found, _) in both),
        gaps_in_the_numbers=sum(numbers != list(range(1, len(numbers) + 1)) for _, numbers in stored),
        never_acked=sum(len(lane.sent - lane.acked) for lane in lanes),
    )


def stored_events(url: str) -> tuple[Counter[str], list[int]]:
    """How often each id is stored, and the numbers in order."""
    with reading(open_database(url)) as connection:
        ids = Counter(connection.execute(select(EVENTS_TABLE.c.event_id)).scalars())
        numbers = connection.execute(select(EVENTS_TABLE.c.seq).order_by(EVENTS_TABLE.c.seq)).scalars()
        return ids, list(numbers)
