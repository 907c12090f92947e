"""What the benchmarks share: data, vectors, and the two measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from recsys.catalog import clean_items
from recsys.config import EncoderConfig, ImportConfig
from recsys.encoder import TextEncoder
from recsys.text import item_texts

out = Console()
CUT = 10


@dataclass(frozen=True)
class Measured:
    """Means over users or queries."""

    ndcg: float
    hit_rate: float
    count: int


def measure(ranked: Sequence[Sequence[str]], relevant: Sequence[frozenset[str]]) -> Measured:
    """NDCG@10 with binary gains (ideal cut at 10) and hit rate@10; those without a target are left out."""
    gains = 1.0 / np.log2(np.arange(2, CUT + 2))
    ndcg, hits = [], []
    for items, wanted in zip(ranked, relevant, strict=True):
        if not wanted:
            continue
        found = np.array([item in wanted for item in items[:CUT]] + [False] * (CUT - len(items[:CUT])))
        ndcg.append(float(gains[found].sum() / gains[: min(CUT, len(wanted))].sum()))
        hits.append(float(found.any()))
    return Measured(float(np.mean(ndcg)), float(np.mean(hits)), len(ndcg))


def load_items(folder: Path) -> pa.Table:
    """Cleaned items of a data set."""
    return clean_items(pq.read_table(folder / "items.parquet"), config=ImportConfig(), file="items").good


def embed(items: pa.Table, cache: Path, config: EncoderConfig) -> np.ndarray:
    """Text embeddings `[N, D] float32` of items, kept in `cache` between runs."""
    encoder = TextEncoder.load(config)
    texts = item_texts(items)
    hashes = texts.column("text_hash").to_pylist()
    file = cache / f"{encoder.version}-{items.num_rows}.npy"
    if file.exists():
        return np.asarray(np.load(file, allow_pickle=False))
    distinct: Mapping[str, str] = dict(zip(hashes, texts.column("text").to_pylist(), strict=True))
    order = sorted(distinct, key=lambda key: len(distinct[key]))
    rows = np.empty((len(order), encoder.dim), np.float32)
    for start in range(0, len(order), 512):
        part = order[start : start + 512]
        rows[start : start + len(part)] = encoder.encode([distinct[key] for key in part])
        out.print(f"embedded {start + len(part):,} of {len(order):,} distinct texts", end="\r")
    place = {key: row for row, key in enumerate(order)}
    vectors = rows[[place[key] for key in hashes]]
    cache.mkdir(parents=True, exist_ok=True)
    np.save(file, vectors)
    return vectors
