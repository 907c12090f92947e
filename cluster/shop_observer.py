"""What the feedback loop sees of a shop: its stores, its published version, its lists and clicks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cluster.answer_store import AnswerStore
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from recsys.embeddings import read_embeddings
from recsys.errors import IndexMissingError
from recsys.feedback import ClickEvidence, Observations
from recsys.index import IndexManifest, current_version, earlier_version, load_manifest
from recsys.workspace import Workspace

WATCHED_US = 24 * 3_600_000_000
"""Lists of the last day count."""
ACTED = frozenset({"click", "add_to_cart", "purchase"})
LEAST_BEFORE = 200
"""Lists of the version before, for a forecast."""


@dataclass(frozen=True)
class ShopObserver:
    """Reads; decides nothing."""

    workspace: Workspace
    items: ItemStore
    events: EventStore
    answers: AnswerStore

    def manifest(self) -> IndexManifest | None:
        """The published version; None before the first."""
        try:
            return load_manifest(self.workspace, current_version(self.workspace))
        except IndexMissingError:
            return None

    def previous(self) -> str | None:
        """The version that a rollback would go to."""
        try:
            return earlier_version(self.workspace)
        except IndexMissingError:
            return None

    def observe(self, now_s: float, now_us: int, fit_mean: list[float] | None) -> Observations:
        """The shop now; `fit_mean` is the catalog's mean vector at the last fit. Raises `StoreError`."""
        manifest = self.manifest()
        events_seq = self.events.last_seq()
        changed, deleted = self.items.change_counts(manifest.catalog_seq) if manifest else (0, 0)
        return Observations(
            now_s=now_s,
            published=manifest.index_version if manifest else None,
            has_fit=bool(manifest and manifest.blend),
            fit_events_seq=_fit_events_seq(manifest, events_seq),
            events_seq=events_seq,
            catalog_seq=self.items.last_seq(),
            items_total=self.items.count(),
            items_changed=changed,
            items_deleted=deleted,
            clicks=self._clicks(manifest, now_us) if manifest else None,
            vector_drift=self._drift(manifest, fit_mean) if manifest and fit_mean else None,
        )

    def mean_vector(self, manifest: IndexManifest) -> list[float]:
        """Mean of all vectors that the version's encoder has made."""
        vectors = read_embeddings(self.workspace.embeddings(manifest.encoder_version)).vectors
        return [float(value) for value in vectors.mean(axis=0)] if len(vectors) else []

    def _drift(self, manifest: IndexManifest, fit_mean: list[float]) -> float | None:
        vectors = read_embeddings(self.workspace.embeddings(manifest.encoder_version)).vectors
        if len(vectors) == 0 or vectors.shape[1] != len(fit_mean):
            return None
        mean = vectors.mean(axis=0)
        spread = math.sqrt(float(((vectors - mean) ** 2).sum(axis=1).mean()))
        shift = float(np.linalg.norm(mean - np.array(fit_mean)))
        return shift / spread if spread > 0.0 else None

    def _clicks(self, manifest: IndexManifest, now_us: int) -> ClickEvidence | None:
        since = now_us - WATCHED_US
        version_of = {one.recommendation_id: one.index_version for one in self.answers.scan(since)}
        acted = {
            event.recommendation_id
            for batch in self.events.responses(since)
            for event in batch
            if event.event_type in ACTED and event.recommendation_id in version_of
        }
        lists: dict[str, int] = {}
        clicked: dict[str, int] = {}
        for name, version in version_of.items():
            lists[version] = lists.get(version, 0) + 1
            clicked[version] = clicked.get(version, 0) + (name in acted)
        ours = manifest.index_version
        if not lists.get(ours):
            return None
        forecast, noise = self._forecast(manifest, lists, clicked)
        return ClickEvidence(lists[ours], clicked[ours], forecast, noise)

    def _forecast(
        self, manifest: IndexManifest, lists: dict[str, int], clicked: dict[str, int]
    ) -> tuple[float | None, float]:
        """Click rate of the version before, times what the gate measured of the new one beside it."""
        before = self.previous() or ""
        theirs = manifest.metrics.get("parent discover ndcg@10")
        own = manifest.metrics.get("discover ndcg@10")
        if lists.get(before, 0) < LEAST_BEFORE or not theirs or own is None:
            return None, 0.0
        evidence = ClickEvidence(lists[before], clicked[before])
        ratio = own / theirs
        return evidence.rate * ratio, evidence.rate_noise * ratio


def _fit_events_seq(manifest: IndexManifest | None, events_seq: int) -> int:
    """Events that the version has learned from; 0 where its number is one of another event log."""
    known = (manifest.events_seq or 0) if manifest else 0
    return known if known <= events_seq else 0
