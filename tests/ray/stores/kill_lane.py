"""One event store, its process that is killed over and over, and what was sent and acked."""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Protocol

WINDOW, BATCH = 8, 5
"""Batches in flight, events in each."""
PATIENCE_S = 60.0
EVENT_PROCESS = "tests.ray.stores.event_process"


class Process(Protocol):
    """What can be killed and waited for."""

    def kill(self) -> None:
        """SIGKILL."""


@dataclass(frozen=True)
class Writer:
    """A living writer: batches go in as lines, acks come out as lines."""

    process: Process
    wait: Callable[[], object]
    batches: IO[str]
    acks: IO[str]


def started(url: str) -> Writer:
    """A writer as a command of its own: it starts as after a crash, in about a second."""
    process = subprocess.Popen(
        [sys.executable, "-m", EVENT_PROCESS, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    return Writer(process, lambda: process.wait(timeout=PATIENCE_S), process.stdin, process.stdout)


def forked(url: str) -> Writer:
    """A writer forked from a server that has imported everything and opened nothing: in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([EVENT_PROCESS])
    batches_out, batches_in = context.Pipe(duplex=False)
    acks_out, acks_in = context.Pipe(duplex=False)
    process = context.Process(target=_serve_pipes, args=(url, batches_out, acks_in), daemon=True)
    process.start()
    batches_out.close()
    acks_in.close()
    batches = os.fdopen(os.dup(batches_in.fileno()), "w")
    acks = os.fdopen(os.dup(acks_out.fileno()), "r")
    batches_in.close()
    acks_out.close()
    return Writer(process, lambda: process.join(PATIENCE_S), batches, acks)


@dataclass
class Lane:
    """One database, its writers one after the other, and what they were sent and acked."""

    url: str
    seed: int
    wanted_kills: int
    start: Callable[[str], Writer] = started
    sent: set[str] = field(default_factory=set)
    acked: set[str] = field(default_factory=set)
    open: dict[int, list[str]] = field(default_factory=dict)
    kills: int = 0
    next_batch: int = 0

    def run(self) -> None:
        """Start, load, kill; then start once more and send what is still open."""
        rng = random.Random(self.seed)
        for _ in range(self.wanted_kills):
            self._live(kill_after_acks=rng.randint(0, 12), delay_s=rng.random() * 0.02)
        self._live(kill_after_acks=None, delay_s=0.0)

    def _live(self, kill_after_acks: int | None, delay_s: float) -> None:
        writer = self.start(self.url)
        acks: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_copy_lines, args=(writer.acks, acks), daemon=True)
        reader.start()
        for batch in list(self.open):
            self._send(writer, batch)
        seen = 0
        while kill_after_acks is None or seen < kill_after_acks or not seen:
            while kill_after_acks is not None and len(self.open) < WINDOW:
                self._send(writer, self._new_batch())
            if not self.open:
                break
            seen += self._take(acks.get(timeout=PATIENCE_S))
        if kill_after_acks is not None:
            time.sleep(delay_s)
            writer.process.kill()
            self.kills += 1
        writer.batches.close()
        writer.wait()
        reader.join(timeout=PATIENCE_S)
        writer.acks.close()
        while not acks.empty():  # acks that were on their way when the process died are acks
            self._take(acks.get())

    def _new_batch(self) -> int:
        self.next_batch += 1
        ids = [f"{self.seed}-{self.next_batch}-{number}" for number in range(BATCH)]
        self.open[self.next_batch] = ids
        return self.next_batch

    def _send(self, writer: Writer, batch: int) -> None:
        self.sent.update(self.open[batch])
        writer.batches.write(json.dumps({"batch": batch, "ids": self.open[batch]}) + "\n")
        writer.batches.flush()

    def _take(self, line: str) -> int:
        if line.endswith("\n"):
            self.acked.update(self.open.pop(json.loads(line)["batch"], []))
        return 1


def _copy_lines(lines: IO[str], acks: queue.Queue[str]) -> None:
    for line in lines:
        acks.put(line)


def _serve_pipes(url: str, batches: object, acks: object) -> None:
    """The event process over two pipes instead of its own input and output."""
    import asyncio

    from tests.ray.stores.event_process import serve

    assert isinstance(batches, multiprocessing.connection.Connection)
    assert isinstance(acks, multiprocessing.connection.Connection)
    sys.stdin = os.fdopen(os.dup(batches.fileno()), "r")
    sys.stdout = os.fdopen(os.dup(acks.fileno()), "w")
    asyncio.run(serve(url))
