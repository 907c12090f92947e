"""The items and embeddings of one shard, searched exactly."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys.config import Metric
from recsys.errors import InputError
from recsys.filters import Filter
from recsys.index.files import open_shard
from recsys.index.manifest import IndexManifest
from recsys.retrieval.candidates import Candidates, no_candidates
from recsys.retrieval.scan import Rows, best_places, scan
from recsys.retrieval.scoring import check_queries, squares_of
from recsys.workspace import Workspace

DAY_US = 86_400_000_000


class ShardIndex:
    """Rows in ascending `item_id` order, so that a tie's order is the row order. Read-only, thread-safe."""

    def __init__(self, items: pa.Table, embeddings: np.ndarray, metric: Metric) -> None:
        self._items = items
        self._rows = Rows(embeddings, squares_of(embeddings), metric)
        self._ids: list[str] = items.column("item_id").to_pylist()
        self._available = items.column("available").to_numpy()

    @classmethod
    def open(cls, workspace: Workspace, manifest: IndexManifest, shard: int) -> ShardIndex:
        """One shard of a version, verified against its manifest and memory-mapped.

        Raises `IndexCorruptError` for files that are absent, altered, truncated or swapped.
        """
        items, embeddings = open_shard(workspace, manifest, shard)
        return cls(items, embeddings, manifest.metric)

    @classmethod
    def from_items(cls, items: pa.Table, embeddings: np.ndarray, metric: Metric) -> ShardIndex:
        """A shard in memory from `ITEMS` rows in any order and their embeddings `[N, D]`."""
        if len(embeddings) != items.num_rows:
            raise InputError(
                "items and embeddings differ in number",
                expected=str(items.num_rows),
                found=str(len(embeddings)),
            )
        ids = items.column("item_id").to_pylist()
        order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
        kept = items.take(pa.array(order)).drop_columns(["description"])
        return cls(kept, np.ascontiguousarray(embeddings[order], np.float32), metric)

    @property
    def num_items(self) -> int:
        """Number N of items."""
        return len(self._ids)

    @property
    def dim(self) -> int:
        """Embedding size D."""
        return int(self._rows.vectors.shape[1])

    def search(
        self,
        queries: np.ndarray,
        k: int,
        *,
        exclude: Sequence[Collection[str]] | None = None,
        filter: Filter | None = None,
        include_unavailable: bool = False,
    ) -> list[Candidates]:
        """The best `k` items for each query of `[B, D] float32`; fewer only when fewer are allowed.

        `exclude` holds one collection of ids a query. Filters and exclusions apply before the
        choice, so that `k` results come back when `k` exist. Unavailable items are left out unless
        asked for. Raises `InputError` for queries of another shape or with NaN.
        """
        checked = check_queries(queries, self.dim)
        hidden = [self._positions(ids) for ids in exclude] if exclude is not None else []
        hidden = hidden or [np.empty(0, np.int64)] * len(checked)
        allowed = self._allowed(filter, include_unavailable)
        found = scan(checked, k, self._rows, allowed, hidden)
        return [self._candidates(rows, scores) for rows, scores in found]

    def newest(self, k: int, *, exclude: Collection[str] = (), filter: Filter | None = None) -> Candidates:
        """The `k` newest available items; scores are days since 1970, 0 for an unknown age."""
        if self.num_items == 0:
            return no_candidates()
        allowed = self._allowed(filter, include_unavailable=False).copy()
        allowed[self._positions(exclude)] = False
        rows = np.flatnonzero(allowed)
        best = rows[best_places(self._days[rows], k)]
        return self._candidates(best, self._days[best])

    def vectors(self, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """Embeddings `[D] float32` of those ids that are here."""
        return {item_id: np.array(self._rows.vectors[row]) for item_id, row in self._known(item_ids)}

    def items(self, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Fields (without the description) of those ids that are here."""
        known = self._known(item_ids)
        table = self._items.take(pa.array([row for _, row in known], pa.int64()))
        return {row["item_id"]: row for row in table.to_pylist()}

    def matches(self, item_ids: Sequence[str], filter: Filter | None) -> set[str]:
        """Those ids that are here, available, and pass."""
        allowed = self._allowed(filter, include_unavailable=False)
        return {item_id for item_id, row in self._known(item_ids) if allowed[row]}

    def _candidates(self, rows: np.ndarray, scores: np.ndarray) -> Candidates:
        return Candidates(tuple(self._ids[row] for row in rows.tolist()), scores.astype(np.float32))

    def _allowed(self, filter: Filter | None, include_unavailable: bool) -> np.ndarray:
        allowed = np.ones(self.num_items, bool) if include_unavailable else self._available
        return allowed if filter is None else allowed & filter.mask(self._items)

    def _known(self, item_ids: Sequence[str]) -> list[tuple[str, int]]:
        places = self._row_of
        return [(item_id, places[item_id]) for item_id in item_ids if item_id in places]

    def _positions(self, item_ids: Collection[str]) -> np.ndarray:
        places = self._row_of
        return np.array(sorted(places[i] for i in item_ids if i in places), np.int64)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self._ids)}

    @cached_property
    def _days(self) -> np.ndarray:
        created = pc.fill_null(self._items.column("created_at").cast(pa.int64()), 0)
        return np.asarray(created.to_numpy() / DAY_US, np.float32)
