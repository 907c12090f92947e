"""The same list by brute force from the named version's files: whether an answer is of one version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.blend.query import Known, blended_query
from recsys.config import Metric, Scenario
from recsys.index import load_manifest
from recsys.index.files import open_shard
from recsys.profile import Context, UserProfile, user_vector, with_context
from recsys.query import Query
from recsys.workspace import Workspace

NOBODY = UserProfile("nobody", (), frozenset(), 0)
TIE = 1e-4
"""Scores within this of each other, relative to the best, may stand in either order."""


@dataclass(frozen=True, eq=False)
class Version:
    """All of one index version in memory, as plain arrays."""

    index_version: str
    item_ids: list[str]
    available: np.ndarray
    vectors: np.ndarray
    links: list[tuple[str, str, int, float]]
    """Signal, source, row, value."""
    metric: Metric
    blend: Any

    @classmethod
    def read(cls, workspace: Workspace, index_version: str) -> Version:
        """Every shard; raises `IndexMissingError` for a version that was removed."""
        manifest = load_manifest(workspace, index_version)
        ids: list[str] = []
        available, vectors, links = [], [], []
        for shard in range(manifest.num_shards):
            items, rows, table = open_shard(workspace, manifest, shard)
            own = table.select(["signal", "source", "row", "value"]).to_pylist()
            links += [(r["signal"], r["source"], r["row"] + len(ids), r["value"]) for r in own]
            ids += items.column("item_id").to_pylist()
            available.append(np.asarray(items.column("available").to_numpy(), bool))
            vectors.append(np.array(rows[:], np.float32))
        joined = np.concatenate(vectors)
        return cls(
            index_version, ids, np.concatenate(available), joined, links, manifest.metric, manifest.blend
        )

    def similar(self, item_id: str) -> np.ndarray:
        """Score of every item beside one, `[N] float64`; that item and unavailable ones at minus infinity."""
        row = self.item_ids.index(item_id)
        context = Context(self.vectors[row].astype(np.float32), item_id=item_id)
        known = Known({item_id: self.vectors[row]}, {}, [context], 1.0)
        query = self._query(known, context)
        scores = self._of_vectors(np.asarray(query.vector, np.float64))
        for signal, source, place, value in self.links:
            weight = query.links.get(signal, {}).get(source)
            if weight is not None:
                scores[place] += weight * value
        scores[~self.available] = -np.inf
        scores[row] = -np.inf
        return scores

    def agrees(self, item_id: str, listed: list[str]) -> bool:
        """Whether a list is the best of this version, up to ties."""
        scores = self.similar(item_id)
        place = {known: row for row, known in enumerate(self.item_ids)}
        if len(set(listed)) < len(listed) or any(known not in place for known in listed):
            return False
        own = np.array([scores[place[known]] for known in listed])
        best = np.sort(scores[np.isfinite(scores)])[::-1][: len(listed)]
        slack = TIE * max(1.0, float(np.abs(best).max(initial=0.0)))
        return len(own) == len(best) and bool(np.all(np.abs(own - best) <= slack))

    def _query(self, known: Known, context: Context) -> Query:
        if self.blend is None:
            user = with_context(user_vector(NOBODY, known.items, known.reviews), [context], 1.0)
            return Query(user.vector)
        blend = self.blend.blend(False).scaled(Scenario())
        return blended_query(NOBODY, known, self.blend.settings, blend, 0.0).query

    def _of_vectors(self, query: np.ndarray) -> np.ndarray:
        rows = self.vectors.astype(np.float64)
        dots = rows @ query
        if self.metric is Metric.COSINE:
            lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
            return np.asarray(dots / np.where(lengths > 0.0, lengths, np.inf))
        if self.metric is Metric.EUCLIDEAN:
            return np.asarray(2.0 * dots - (rows**2).sum(axis=1) - (query**2).sum())
        return np.asarray(dots)
