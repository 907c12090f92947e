"""`recsys label choose`: the items of which to learn next, as a table with reasons."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cluster.database import open_database
from cluster.dataset import read_dataset, read_views
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from jobs.options import database_url_of
from jobs.publish_index import newest_encoder_version
from recsys.blend.whitening import Whitening
from recsys.config import RuntimeConfig
from recsys.labelling import Choice, choose_busiest, choose_items, expected_traffic, knowledge, likeness
from recsys.workspace import Workspace, replace_file

COLUMNS = ("place", "item_id", "title", "events", "expected_traffic", "gain", "stands_for", "reason")
NAMED, TITLE_CHARS = 3, 60
By = Literal["range", "traffic"]
"""The range of texts that the items stand for together, or the traffic that each expects."""


def run_choose(
    runtime: RuntimeConfig, num: int, by: By, target: Path | None, encoder_version: str | None
) -> dict[str, Any]:
    """Write the table; what it comes to, with the first rows."""
    workspace = Workspace(runtime.workspace)
    engine = open_database(database_url_of(runtime))
    version = encoder_version or newest_encoder_version(workspace)
    items = ItemStore(engine)
    shop = read_dataset(workspace, items, EventStore(engine), version, needs_events=False)
    titles = [title for title, _ in read_views(items)]
    log = shop.log
    events = np.bincount(log.items[log.weights > 0], minlength=log.num_items).astype(np.float64)
    alike = likeness(Whitening.fit(shop.vectors, "whitened").apply(shop.vectors))
    traffic = expected_traffic(alike, events)
    choose = choose_busiest if by == "traffic" else choose_items
    chosen = choose(alike, knowledge(events), traffic, num)
    rows = [
        _row(place, choice, log.item_ids, titles, events, traffic)
        for place, choice in enumerate(chosen, start=1)
    ]
    at = datetime.now(UTC)
    target = target or workspace.reports / f"label-choice-{at:%Y%m%dT%H%M%S}.csv"
    replace_file(target, _csv(rows).encode())
    represented = sum(choice.gain for choice in chosen)
    found: dict[str, Any] = {"table": str(target), "chosen": len(chosen), "of_items": log.num_items}
    found["traffic_newly_known" if by == "traffic" else "traffic_newly_represented"] = represented
    return found | {f"{row['place']}": f"{row['title']}: {row['reason']}" for row in rows[:NAMED]}


def _row(
    place: int,
    choice: Choice,
    item_ids: Sequence[str],
    titles: Sequence[str],
    events: np.ndarray,
    traffic: np.ndarray,
) -> dict[str, Any]:
    named = [titles[other][:TITLE_CHARS] for other in choice.stands_for[:NAMED]]
    such = "; ".join(named)
    others = f"stands for {len(choice.stands_for)} others, such as {such}" if named else "like no other"
    return {
        "place": place,
        "item_id": item_ids[choice.place],
        "title": titles[choice.place][:TITLE_CHARS],
        "events": int(events[choice.place]),
        "expected_traffic": f"{traffic[choice.place]:.3g}",
        "gain": f"{choice.gain:.3g}",
        "stands_for": len(choice.stands_for),
        "reason": f"{int(events[choice.place])} events; {others}",
    }


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    told = io.StringIO()
    writer = csv.DictWriter(told, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return told.getvalue()
