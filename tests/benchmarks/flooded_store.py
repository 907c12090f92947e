"""What does a look at recent popularity cost on a store that one user floods?

python -m tests.benchmarks.flooded_store [--database-url postgresql+psycopg://USER@HOST/EMPTY]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from cluster.database import EVENTS_TABLE, METADATA, draw_numbers, open_database, writing
from cluster.event_digest import DIGESTED, digest_of
from cluster.event_store import EventStore

DAY_US, FIRST_DAY, DAYS = 86_400_000_000, 20_400, 30
BATCH, TIMES = 20_000, 3
FLOOD_USER = "user:flood"
EMPTY: dict[str, Any] = dict.fromkeys(DIGESTED)


def rows(num: int, flood: int, flood_items: int) -> Iterator[dict[str, Any]]:
    """Ordinary events of 50,000 users over `DAYS` days, the flood among them, all of it on one day."""
    rng = random.Random(1)
    fakes = set(rng.sample(range(num + flood), flood))
    for place in range(num + flood):
        user, item = f"user:{int(rng.random() ** 2 * 50_000)}", f"i{int(rng.random() ** 2 * 20_000)}"
        kind, at = rng.choice(("view", "view", "click", "purchase")), place / (num + flood) * DAYS
        if place in fakes:
            user, item, kind, at = FLOOD_USER, f"i{rng.randrange(flood_items)}", "purchase", DAYS - 0.5
        when = int((FIRST_DAY + at) * DAY_US)
        yield {
            "seq": place + 1, "event_id": f"e{place}", "user_key": user, "item_id": item, "event_type": kind,
            "occurred_at": when, "received_at": when,
        }  # fmt: skip


def fill(engine: Engine, num: int, flood: int, flood_items: int) -> None:
    """Write the events, past the checks of an append."""
    with writing(engine) as connection:
        draw_numbers(connection, "events", num + flood)
        batch: list[dict[str, Any]] = []
        for row in rows(num, flood, flood_items):
            batch.append({**row, "digest": digest_of(EMPTY | row)})
            if len(batch) == BATCH:
                connection.execute(insert(EVENTS_TABLE), batch)
                batch = []
        if batch:
            connection.execute(insert(EVENTS_TABLE), batch)


def milliseconds(read: Callable[[], object], times: int = TIMES) -> float:
    """The least of a few."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        read()
        found.append(time.perf_counter() - start)
    return min(found) * 1_000.0


def show(store: EventStore, flood_items: int) -> None:
    """Rows of the table."""
    last = store.last_seq()
    for new in (500, 5_000, last):
        since = last - new
        cells = [
            milliseconds(lambda: store.popularity_since(since)),  # noqa: B023
            milliseconds(lambda: store.popularity_since(since, 5)),  # noqa: B023
            milliseconds(lambda: store.popularity_since(since, 5, {FLOOD_USER})),  # noqa: B023
        ]
        shown = " | ".join(f"{cell:,.0f} ms" for cell in cells)
        print(f"| {flood_items:,} | {new:,} | {shown} |", flush=True)
    print(f"\nscreening's read: {milliseconds(lambda: store.active_users(50, 2_000_000), 1):,.0f} ms\n")


def main() -> None:
    """Print a table for a flood of one item and one of many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--flood", type=int, default=100_000)
    parser.add_argument("--database-url", help="an empty database; its tables are dropped; default: SQLite")
    asked = parser.parse_args()
    for flood_items in (1, 2_000):
        with tempfile.TemporaryDirectory() as folder:
            engine = open_database(asked.database_url or f"sqlite:///{Path(folder)}/shop.db")
            fill(engine, asked.events, asked.flood, flood_items)
            print(
                "| flooded items | new events | no cap | cap | cap, flood left out |\n|---|---|---|---|---|"
            )
            show(EventStore(engine), flood_items)
            METADATA.drop_all(engine)
            engine.dispose()


if __name__ == "__main__":
    main()
