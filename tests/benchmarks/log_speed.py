"""What the event log takes and gives a second: appends, a whole scan, histories.

    python -m tests.benchmarks.log_speed

Prints one JSON object. To compare two states of the code, run it in each in turn, several times.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

from cluster.database import open_database
from cluster.event_store import EventStore
from tests.ray.stores.random_events import random_events

BATCH, USERS, HISTORIES = 500, 400, 2_000


def measure(folder: Path, count: int) -> dict[str, float]:
    """Rates of a fresh log of `count` events."""
    rng = random.Random(17)
    batches = [random_events(rng, BATCH, USERS) for _ in range(count // BATCH)]
    engine = open_database(f"sqlite:///{folder}/shop.db")
    store, found = EventStore(engine), {}
    begun = time.perf_counter()
    for batch in batches:
        store.append(batch)
    found["appended_per_s"] = count / (time.perf_counter() - begun)
    begun = time.perf_counter()
    seen = sum(len(events) for events in store.scan())
    found["scanned_per_s"] = seen / (time.perf_counter() - begun)
    begun = time.perf_counter()
    for number in range(HISTORIES):
        store.events_of(f"user:u{number % USERS}", 50)
    found["histories_per_s"] = HISTORIES / (time.perf_counter() - begun)
    engine.dispose()
    return found


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=60_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), asked.events)))


if __name__ == "__main__":
    main()
