"""How many events a second become durable over HTTP, and how soon an event changes a list."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from cluster.database import open_database
from cluster.event_store import EventStore
from jobs.bench.event_writers import events_script
from jobs.bench.freshness import Freshness, measure_freshness
from jobs.bench.http import FULL as HTTP_FULL
from jobs.bench.http import QUICK as HTTP_QUICK
from jobs.bench.measure import Spread, side_by_side
from jobs.bench.section import BenchSettings, Section, Table, Target
from jobs.bench.service import our_service
from jobs.bench.shop_at_scale import ShopAtScale, ShopPlan, make_shop_at_scale
from jobs.bench.wrk import require_wrk, run_wrk
from recsys.config import Placement
from recsys.errors import StoreError

BATCHES = (1, 100, 500)
CLIENTS = 8
WANTED_PER_S = 3_000.0
LIMIT_MS = 1_000.0
OTHER_EVENTS_PER_S = 50.0


@dataclass(frozen=True)
class EventsSize:
    """How much is measured."""

    plan: ShopPlan
    duration_s: float
    """Of one turn of one batch size."""
    num_tries: int
    """Events whose effect is waited for."""


FULL = EventsSize(HTTP_FULL.plan, 3.0, 200)
QUICK = EventsSize(HTTP_QUICK.plan, 1.0, 10)


def run(settings: BenchSettings) -> Section:
    """Write events in batches of several sizes, then wait for the effect of single ones.

    Uses the shop of the HTTP part when it is there, with a copy of its database. Raises `ConfigError`
    without wrk, `StoreError` when fewer events are stored than were acked.
    """
    require_wrk()
    size = QUICK if settings.quick else FULL
    shop = make_shop_at_scale(settings.folder / f"shop-{size.plan.num_items}", size.plan, settings.say)
    folder = settings.folder / "events"
    database_url = _copied(shop, folder)
    with our_service(shop.workspace, Placement.AUTO, folder, ("--database-url", database_url)) as service:
        settings.say("waits for the effect of single events")
        fresh = measure_freshness(service.url, size.num_tries, size.plan.num_users, OTHER_EVENTS_PER_S)
        settings.say("writes events in batches")
        written = _write_in_turns(shop, database_url, service.url, folder, size.duration_s, settings.rounds)
    return _section(size, written, fresh)


def _copied(shop: ShopAtScale, folder: Path) -> str:
    """URL of a copy of the shop's database: what is written here is no part of other measurements."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "events.db").absolute()
    for old in folder.glob("events.db*"):
        old.unlink()
    source = shop.workspace.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(source)) as whole, closing(sqlite3.connect(file)) as copy:
        whole.backup(copy)
    return f"sqlite:///{file}"


def _write_in_turns(
    shop: ShopAtScale, database_url: str, url: str, folder: Path, duration_s: float, rounds: int
) -> Mapping[int, Spread]:
    """Durable events a second by batch size."""
    store = EventStore(open_database(database_url))
    numbers = count()

    def turn(batch: int) -> Callable[[], float]:
        def write() -> float:
            script = events_script(folder / f"batch-{next(numbers)}.lua", shop.plan.num_items, batch)
            before = store.count()
            load = run_wrk(url, script, CLIENTS, duration_s)
            if load.failed:
                raise StoreError("events were refused", found=f"{load.failed} requests failed")
            acked = load.requests_per_s * batch
            # The store has what was acked, and what wrk no longer waited for.
            if store.count() - before < acked * duration_s * 0.99:
                raise StoreError("acked events are not in the store", expected=f"{acked * duration_s:.0f}")
            return acked

        return write

    found = side_by_side({str(batch): turn(batch) for batch in BATCHES}, rounds)
    return {int(batch): per_s for batch, per_s in found.items()}


def _section(size: EventsSize, written: Mapping[int, Spread], fresh: Freshness) -> Section:
    p50, p99 = (float(np.percentile(fresh.answer_ms, share)) for share in (50, 99))
    ack50, ack99 = (float(np.percentile(fresh.ack_ms, share)) for share in (50, 99))
    durable = Table(
        f"Events acked over HTTP with {CLIENTS} clients, turns of {size.duration_s:.0f} s",
        ("events a request", "durable events/s"),
        tuple((batch, per_s.text()) for batch, per_s in written.items()),
    )
    effect = Table(
        f"One purchase, {size.num_tries} times, while others write {fresh.other_events_per_s:.0f} events/s",
        ("what", "p50, ms", "p99, ms"),
        (
            ("sent to acked", ack50, ack99),
            ("acked to the first answer that shows it", p50, p99),
        ),
    )
    most = max(BATCHES)
    return Section(
        name="events",
        title="Events",
        tables=(durable, effect),
        targets=(
            Target(f"durable events/s in batches of {most}", WANTED_PER_S, written[most].median),
            Target("acked to changed answer, p99 ms", LIMIT_MS, p99, at_least=False),
        ),
        notes=(
            "An event is acked after the database's fsync. SQLite in the workspace, WAL, synchronous=FULL; "
            f"{size.plan.num_items:,} items. Acked events are counted in the store after each turn.",
            "The effect: the bought item is gone from the shopper's list. The time holds one whole answer; "
            f"{float((fresh.answers == 1).mean()):.1%} of the first answers had it.",
        ),
        figures={
            "durable_per_s": {str(batch): per_s.median for batch, per_s in written.items()},
            "changed_p50_ms": p50,
            "changed_p99_ms": p99,
            "ack_p50_ms": ack50,
        },
    )
