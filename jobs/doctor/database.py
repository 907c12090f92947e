"""The database of items and events."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine

from cluster.database_probe import schema_version
from cluster.event_check import check_events
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.schema import SHOP, schema_state
from jobs.doctor.finding import Finding, failed, ok, warning
from recsys.config import ServeConfig
from recsys.index import IndexManifest

ADVICE = "check the URL, that the server runs and that this release is not older than the data"


def examine_database(engine: Engine) -> Iterator[Finding]:
    """Schema and contents of a database that answers."""
    items, events = ItemStore(engine).count(), EventStore(engine).count()
    found = f"{engine.dialect.name}, schema {schema_version(engine)}, {items:,} items, {events:,} events"
    if items == 0:
        yield warning("database", found, "recsys import items FILE")
    else:
        yield ok("database", found)


def examine_event_log(engine: Engine) -> Iterator[Finding]:
    """Every event against its digest, after the schema has been found to have one."""
    state = schema_state(engine, SHOP)
    if state.steps:
        yield warning(
            "event log", f"schema {state.revision}, this release's is {state.head}", "recsys upgrade"
        )
        return
    found = check_events(engine)
    if not found.faults:
        yield ok("event log", f"all {found.whole:,} events are as they were written")
        return
    parts = {
        "damaged": len(found.damaged),
        "missing": found.missing,
        "faults of structure": len(found.structure),
        "damaged logs": len(found.logs),
    }
    told = ", ".join(f"{count:,} {name}" for name, count in parts.items() if count)
    yield failed("event log", f"{told}; {found.whole:,} events are whole", "recsys events verify")


def examine_lag(
    engine: Engine, manifest: IndexManifest, most: int = ServeConfig().max_fresh_items
) -> Iterator[Finding]:
    """How far the catalog is ahead of the published version; beyond `most` the service leaves changes out."""
    changed, deleted = ItemStore(engine).change_counts(manifest.catalog_seq)
    found = f"{changed:,} items changed and {deleted:,} deleted since the published version"
    if changed + deleted >= most:
        yield warning("catalog lag", f"{found}; more than {most:,} are not searched", "recsys embed")
    else:
        yield ok("catalog lag", found)
