"""D4: the newest log file, cut at every byte of its last record."""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from cluster.database import open_database
from cluster.event_store import EventStore
from recsys.errors import RecsysError
from tests.chaos.outcome import Outcome, Place
from tests.ray.stores.event_process import events_table

WORKERS, APPEND_EVERY = 2, 8
MEMORY = Path("/dev/shm")
"""What is cut was synced before; the thousands of copies need not be."""
EARLIER = ["a", "b"]


def run(place: Place, outcome: Outcome) -> None:
    """Open the store after each cut; after every eighth append the lost event again, three times."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        _cut_everywhere(place, outcome, Path(folder))


def _cut_everywhere(place: Place, outcome: Outcome, folder: Path) -> None:
    database, before, after = _made(folder)
    lengths = list(range(before, after, place.times(1, 400)))
    parts = [lengths[number::WORKERS] for number in range(WORKERS)]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        found = [one for part in pool.map(_tried_all, [database] * WORKERS, parts) for one in part]
    outcome.figures["cuts"] = len(lengths)
    outcome.figures["bytes_of_the_last_record"] = after - before
    outcome.require("cuts", "every byte of the last record", len(found), len(found) == len(lengths))
    outcome.require_zero(
        start_failures=sum(one == "start" for one in found),
        lost=sum(one == "lost" for one in found),
        phantoms=sum(one == "phantom" for one in found),
        duplicated=sum(one == "doubled" for one in found),
    )
    outcome.notes.append(
        "The record that was cut was never acked, so nothing is owed for it. SQLite drops it without a word: "
        "that it was there is not reported."
    )


def _made(folder: Path) -> tuple[Path, int, int]:
    """A database whose log ends with one record, and where in the log that record begins and ends."""
    database = folder / "shop.db"
    engine = open_database(f"sqlite:///{database}")
    store, log = EventStore(engine), Path(f"{database}-wal")
    store.append(events_table(EARLIER))
    before = log.stat().st_size
    store.append(events_table(["c"]))
    after = log.stat().st_size
    copied = folder / "whole" / database.name
    copied.parent.mkdir()
    for suffix in ("", "-wal"):  # while it is open: closing it would fold the log in
        shutil.copy(f"{database}{suffix}", f"{copied}{suffix}")
    engine.dispose()
    return copied, before, after


def _tried_all(database: Path, lengths: list[int]) -> list[str]:
    content = Path(f"{database}-wal").read_bytes()
    return [_tried(database, content[:length]) for length in lengths]


def _tried(database: Path, log: bytes) -> str:
    """What is wrong with the store after this cut; empty when nothing is."""
    image = database.parent.parent / f"cut-{len(log)}" / database.name
    image.parent.mkdir()
    shutil.copy(database, image)
    Path(f"{image}-wal").write_bytes(log)
    try:
        return _judged(f"sqlite:///{image}", len(log) % APPEND_EVERY == 0)
    except RecsysError:
        return "start"
    finally:
        shutil.rmtree(image.parent)


def _judged(url: str, appends: bool) -> str:
    engine = open_database(url)
    try:
        store = EventStore(engine)
        kept = [event.event_id for event in store.events_after(0, 10)]
        if kept != EARLIER:
            return "lost" if len(kept) < len(EARLIER) else "phantom"
        if not appends:
            return ""
        for _ in range(3):
            store.append(events_table(["c"]))
        return "" if store.count() == len(EARLIER) + 1 else "doubled"
    finally:
        engine.dispose()
