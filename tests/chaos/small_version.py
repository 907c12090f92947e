"""An index version of random vectors, built in a moment."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from recsys.config import IndexConfig, Metric, ScanKind
from recsys.index import IndexManifest, IndexWriter, Signal
from recsys.index.writer import Provenance
from recsys.schemas import ITEMS, conform
from recsys.workspace import Workspace


def small_version(
    workspace: Workspace,
    seed: int,
    num_items: int = 20,
    dim: int = 4,
    scan: ScanKind = ScanKind.EXACT,
    encoder_version: str = "enc",
    integers: bool = False,
    num_shards: int = 2,
) -> IndexManifest:
    """A version whose vectors the seed decides; small integers have many ties and exact scores."""
    ids = [f"i{number:05d}" for number in range(num_items)]
    items = conform(pa.table({"item_id": ids, "title": ids, "available": [True] * num_items}), ITEMS)
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (num_items, dim)) if integers else rng.normal(size=(num_items, dim))
    metric = Metric.INNER_PRODUCT if integers else Metric.COSINE
    signals = (Signal(name="text", width=dim, weight=1.0),)
    with IndexWriter(workspace, dim, IndexConfig(num_shards=num_shards, scan=scan, metric=metric)) as writer:
        writer.add(items, vectors.astype(np.float32))
        return writer.close(Provenance(encoder_version, "1", signals, 7))
