"""Random bits of the event log's files flipped, one at a time: what is answered, what is told, what is kept.

    python -m tests.benchmarks.flipped_bits --flips 1000

A flip counts as silent when some answer differs from the truth and neither a read nor the check that the
service makes at its start says so. Prints counts; ends with 1 when anything was silent.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from cluster.database import open_database
from cluster.event_check import check_events
from cluster.event_repair import repair
from cluster.event_store import EventStore
from recsys.errors import StoreError
from tests.ray.stores.random_events import random_events

USERS, EVENTS, IN_LOG = 40, 3_000, 400
FILES = ("shop.db", "shop.db-wal")


@dataclass(frozen=True)
class Outcome:
    """What became of one flip."""

    file: str
    kind: str
    kept: float
    """Share of the events that are there after a repair; 1 where none was needed."""


def answers(store: EventStore) -> dict[str, Any]:
    """Everything that is read from the log."""
    events = [event for batch in store.scan() for event in batch]
    histories = {f"user:u{n}": store.events_of(f"user:u{n}", 1_000) for n in range(USERS)}
    return {
        "events": events,
        "histories": histories,
        "lists": [one for batch in store.responses() for one in batch],
        "purchases": store.purchases(1_000)[0],
        "popularity": sorted(store.popularity_since(0).rows),
        "active": sorted(store.active_users(20, 10_000)),
        "count": store.count(),
        "last": store.last_seq(),
    }


def make_log(folder: Path) -> dict[str, Any]:
    """A database with part of its events still in the write-ahead log; the truth about it."""
    engine = open_database(f"sqlite:///{folder}/work.db")
    store, rng = EventStore(engine), random.Random(11)
    store.append(random_events(rng, EVENTS - IN_LOG, USERS))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    for _ in range(8):
        store.append(random_events(rng, IN_LOG // 8, USERS))
    truth = answers(store)
    for name in FILES:
        shutil.copy(folder / name.replace("shop", "work"), folder / name)
    engine.dispose()
    return truth


@contextmanager
def opened(path: Path) -> Iterator[Engine]:
    """The database as a service opens it."""
    engine = open_database(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()


def judge(path: Path, truth: dict[str, Any]) -> str:
    """The kind of what a start, every read, the check and one append say."""
    try:
        with opened(path) as engine:
            store = EventStore(engine)
            found, refused = None, ""
            try:
                found = answers(store)
            except StoreError as error:
                refused = str(error)
            left_out, faults = len(store.damaged), check_events(engine).faults
            _append(store)
    except StoreError:
        return "refused at the start"
    if refused:
        return "a read refused"
    if found == truth:
        return "unchanged, told" if faults else "unchanged"
    if left_out:
        return "row left out and counted"
    return "told by the check" if faults else "SILENT"


def _append(store: EventStore) -> None:
    try:
        store.append(random_events(random.Random(99), 3, USERS, "after"))
    except StoreError:
        return


def kept_by_repair(path: Path, truth: dict[str, Any]) -> float:
    """Share of the true events that stand in the repaired database; raises when one is not true."""
    repair(path)
    with opened(path) as engine:
        store = EventStore(engine)
        found = {one.event_id: one for batch in store.scan() for one in batch}
        assert not check_events(engine).faults or check_events(engine).logs, check_events(engine)
        assert len(store.damaged) == 0
    wanted = {one.event_id: one for one in truth["events"]}
    for event_id, event in found.items():
        if event_id in wanted:
            true = wanted[event_id]
            assert (event.user_key, event.item_id, event.value) == (true.user_key, true.item_id, true.value)
    return sum(event_id in found for event_id in wanted) / len(wanted)


def flip(source: Path, folder: Path, rng: random.Random) -> tuple[Path, str]:
    """A copy of the files with one bit changed; every bit of both is as likely."""
    sizes = [(source / name).stat().st_size for name in FILES]
    chosen = rng.choices(FILES, sizes)[0]
    place = rng.randrange((source / chosen).stat().st_size * 8)
    for name in FILES:
        content = bytearray((source / name).read_bytes())
        if name == chosen:
            content[place // 8] ^= 1 << place % 8
        (folder / name).write_bytes(content)
    return folder / FILES[0], chosen


def run(flips: int, seed: int, say: Any = print) -> list[Outcome]:
    """That many flips, each on a fresh copy."""
    outcomes, rng = [], random.Random(seed)
    with tempfile.TemporaryDirectory() as made:
        source = Path(made)
        truth = make_log(source)
        for number in range(flips):
            folder = source / f"flip{number}"
            folder.mkdir()
            path, chosen = flip(source, folder, rng)
            kind, kept = judge(path, truth), 1.0
            if kind != "unchanged":
                kept = kept_by_repair(path, truth)
            outcomes.append(Outcome(chosen, kind, kept))
            shutil.rmtree(folder)
            if number % 100 == 99:
                say(f"{number + 1} flips")
    return outcomes


def main() -> int:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=5)
    asked = parser.parse_args()
    outcomes = run(asked.flips, asked.seed)
    for file in FILES:
        mine = [one for one in outcomes if one.file == file]
        print(f"{file}: {len(mine)} flips")
        for kind, count in Counter(one.kind for one in mine).most_common():
            kept = [one.kept for one in mine if one.kind == kind]
            print(f"  {kind:28} {count:5}   events kept after repair: least {min(kept):.4f}")
    silent = sum(one.kind == "SILENT" for one in outcomes)
    print(f"silent accepts: {silent}")
    return int(silent > 0)


if __name__ == "__main__":
    raise SystemExit(main())
