"""The plain method: mean of the history's text vectors, cosine over the whole catalog.

`office` and `beauty` have no real times: the last item of each user is the target (leave-one-out).
`grocery` has: the history is everything before its last week, the targets are the distinct items a
user bought in it. Popularity stands beside it as the floor. This is the figure to beat, not ours.

    python -m tests.benchmarks.plain_method --data ../shared/data/office
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.table import Table

from recsys.config import EncoderConfig, Metric
from recsys.retrieval import ShardIndex
from tests.benchmarks.protocol import CUT, Measured, embed, load_items, measure, out

BATCH = 256


@dataclass(frozen=True)
class Split:
    """What each user did before, and what came after."""

    histories: list[list[str]]
    targets: list[frozenset[str]]


def leave_one_out(folder: Path, limit: int | None) -> Split:
    """Last item of each sequence as the target."""
    sequences = pq.read_table(folder / "sequences.parquet").column("items").to_pylist()[:limit]
    kept = [items for items in sequences if len(items) > 1]
    return Split([items[:-1] for items in kept], [frozenset(items[-1:]) for items in kept])


def last_week(folder: Path, limit: int | None) -> Split:
    """Distinct items of the last seven days as the targets."""
    events = pq.read_table(folder / "events.parquet", columns=["user_id", "item_id", "occurred_at"])
    cut = pc.max(events.column("occurred_at")).as_py() - timedelta(days=7)
    before = _by_user(events.filter(pc.less(events.column("occurred_at"), cut)))
    after = _by_user(events.filter(pc.greater_equal(events.column("occurred_at"), cut)))
    users = sorted(before.keys() & after.keys())[:limit]
    return Split([before[user] for user in users], [frozenset(after[user]) for user in users])


def _by_user(events: pa.Table) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    rows = zip(events.column("user_id").to_pylist(), events.column("item_id").to_pylist(), strict=True)
    for user, item in rows:
        grouped.setdefault(user, []).append(item)
    return grouped


def plain_rankings(
    index: ShardIndex, vectors: dict[str, np.ndarray], split: Split, mask: bool
) -> list[list[str]]:
    """Top 10 of every user by the mean vector of all events; seen items left out when `mask`."""
    ranked: list[list[str]] = []
    for start in range(0, len(split.histories), BATCH):
        part = split.histories[start : start + BATCH]
        means = [
            np.mean([vectors[i] for i in items if i in vectors] or [np.zeros(index.dim)], axis=0)
            for items in part
        ]
        hidden = [frozenset(items) if mask else frozenset() for items in part]
        found = index.search(np.stack(means), CUT, exclude=hidden, include_unavailable=True)
        ranked += [list(candidates.item_ids) for candidates in found]
    return ranked


def _mean(vectors: dict[str, np.ndarray], items: list[str], dim: int) -> np.ndarray:
    known = [vectors[item] for item in items if item in vectors]
    return np.asarray(np.mean(known or [np.zeros(dim)], axis=0))


def popular_rankings(split: Split, mask: bool) -> list[list[str]]:
    """Top 10 by number of events in all histories."""
    names, counts = np.unique([i for items in split.histories for i in items], return_counts=True)
    order = [str(names[row]) for row in np.lexsort((names, -counts))]
    ranked = []
    for items in split.histories:
        hidden = set(items) if mask else set()
        top: list[str] = []
        for item in order:
            if item not in hidden:
                top.append(item)
            if len(top) == CUT:
                break
        ranked.append(top)
    return ranked


def run(folder: Path, cache: Path, limit: int | None, encoder: EncoderConfig) -> dict[str, Measured]:
    """All rows of the table for one data set."""
    split = (
        leave_one_out(folder, limit) if (folder / "sequences.parquet").exists() else last_week(folder, limit)
    )
    items = load_items(folder)
    embeddings = embed(items, cache / folder.name, encoder)
    index = ShardIndex.from_items(items, embeddings, Metric.COSINE)
    vectors = dict(zip(items.column("item_id").to_pylist(), embeddings, strict=True))
    rows: dict[str, Measured] = {}
    for mask, name in ((True, "seen masked"), (False, "repeats allowed")):
        rows[f"popular, {name}"] = measure(popular_rankings(split, mask), split.targets)
        rows[f"plain, {name}"] = measure(plain_rankings(index, vectors, split, mask), split.targets)
    return rows


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of a data set")
    parser.add_argument("--workspace", type=Path, default=Path("workspace/bench"), help="keeps the vectors")
    parser.add_argument("--limit-users", type=int, help="first users only")
    parser.add_argument("--encoder", default=EncoderConfig().source)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = run(given.data, given.workspace, given.limit_users, EncoderConfig(source=given.encoder))
    if given.json:
        out.print_json(json.dumps({name: vars(row) for name, row in rows.items()}))
        return
    table = Table("method", "NDCG@10", "HR@10", "users", title=given.data.name)
    for name, row in rows.items():
        table.add_row(name, f"{row.ndcg:.4f}", f"{row.hit_rate:.4f}", f"{row.count:,}")
    out.print(table)


if __name__ == "__main__":
    main()
