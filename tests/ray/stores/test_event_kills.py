"""At least 200 SIGKILLs of the event store's process under load: nothing lost, doubled or invented."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from cluster.database import EVENTS_TABLE, open_database, reading
from tests.ray.stores.kill_lane import Lane, forked

KILLS_PER_LANE, LANES = 100, 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_kills_lose_double_and_invent_nothing(tmp_path: Path) -> None:
    lanes = [Lane(f"sqlite:///{tmp_path}/lane{n}.db", n, KILLS_PER_LANE, forked) for n in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        for running in [pool.submit(lane.run) for lane in lanes]:
            running.result()
    assert sum(lane.kills for lane in lanes) >= 200
    for lane in lanes:
        with reading(open_database(lane.url)) as connection:
            stored = Counter(connection.execute(select(EVENTS_TABLE.c.event_id)).scalars())
            numbers = list(
                connection.execute(select(EVENTS_TABLE.c.seq).order_by(EVENTS_TABLE.c.seq)).scalars()
            )
        assert lane.acked == lane.sent, "the last life acked everything"
        assert lane.acked <= set(stored), "an acked event is lost"
        assert max(stored.values()) == 1, "an event is doubled"
        assert set(stored) <= lane.sent, "an event is invented"
        assert numbers == list(range(1, len(numbers) + 1))
