"""A SQLite log cut inside its last record: the store opens and keeps every earlier event."""

from __future__ import annotations

import shutil
from pathlib import Path

from cluster.database import open_database
from cluster.event_store import EventStore
from tests.ray.stores.event_process import events_table

CUTS = 60
"""Lengths tried, spread evenly over the bytes of the last append."""


def test_a_cut_log_keeps_every_earlier_event_and_counts_a_resent_one_once(tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    engine = open_database(f"sqlite:///{database}")
    store, log = EventStore(engine), Path(f"{database}-wal")
    store.append(events_table(["a", "b"]))
    before = log.stat().st_size
    store.append(events_table(["c"]))
    after = log.stat().st_size
    assert after > before, "the last append is at the end of the log"
    lengths = sorted({before, after - 1, *range(before, after, (after - before) // CUTS)})
    for length in lengths:
        image = tmp_path / f"cut{length}" / "shop.db"
        image.parent.mkdir()
        shutil.copy(database, image)
        Path(f"{image}-wal").write_bytes(log.read_bytes()[:length])
        opened = open_database(f"sqlite:///{image}")
        cut = EventStore(opened)
        assert [event.event_id for event in cut.events_after(0, 10)] == ["a", "b"], f"cut at byte {length}"
        for _ in range(3):
            cut.append(events_table(["c"]))
        assert cut.count() == 3
        opened.dispose()
    engine.dispose()
