"""Search by meaning beside search by words, on the built-in shop's labelled searches.

None of the real data sets has search labels; the built-in shop's searches are worded in ways its
items are not, and the items that answer them are known. BM25 is bm25s with its defaults over the
same item texts; the fusion adds reciprocal ranks (k = 60).

    python -m tests.benchmarks.search_vs_bm25
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import bm25s
import numpy as np
from rich.table import Table

from recsys.blend.whitening import Whitening
from recsys.config import EncoderConfig, Metric
from recsys.encoder import TextEncoder
from recsys.retrieval import ShardIndex
from recsys.shop import Shop, make_shop
from recsys.text import item_texts
from tests.benchmarks.protocol import Measured, embed, measure, out

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEPTH, FUSION = 100, 60


def by_words(shop: Shop) -> list[list[str]]:
    """BM25 over the item texts."""
    ids = np.array(shop.items.column("item_id").to_pylist())
    model = bm25s.BM25()
    texts = item_texts(shop.items).column("text").to_pylist()
    model.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
    asked = bm25s.tokenize([query.text for query in shop.queries], show_progress=False)
    found, _ = model.retrieve(asked, k=min(DEPTH, len(ids)), show_progress=False)
    return [ids[row].tolist() for row in found]


def by_meaning(shop: Shop, cache: Path, config: EncoderConfig) -> dict[str, list[list[str]]]:
    """Cosine between the search and the item texts, as `/v1/search` does it before and after a fit.

    A fit may whiten the items; the search is then turned back. Beside it what it would be if whitened too.
    """
    vectors = embed(shop.items, cache, config)
    queries = TextEncoder.load(config).encode([query.text for query in shop.queries])
    white = Whitening.fit(vectors, "whitened")
    ways = {
        "search": (vectors, queries),
        "search, items whitened": (white.apply(vectors), white.queries(queries)),
        "both whitened": (white.apply(vectors), white.apply(queries)),
    }
    return {name: _found(shop, *way) for name, way in ways.items()}


def _found(shop: Shop, vectors: np.ndarray, queries: np.ndarray) -> list[list[str]]:
    index = ShardIndex.from_items(shop.items, vectors, Metric.COSINE)
    return [list(c.item_ids) for c in index.search(queries, DEPTH, include_unavailable=True)]


def fused(lists: Sequence[Sequence[Sequence[str]]]) -> list[list[str]]:
    """Reciprocal rank fusion."""
    merged = []
    for rankings in zip(*lists, strict=True):
        scores: dict[str, float] = {}
        for ranking in rankings:
            for place, item in enumerate(ranking):
                scores[item] = scores.get(item, 0.0) + 1.0 / (FUSION + place)
        merged.append(sorted(scores, key=lambda item: (-scores[item], item)))
    return merged


def recall(ranked: Sequence[Sequence[str]], relevant: Sequence[frozenset[str]], k: int) -> float:
    """Mean of hits over the smaller of `k` and the number of relevant items."""
    shares = [len(set(r[:k]) & w) / min(k, len(w)) for r, w in zip(ranked, relevant, strict=True)]
    return float(np.mean(shares))


def run(shop: Shop, cache: Path, config: EncoderConfig) -> dict[str, tuple[Measured, float]]:
    """NDCG@10, hit rate@10 and Recall@10 of each way."""
    words, meaning = by_words(shop), by_meaning(shop, cache, config)
    relevant = [query.relevant for query in shop.queries]
    ways = {"BM25": words, **meaning, "fusion of both": fused([words, meaning["search"]])}
    return {name: (measure(r, relevant), recall(r, relevant, 10)) for name, r in ways.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, default=Path("workspace/bench"), help="keeps the vectors")
    parser.add_argument("--encoder", default=EncoderConfig().source)
    given = parser.parse_args()
    shop = make_shop(now=NOW)
    rows = run(shop, given.workspace / "built-in-shop", EncoderConfig(source=given.encoder))
    table = Table("way", "NDCG@10", "HR@10", "Recall@10", "searches", title="built-in shop")
    for name, (row, found) in rows.items():
        table.add_row(name, f"{row.ndcg:.4f}", f"{row.hit_rate:.4f}", f"{found:.4f}", str(row.count))
    out.print(table)


if __name__ == "__main__":
    main()
