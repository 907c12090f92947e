"""From a log and settings to signals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from recsys.blend.settings import SignalSettings
from recsys.blend.signals import Signals, modelled_items, repeat_chances, standard_popularity
from recsys.blend.soft_links import lent, soft_links
from recsys.blend.whitening import Whitening
from recsys.channels.fusion import fuse, turned_blocks
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.interaction_log import InteractionLog
from recsys.item_item import Evidence, Regression, TextRegression, cosine_neighbours, prune, transitions
from recsys.item_item.regression import mean_users
from recsys.robustness.caps import capped


def make_signals(data: Dataset, settings: SignalSettings, config: FitConfig) -> Signals:
    """All signals of a shop with given settings, from what `config.caps` lets each user say."""
    data = replace(data, log=capped(data.log, config.caps))
    vectors = item_vectors(data, settings)
    return Signals(
        settings,
        vectors,
        with_soft_links(
            _behaviour(data.log, vectors, settings, config),
            data.log,
            vectors,
            data.categories,
            settings,
            config,
        ),
        transition_matrix(data.log, settings, config),
        repeat_chances(data.log, data.categories),
        standard_popularity(data.log, settings.popularity_half_life_days),
    )


def item_vectors(data: Dataset, settings: SignalSettings) -> np.ndarray:
    """`[N, D] float32`: turned texts, with what channels say of the items beside them."""
    text = Whitening.fit(data.vectors, settings.whitening).apply(data.vectors)
    blocks = turned_blocks(data.channels, settings.channels, len(text))
    return fuse(text, blocks, settings.channels, data.categories)


def _behaviour(
    log: InteractionLog, vectors: np.ndarray, settings: SignalSettings, config: FitConfig
) -> sp.csr_matrix:
    warm = modelled_items(log, config.max_direct_items)
    share = settings.order_share if settings.model == "regression" else 0.0
    evidence = Evidence.of(log, warm, share, settings.evidence_half_life_days, settings.min_users)
    if settings.model == "cosine":
        kept = prune(cosine_neighbours(evidence.gram, settings.shrinkage), config.num_neighbours)
    else:
        texts = TextRegression.solve(vectors[warm])
        regression = Regression.solve(evidence, settings.ridge * mean_users(evidence.gram))
        kept = regression.neighbours(config.num_neighbours, texts, settings.pull)
    return lifted(spread(kept, warm, log.num_items), log, settings.cold_lift)


def with_soft_links(
    matrix: sp.csr_matrix,
    log: InteractionLog,
    vectors: np.ndarray,
    categories: Sequence[str | None],
    settings: SignalSettings,
    config: FitConfig,
) -> sp.csr_matrix:
    """Behaviour in which items without events borrow from their nearest known ones, as far as set."""
    if settings.soft_share == 0.0:
        return matrix
    events = np.bincount(log.items[log.weights > 0], minlength=log.num_items)
    links = soft_links(vectors, categories, events, settings.soft_confidence)
    return prune(lent(matrix, links, settings.soft_share), config.num_neighbours)


def lifted(matrix: sp.csr_matrix, log: InteractionLog, lift: float) -> sp.csr_matrix:
    """What speaks for an item with `n` positive events, times `1 + lift / (1 + n)`.

    Evidence from texts alone is shorter than that from texts and events together, so that without a
    lift new items stand behind items that suit the user less.
    """
    if lift == 0.0:
        return matrix
    events = np.bincount(log.items[log.weights > 0], minlength=log.num_items)
    return sp.csr_matrix(matrix @ sp.diags(1.0 + lift / (1.0 + events)), dtype=np.float32)


def spread(matrix: sp.csr_matrix, places: np.ndarray, num_items: int) -> sp.csr_matrix:
    """A matrix over some items as one over all, `[num_items, num_items]`."""
    pairs = matrix.tocoo()
    data = (pairs.data, (places[pairs.row], places[pairs.col]))
    return sp.csr_matrix(data, shape=(num_items, num_items))


def transition_matrix(log: InteractionLog, settings: SignalSettings, config: FitConfig) -> sp.csr_matrix:
    """Pruned transitions, scaled so that factors stay comparable across shops."""
    window, power = settings.transition_window, settings.transition_power
    steps = transitions(log, window, 0.5, power, settings.min_users)
    return prune(_unit_deviation(steps), config.num_neighbours)


def _unit_deviation(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """Scaled so that the root mean square of its entries is 1."""
    size = float(np.sqrt(np.square(matrix.data).mean())) if matrix.nnz else 1.0
    return (matrix / (size or 1.0)).tocsr()
