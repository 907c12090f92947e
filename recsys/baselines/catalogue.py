"""Every baseline with the settings that are tried for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import bm25_weight
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from threadpoolctl import threadpool_limits

from recsys.baselines.scorers import Constant, Factors, Neighbours, OwnItems, Standardised, Vectors
from recsys.blend.making import spread
from recsys.blend.signals import modelled_items, recent_popularity
from recsys.blend.whitening import Whitening
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import Scorer
from recsys.interaction_log import HALF_LIVES_DAYS, InteractionLog
from recsys.item_item import (
    Evidence,
    Regression,
    cooccurrence,
    cosine_neighbours,
    lift_neighbours,
    prune,
    transitions,
)
from recsys.item_item.cooccurrence import user_items
from recsys.item_item.regression import mean_users
from recsys.words import words_of

Params = dict[str, Any]
DECAYS = (0.5, 0.7, 0.9, 1.0)
TEXT_NEIGHBOURS = 200
LARGE_CATALOG, MIN_SUPPORT = 20_000, 2


@dataclass(frozen=True, eq=False)
class Shop:
    """What baselines are fitted on."""

    data: Dataset
    config: FitConfig

    @property
    def log(self) -> InteractionLog:
        """The events."""
        return self.data.log

    @cached_property
    def counts(self) -> sp.csr_matrix:
        """`[N, N]` users of both items; in large catalogs only where there are two at least."""
        counts = cooccurrence(self.log)
        if self.log.num_items > LARGE_CATALOG:
            counts.data[counts.data < MIN_SUPPORT] = 0.0
            counts.eliminate_zeros()
        return counts


@dataclass(frozen=True)
class Baseline:
    """A method with its grid; `fit` gives fitted scorers, those that share work together."""

    name: str
    grid: tuple[Params, ...]
    fit: Callable[[Shop, Sequence[Params]], Iterator[tuple[Params, Scorer]]]
    repeats_only: bool = False
    """Whether it can only list what the user has acted on."""
    finds_cold: bool = False
    """Whether it can list items without events."""


def baselines(config: FitConfig) -> tuple[Baseline, ...]:
    """All baselines; the same number of settings at the most is tried for each."""

    def one(
        name: str, fit: Any, *, repeats_only: bool = False, finds_cold: bool = False, **values: Any
    ) -> Baseline:
        return Baseline(name, _grid(config, **values), fit, repeats_only, finds_cold)

    return (
        one("popular", _popular),
        one("recent-popular", _recent, half_life_days=(1.0, 3.0, 7.0, 14.0, 30.0, 90.0)),
        one("item-knn", _item_knn, shrinkage=(0.0, 5.0, 20.0), decay=DECAYS),
        one("co-visitation", _co_visitation, power=(0.0, 0.5, 1.0), decay=DECAYS),
        one("transitions", _next, window=(1, 3), power=(0.0, 0.3), decay=(0.3, 0.5, 0.8)),
        one("ease", _ease, ridge=(8.0, 2.5, 25.0), decay=DECAYS),
        one("als", _als, factors=(64, 128), alpha=(1.0, 10.0), decay=(0.9, 1.0)),
        one("bm25", _bm25, b=(0.0, 0.75), decay=(0.3, 0.5, 0.7, 0.9), finds_cold=True),
        one("plain text", _plain, decay=(1.0,), finds_cold=True),
        one("whitened text", _whitened, decay=(0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), finds_cold=True),
        one("hand-made blend", _blend, text=(0.5, 1.0), transitions=(0.3, 0.6, 1.0), popularity=(0.0, 0.1)),
        one("own items", _own, half_life_days=HALF_LIVES_DAYS, repeats_only=True),
    )


def _grid(config: FitConfig, **values: tuple[Any, ...]) -> tuple[Params, ...]:
    every = [dict(zip(values, row, strict=True)) for row in product(*values.values())]
    return tuple(every[: config.baseline_trials])


def _popular(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    for params in grid:
        yield params, Constant(np.bincount(shop.log.items, shop.log.weights > 0, shop.log.num_items))


def _recent(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    for params in grid:
        yield params, Constant(recent_popularity(shop.log, params["half_life_days"]))


def _item_knn(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    for shrinkage, rows in _grouped(grid, "shrinkage"):
        weights = prune(cosine_neighbours(shop.counts, shrinkage), shop.config.num_neighbours)
        for params in rows:
            yield params, Neighbours(weights, params["decay"])


def _co_visitation(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    for power, rows in _grouped(grid, "power"):
        weights = prune(lift_neighbours(shop.counts, power), shop.config.num_neighbours)
        for params in rows:
            yield params, Neighbours(weights, params["decay"])


def _next(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    for params in grid:
        yield (
            params,
            Neighbours(transitions(shop.log, params["window"], 0.5, params["power"]), params["decay"]),
        )


def _ease(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    warm = modelled_items(shop.log, shop.config.max_direct_items)
    evidence = Evidence.of(shop.log, warm, 0.0)
    for multiple, rows in _grouped(grid, "ridge"):
        regression = Regression.solve(evidence, multiple * mean_users(evidence.gram))
        kept = regression.neighbours(max(shop.config.num_neighbours, 500))
        weights = spread(kept, warm, shop.log.num_items)
        for params in rows:
            yield params, Neighbours(weights, params["decay"])


def _als(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    done: dict[tuple[int, float], np.ndarray] = {}
    for params in grid:
        key = params["factors"], params["alpha"]
        if key not in done:
            done[key] = _als_items(user_items(shop.log), *key, shop.config.seed)
        yield params, Factors(done[key], 0.05, params["alpha"], params["decay"])


def _als_items(matrix: sp.csr_matrix, factors: int, alpha: float, seed: int) -> np.ndarray:
    with threadpool_limits(1, "blas"):  # implicit has threads of its own; BLAS threads inside them thrash
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=0.05,
            alpha=alpha,
            iterations=15,
            random_state=seed,
            use_gpu=False,
        )
        model.fit(csr_matrix(matrix), show_progress=False)
    return np.asarray(model.item_factors, np.float32)


def _bm25(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    words = CountVectorizer(analyzer=words_of, max_features=50_000, dtype=np.float32).fit_transform(
        shop.data.texts
    )
    _, first, which = np.unique(np.array(shop.data.texts), return_index=True, return_inverse=True)
    asked = (words[first] > 0).astype(np.float32)  # items with the same text ask the same
    for b, rows in _grouped(grid, "b"):
        weighted = bm25_weight(words, K1=1.2, B=b).tocsr().astype(np.float32)
        neighbours = _text_neighbours(weighted, asked)[which]
        for params in rows:
            yield params, Neighbours(neighbours, params["decay"])


def _text_neighbours(
    documents: sp.csr_matrix, queries: sp.csr_matrix, rows_at_once: int = 512
) -> sp.csr_matrix:
    """BM25 of each query against all items, its best `TEXT_NEIGHBOURS` kept."""
    parts = []
    for start in range(0, queries.shape[0], rows_at_once):
        scores = (queries[start : start + rows_at_once] @ documents.T).toarray()
        parts.append(prune(np.ascontiguousarray(scores.T), TEXT_NEIGHBOURS).T.tocsr())
    return sp.vstack(parts, format="csr")


def _plain(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    for params in grid:
        yield params, Vectors(shop.data.vectors, params["decay"])


def _whitened(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    turned = Whitening.fit(shop.data.vectors, "whitened").apply(shop.data.vectors)
    for params in grid:
        yield params, Vectors(turned, params["decay"])


def _blend(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    """What a careful team writes in a week: four signals, each z-scored over the catalog, added up."""
    _, regression = next(_ease(shop, [{"ridge": 8.0, "decay": 0.9}]))
    _, texts = next(_whitened(shop, [{"decay": 0.5}]))
    _, steps = next(_next(shop, [{"window": 3, "power": 0.0, "decay": 0.5}]))
    liked = shop.log.items[shop.log.weights > 0]
    popular = Constant(np.log1p(np.bincount(liked, minlength=shop.log.num_items)))
    for params in grid:
        factors = (1.0, params["text"], params["transitions"], params["popularity"])
        yield params, Standardised((regression, texts, steps, popular), factors)


def _own(shop: Shop, grid: Sequence[Params]) -> Iterator[tuple[Params, Scorer]]:
    for params in grid:
        yield params, OwnItems(params["half_life_days"])


def _grouped(grid: Sequence[Params], name: str) -> Iterator[tuple[Any, list[Params]]]:
    for value in dict.fromkeys(params[name] for params in grid):
        yield value, [params for params in grid if params[name] == value]
