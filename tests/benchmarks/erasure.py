"""What does it cost to erase one person out of a million events?

python -m tests.benchmarks.erasure [--events 1000000] [--database-url postgresql+psycopg://USER@HOST/EMPTY]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, event, insert

from cluster.answer_tables import ANSWERS_TABLE
from cluster.answer_tables import METADATA as SERVING
from cluster.database import EVENTS_TABLE, METADATA, draw_numbers, open_database, writing
from cluster.erasure import Eraser
from cluster.erasure_counts import ErasureCounts
from cluster.event_digest import DIGESTED, digest_of
from cluster.event_store import EventStore
from cluster.person_export import PersonExport
from cluster.serving_database import open_serving_database
from cluster.tombstone_table import ErasedPeople
from recsys.schemas import EVENTS
from recsys.workspace import Workspace

PEOPLE, EVENTS_EACH, ANSWERS_EACH, BATCH = 50_000, 20, 4, 20_000
DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HEAVY_EVENTS, HEAVY_ANSWERS = 2_000, 50_000


def event_rows(num: int, heavy: int) -> Iterator[dict[str, Any]]:
    """Events over 60 days, `EVENTS_EACH` of a user; `heavy` of them by one user more."""
    drawn = random.Random(1)
    theirs = set(drawn.sample(range(num), heavy))
    for place in range(num):
        who = "heavy" if place in theirs else f"u{drawn.randrange(num // EVENTS_EACH)}"
        at = START_US + place * 60 * DAY_US // num
        row = dict.fromkeys(DIGESTED) | {
            "seq": place + 1, "event_id": f"{drawn.getrandbits(128):032x}", "user_key": f"user:{who}",
            "user_id": who, "item_id": f"item-{drawn.randrange(20_000):05d}", "event_type": "view",
            "occurred_at": at, "received_at": at,
        }  # fmt: skip
        yield row | {"digest": digest_of(row)}


def answer_rows(num: int, heavy: int) -> Iterator[dict[str, Any]]:
    """Answers of ten items each; `heavy` of them to one user."""
    drawn = random.Random(2)
    theirs = set(drawn.sample(range(num), heavy))
    body: dict[str, Any] = {"arms": {}, "teams": {}, "degraded": [], "explored": None}
    for place in range(num):
        who = "heavy" if place in theirs else f"u{drawn.randrange(num // ANSWERS_EACH)}"
        shown = [f"item-{drawn.randrange(20_000):05d}" for _ in range(10)]
        yield {
            "recommendation_id": f"{drawn.getrandbits(128):032x}", "at": START_US + place,
            "unit": f"user:{who}", "scenario": "default", "index_version": "v",
            "body": json.dumps({**body, "item_ids": shown}),
        }  # fmt: skip


def fill(engine: Engine, table: Any, rows: Iterator[dict[str, Any]], num: int) -> None:
    """Write rows past the checks of the stores."""
    batch: list[dict[str, Any]] = []
    with writing(engine) as connection:
        if table is EVENTS_TABLE:
            draw_numbers(connection, "events", num)
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                connection.execute(insert(table), batch)
                batch = []
        if batch:
            connection.execute(insert(table), batch)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came out."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def show(what: str, seconds: float, more: str = "") -> None:
    """One row of the table."""
    print(f"| {what} | {seconds:.2f} s | {more} |", flush=True)


def said(counts: ErasureCounts) -> str:
    """What was taken away."""
    anew = ", a file written anew" if counts.rebuilt else ""
    return (
        f"{counts.events:,} events, {counts.answers:,} answers{anew}{'' if counts.clean else ', not clean'}"
    )


def batches(num: int, name: str) -> list[pa.Table]:
    """New events of many people, 500 in each batch."""
    drawn = random.Random(name)
    said = {"item_id": "i", "event_type": "view", "occurred_at": NOW, "received_at": NOW}
    rows = [{"event_id": f"{name}-{n}", "user_id": f"u{drawn.randrange(PEOPLE)}", **said} for n in range(num)]
    return [pa.Table.from_pylist(rows[at : at + 500], schema=EVENTS) for at in range(0, num, 500)]


def appended(engine: Engine, folder: Path, num: int, name: str) -> float:
    """Events a second of batches of 500, each its own transaction."""
    store, made = EventStore(engine, ErasedPeople(engine, folder)), batches(num, name)
    seconds, _ = timed(lambda: [store.append(batch) for batch in made])
    return num / seconds


def without_secure_delete(url: str) -> Engine:
    """The same file as a release without it opened it."""
    engine = open_database(url)
    if engine.dialect.name == "sqlite":
        off = "PRAGMA secure_delete=OFF"
        event.listen(engine, "connect", lambda connection, _: connection.execute(off))
        engine.dispose()
    return engine


def measure(folder: Path, url: str, serving_url: str, num: int) -> None:
    """Fill, erase one after the other, print."""
    engine, serving, workspace = open_database(url), open_serving_database(serving_url), Workspace(folder)
    fill(engine, EVENTS_TABLE, event_rows(num, HEAVY_EVENTS * num // 1_000_000), num)
    fill(serving, ANSWERS_TABLE, answer_rows(num // 5, HEAVY_ANSWERS * num // 1_000_000), num // 5)
    sizes = [
        sum(file.stat().st_size for file in folder.glob(f"{one}.db*")) / 1e6 for one in ("recsys", "serving")
    ]
    print(f"{num:,} events, {num // 5:,} answers; files {', '.join(f'{size:.0f} MB' for size in sizes)}\n")
    print("| what | time | |\n|---|---|---|")
    eraser, export = Eraser(workspace, engine, serving), PersonExport(workspace, engine, serving)
    for who in ("u1", "u2", "u3"):
        show("export, ordinary person", timed(lambda: export.of(f"user:{who}"))[0])  # noqa: B023
        seconds, counts = timed(lambda: eraser.erase(f"user:{who}"))  # noqa: B023
        show("erase, ordinary person", seconds, said(counts))
    show("erase, somebody unknown", timed(lambda: eraser.erase("user:nobody"))[0])
    seconds, counts = timed(lambda: eraser.erase("user:heavy"))
    show("erase, very active person", seconds, said(counts))
    seconds, counts = timed(lambda: eraser.erase("user:u4", rebuild=True))
    show("erase, files written anew", seconds, said(counts))
    show("replay of the ledger, nothing to do", timed(eraser.replay)[0])
    rates: dict[str, list[float]] = {"appends": [], "the same without secure_delete": []}
    for turn in range(3):  # by turns, so that other work on the machine meets both
        for what, opened in zip(rates, (engine, without_secure_delete(url)), strict=True):
            rates[what].append(appended(opened, workspace.privacy, 10_000, f"{what}-{turn}"))
    print()
    for what, rate in rates.items():
        print(f"{what}: {median(rate):,.0f} events/s in batches of 500, median of {len(rate)}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--database-url", help="an empty database; its tables are dropped; default: SQLite")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = asked.database_url or f"sqlite:///{folder}/recsys.db"
        serving_url = asked.database_url or f"sqlite:///{folder}/serving.db"
        try:
            measure(folder, url, serving_url, asked.events)
        finally:
            if asked.database_url:
                METADATA.drop_all(engine := open_database(url))
                SERVING.drop_all(engine)


if __name__ == "__main__":
    main()
