"""At least 200 SIGKILLs of the event store's process under load: nothing lost, doubled or invented."""

from __future__ import annotations

import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import select

from cluster.database import EVENTS_TABLE, open_database, reading

KILLS_PER_LANE, LANES = 100, 2
WINDOW, BATCH = 8, 5
"""Batches in flight, events in each."""


@dataclass
class Lane:
    """One database file, its process, and what was sent and acked."""

    url: str
    seed: int
    sent: set[str] = field(default_factory=set)
    acked: set[str] = field(default_factory=set)
    open: dict[int, list[str]] = field(default_factory=dict)
    kills: int = 0
    next_batch: int = 0

    def run(self) -> None:
        """Start, load, kill; then start once more and send what is still open."""
        rng = random.Random(self.seed)
        for _ in range(KILLS_PER_LANE):
            self._live(kill_after_acks=rng.randint(0, 12), delay_s=rng.random() * 0.02)
        self._live(kill_after_acks=None, delay_s=0.0)

    def _live(self, kill_after_acks: int | None, delay_s: float) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.ray.stores.event_process", self.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        acks: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_copy_lines, args=(process.stdout, acks), daemon=True)
        reader.start()
        for batch in list(self.open):
            self._send(process, batch)
        seen = 0
        while kill_after_acks is None or seen < kill_after_acks or not seen:
            while kill_after_acks is not None and len(self.open) < WINDOW:
                self._send(process, self._new_batch())
            if not self.open:
                break
            seen += self._take(acks.get(timeout=60))
        if kill_after_acks is not None:
            time.sleep(delay_s)
            process.kill()
            self.kills += 1
        process.stdin.close()
        process.wait(timeout=60)
        reader.join(timeout=60)
        process.stdout.close()
        while not acks.empty():  # acks that were on their way when the process died are acks
            self._take(acks.get())

    def _new_batch(self) -> int:
        self.next_batch += 1
        ids = [f"{self.seed}-{self.next_batch}-{number}" for number in range(BATCH)]
        self.open[self.next_batch] = ids
        return self.next_batch

    def _send(self, process: subprocess.Popen[str], batch: int) -> None:
        assert process.stdin is not None
        self.sent.update(self.open[batch])
        process.stdin.write(json.dumps({"batch": batch, "ids": self.open[batch]}) + "\n")
        process.stdin.flush()

    def _take(self, line: str) -> int:
        if line.endswith("\n"):
            self.acked.update(self.open.pop(json.loads(line)["batch"], []))
        return 1


def _copy_lines(lines: IO[str], acks: queue.Queue[str]) -> None:
    for line in lines:
        acks.put(line)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_kills_lose_double_and_invent_nothing(tmp_path: Path) -> None:
    lanes = [Lane(f"sqlite:///{tmp_path}/lane{n}.db", seed=n) for n in range(LANES)]
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
