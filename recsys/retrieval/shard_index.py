"""The items and embeddings of one shard, and the search over them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys.config import Metric
from recsys.errors import InputError
from recsys.filters import Filter
from recsys.index.files import open_codes, open_shard
from recsys.index.manifest import IndexManifest
from recsys.query import Query
from recsys.retrieval.candidates import Candidates
from recsys.retrieval.details import Details
from recsys.retrieval.filtered_rows import FilteredRows
from recsys.retrieval.links import Links, links_table
from recsys.retrieval.ordering import by_item_id
from recsys.retrieval.shown_fields import ShownFields
from recsys.scan import CompressedScan, Rows, Vectors, best_places, scan
from recsys.scan.scoring import check_queries
from recsys.schemas import LINKS
from recsys.unused_memory import release_unused_memory
from recsys.workspace import Workspace

QUICK_ROWS = 5_000
"""Rows that an exact scan scores in about half a millisecond."""
QUICK_COMPRESSED_ROWS = 250_000
"""Rows whose codes are passed in about a millisecond."""
QUICK_PLACES = 50
"""Places for which few candidates are scored again."""
DAY_US = 86_400_000_000


class ShardIndex:
    """Rows in ascending `item_id` order, so that a tie's order is the row order. Read-only, thread-safe."""

    def __init__(
        self,
        items: pa.Table,
        embeddings: Vectors,
        metric: Metric,
        links: pa.Table | None = None,
        compressed: CompressedScan | None = None,
    ) -> None:
        """`items` (`ITEMS` without description) ascend by id, as the rows of `embeddings` `[N, D]` do.

        `links` (`LINKS`) are what history items add to the scores of rows. Without `compressed` every
        search is exact.
        """
        self._items = items
        self._rows, self._compressed = Rows(embeddings, metric), compressed
        self._ids: list[str] = items.column("item_id").to_pylist()
        self._filtered = FilteredRows(items)
        self._links = Links.from_table(LINKS.empty_table() if links is None else links, len(items))

    @classmethod
    def open(cls, workspace: Workspace, manifest: IndexManifest, shard: int) -> ShardIndex:
        """One shard of a version, verified against its manifest and memory-mapped.

        Raises `IndexCorruptError` for files that are absent, altered, truncated or swapped.
        """
        items, embeddings, links = open_shard(workspace, manifest, shard)
        return cls(items, embeddings, manifest.metric, links, open_codes(workspace, manifest, shard))

    @classmethod
    def from_items(
        cls,
        items: pa.Table,
        embeddings: np.ndarray,
        metric: Metric,
        links: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
    ) -> ShardIndex:
        """A shard in memory from `ITEMS` rows in any order and their embeddings `[N, D]`.

        `links`: target item -> signal -> source item -> value.

        Raises `InputError` when the two differ in number, an id comes twice, or a vector is not
        finite or too long.
        """
        ordered, rows = by_item_id(items, embeddings)
        places = {item_id: row for row, item_id in enumerate(ordered.column("item_id").to_pylist())}
        return cls(ordered, Vectors(rows), metric, links_table(links or {}, places))

    @property
    def num_items(self) -> int:
        """Number N of items."""
        return len(self._ids)

    @property
    def dim(self) -> int:
        """Embedding size D."""
        return int(self._rows.vectors.shape[1])

    @property
    def metric(self) -> Metric:
        """How a query and an item become a score."""
        return self._rows.metric

    def search(
        self,
        queries: np.ndarray | Sequence[Query],
        k: int,
        *,
        exclude: Sequence[Collection[str]] | None = None,
        filter: Filter | None = None,
        include_unavailable: bool = False,
        exact: bool = False,
    ) -> list[Candidates]:
        """The best `k` items for each query, `[B, D] float32` or `B` `Query`s with links.

        Fewer come back only when fewer are allowed. A compressed shard may miss a row that its codes
        misjudge, at the rate that its manifest tells, unless `exact` is asked for; scores are exact.

        `exclude` holds one collection of ids a query. Filters and exclusions apply before the
        choice, so that `k` results come back when `k` exist. Unavailable items are left out unless
        asked for. Memory does not grow with B x N. Raises `InputError` for queries of another shape
        or with NaN, and for a number of exclusions that is not B.
        """
        asked = [query for query in queries if isinstance(query, Query)]
        queries = check_queries([q.vector for q in asked] if asked else queries, self.dim)
        if exclude is not None and len(exclude) != len(queries):
            raise InputError(
                "exclusions do not fit the queries", expected=f"{len(queries)} lists", found=str(len(exclude))
            )
        hidden = [self._positions(ids) for ids in exclude or [()] * len(queries)]
        added = [self._links.added(query) for query in asked] if asked and self._links else None
        search = self._compressed.search if self._compressed and not exact else scan
        allowed = self._filtered.allowed(filter, include_unavailable)
        found = search(queries, k, self._rows, allowed, hidden, added)
        return [self._candidates(rows, scores) for rows, scores in found]

    def searches_quickly(self, filter: Filter | None, k: int) -> bool:
        """Whether `k` places take about a millisecond: few, of few or compressed rows, by a known filter."""
        allowed = self._filtered.known(filter)
        if allowed is None or k > QUICK_PLACES:
            return False
        if self._compressed is None:
            return self.num_items <= QUICK_ROWS
        return self.num_items <= QUICK_COMPRESSED_ROWS and self._compressed.is_ready(allowed)

    def warm(self) -> None:
        """Make now what is remembered, so that no request waits for it."""
        (found,) = self.search([Query(np.zeros(self.dim, np.float32))], 1)
        self.links(found.item_ids)
        self.newest(1)
        release_unused_memory()

    def newest(self, k: int, *, exclude: Collection[str] = (), filter: Filter | None = None) -> Candidates:
        """The `k` newest available items; scores are days since 1970, 0 for an unknown age."""
        allowed = self._filtered.allowed(filter).mask.copy()
        allowed[self._positions(exclude)] = False
        rows = np.flatnonzero(allowed)
        best = rows[best_places(self._days[rows], k)]
        return self._candidates(best, self._days[best])

    def vectors(self, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """Embeddings `[D] float32` of those ids that are here; copies, free to change."""
        return {item_id: np.array(self._rows.vectors[row]) for item_id, row in self._known(item_ids)}

    def links(self, item_ids: Sequence[str]) -> dict[str, dict[str, dict[str, float]]]:
        """Everything that speaks for those ids that are here: id -> signal -> source item -> value."""
        return self._links.into(dict(self._known(item_ids)))

    def details(self, listed: Sequence[str], named: Sequence[str], sources: Collection[str]) -> Details:
        """Fields of `listed` and `named` ids that are here; vectors of the listed ones, and their links.

        Only links from `sources` are looked at: those of one query are found much sooner than all.
        """
        known = dict(self._known(listed))
        links = self._links.into(known, sources) if sources else {}
        return Details(self.items([*listed, *named]), self.vectors(listed), links)

    def items(self, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Title, brand, category, `created_at` and attributes of those ids that are here."""
        return {item_id: self._shown.row(row) for item_id, row in self._known(item_ids)}

    def matches(
        self, item_ids: Sequence[str], filter: Filter | None, *, include_unavailable: bool = False
    ) -> set[str]:
        """Those ids that are here, available (unless that does not matter), and pass."""
        known = self._known(item_ids)
        items = self._take(known)
        passed = np.ones(len(known), bool) if filter is None else filter.mask(items)
        if not include_unavailable:
            passed = passed & _flags(items.column("available"))
        return {item_id for (item_id, _), passes in zip(known, passed.tolist(), strict=True) if passes}

    def _candidates(self, rows: np.ndarray, scores: np.ndarray) -> Candidates:
        # Adding 0 turns -0 into 0, which would print oddly.
        return Candidates(tuple(self._ids[row] for row in rows.tolist()), scores + np.float32(0.0))

    def _known(self, item_ids: Collection[str]) -> list[tuple[str, int]]:
        places = self._row_of
        return [(item_id, places[item_id]) for item_id in item_ids if item_id in places]

    def _take(self, known: Sequence[tuple[str, int]]) -> pa.Table:
        return self._items.take(pa.array([row for _, row in known], pa.int64()))

    def _positions(self, item_ids: Collection[str]) -> np.ndarray:
        return np.array(sorted(row for _, row in self._known(item_ids)), np.int64)

    @cached_property
    def _shown(self) -> ShownFields:
        return ShownFields(self._items)

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {item_id: row for row, item_id in enumerate(self._ids)}

    @cached_property
    def _days(self) -> np.ndarray:
        created = pc.fill_null(self._items.column("created_at").cast(pa.int64()), 0)
        return np.asarray(created.to_numpy() / DAY_US, np.float32)


def _flags(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_numpy(), bool)
