"""D7: the write of one byte or another fails while batches of events are appended; then it works again."""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from cluster.database import open_database
from cluster.event_check import check_events
from cluster.event_store import EventStore
from recsys.errors import StoreError
from tests.chaos.killed_writer import stored_events
from tests.chaos.outcome import Outcome, Place
from tests.ray.stores.event_process import events_table

BATCH = 5
STEP, UP_TO = 64, 64_000
"""Bytes between two places of failure, and the last place: beyond what one batch writes to the log."""


@dataclass
class Writes:
    """What became of each batch while a byte of the disk was refused."""

    acked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    failures: int = 0
    other_errors: list[str] = field(default_factory=list)
    not_resumed: int = 0


def run(place: Place, outcome: Outcome) -> None:
    """Append a batch for each place of failure, in a process whose files may grow up to there."""
    url = f"sqlite:///{place.folder}/events.db"
    step = place.times(STEP, 40 * STEP)
    done = subprocess.run(
        [sys.executable, "-m", __name__, url, str(step)], check=True, capture_output=True, text=True
    )
    found = Writes(**json.loads(done.stdout))
    stored, _ = stored_events(url)
    batches = _batches(found.refused)
    outcome.figures |= {
        "places of failure": UP_TO // step,
        "writes that failed": found.failures,
        "acked": len(found.acked),
    }
    outcome.require("writes that failed", "some", found.failures, found.failures > 0)
    outcome.require_zero(
        lost=len(set(found.acked) - set(stored)),
        duplicated=sum(count - 1 for count in stored.values()),
        phantoms=len(set(stored) - set(found.acked) - set(found.refused)),
        refused_and_stored=len(set(found.refused) & set(stored)),
        partial_batches=sum(0 < len(batch & set(stored)) < len(batch) for batch in batches),
        errors_of_another_kind=len(found.other_errors),
        not_resumed=found.not_resumed,
        faults_of_the_log=check_events(open_database(url)).faults,
    )
    outcome.notes.append(
        "The kernel refuses what would lie beyond a file's limit (RLIMIT_FSIZE), so that the write itself "
        "fails, at every place of a commit in turn; an fsync that fails is not made so."
    )


def write_on(url: str, step: int) -> Writes:
    """Append with each limit in turn, and once more without one."""
    path, found = Path(url.removeprefix("sqlite:///")), Writes()
    store = EventStore(open_database(url))
    store.append(events_table(["first"]))
    found.acked.append("first")
    for number, more in enumerate(range(0, UP_TO, step)):
        _empty_log(path)
        _limit(more)
        failed = _append(store, f"{number}-limited", found)
        _limit(None)
        found.failures += failed
        found.not_resumed += _append(store, f"{number}-free", found)
    return found


def _append(store: EventStore, name: str, found: Writes) -> bool:
    """Whether a batch was refused."""
    ids = [f"{name}-{number}" for number in range(BATCH)]
    try:
        store.append(events_table(ids))
    except StoreError:
        found.refused += ids
        return True
    except Exception as error:  # noqa: BLE001  # whatever else comes out is what the case looks for
        found.other_errors.append(repr(error))
        found.refused += ids
        return True
    found.acked += ids
    return False


def _empty_log(path: Path) -> None:
    """Let the write-ahead log begin anew, so that a commit's first byte is the file's."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _limit(most: int | None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if most is None else most, hard))


def _batches(ids: list[str]) -> list[set[str]]:
    return [set(ids[begin : begin + BATCH]) for begin in range(0, len(ids), BATCH)]


if __name__ == "__main__":
    print(json.dumps(vars(write_on(sys.argv[1], int(sys.argv[2])))))
