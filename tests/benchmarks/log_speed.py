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
from collections.abc import Callable
from pathlib import Path

from cluster.database import open_database
from cluster.event_store import EventStore
from tests.ray.stores.random_events import random_events

BATCH, USERS, HISTORIES = 500, 400, 2_000


def measure(folder: Path, count: int) -> dict[str, float]:
    """Rates of a fresh log of `count` events, and processor time, which depends less on other work."""
    rng = random.Random(17)
    batches = [random_events(rng, BATCH, USERS) for _ in range(count // BATCH)]
    engine = open_database(f"sqlite:///{folder}/shop.db")
    store = EventStore(engine)
    parts: dict[str, tuple[int, Callable[[], object]]] = {
        "append": (count, lambda: [store.append(batch) for batch in batches]),
        "scan": (count, lambda: [len(events) for events in store.scan()]),
        "history": (HISTORIES, lambda: [store.events_of(f"user:u{n % USERS}", 50) for n in range(HISTORIES)]),
    }
    found = {}
    for name, (number, work) in parts.items():
        wall, processor = time.perf_counter(), time.process_time()
        work()
        found[f"{name}_per_s"] = number / (time.perf_counter() - wall)
        found[f"{name}_cpu_us"] = (time.process_time() - processor) / number * 1e6
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
