"""One place for an item that might be better than it is known to be, with the chance of each candidate.

Thompson sampling with priors learned from the shop's own items (empirical Bayes); a list is drawn from
exactly the probabilities that are logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from recsys.answer_record import Explored
from recsys.rerank.settings import ExploreSettings

DRAWS = 512
LEAST_ITEMS = 10
"""Items that a category needs for a prior of its own."""
STRENGTH = (2.0, 500.0)
"""Impressions that a prior may weigh."""
DEFAULT_RATE = 0.05
"""Click rate taken before anything was shown."""


@dataclass(frozen=True)
class Prior:
    """What is believed of an item that nobody has seen: `Beta(alpha, beta)` over its click rate."""

    alpha: float
    beta: float

    @property
    def rate(self) -> float:
        """Mean click rate."""
        return self.alpha / (self.alpha + self.beta)


DEFAULT_PRIOR = Prior(DEFAULT_RATE * 20.0, (1.0 - DEFAULT_RATE) * 20.0)


@dataclass(frozen=True)
class ItemStatistics:
    """Impressions and clicks by item, and priors by top category learned from them."""

    shown: Mapping[str, float] = field(default_factory=dict)
    clicked: Mapping[str, float] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    """Top category by item."""
    priors: Mapping[str, Prior] = field(default_factory=dict)
    overall: Prior = DEFAULT_PRIOR

    @staticmethod
    def learn(
        shown: Mapping[str, float], clicked: Mapping[str, float], categories: Mapping[str, str]
    ) -> ItemStatistics:
        """Fit the priors: by moments, each category where it has enough items, else all of them."""
        items = sorted(shown)
        overall = fit_prior([(shown[i], clicked.get(i, 0.0)) for i in items]) or DEFAULT_PRIOR
        groups: dict[str, list[tuple[float, float]]] = {}
        for item in items:
            groups.setdefault(categories.get(item, ""), []).append((shown[item], clicked.get(item, 0.0)))
        fitted = {name: fit_prior(rows) for name, rows in groups.items() if len(rows) >= LEAST_ITEMS}
        priors = {name: prior for name, prior in fitted.items() if prior is not None}
        return ItemStatistics(shown, clicked, categories, priors, overall)

    def posterior(self, item_id: str, category: str) -> Prior:
        """What is believed of one item now."""
        prior = self.priors.get(category, self.overall)
        shown = self.shown.get(item_id, 0.0)
        clicked = min(self.clicked.get(item_id, 0.0), shown)
        return Prior(prior.alpha + clicked, prior.beta + shown - clicked)


def fit_prior(rows: Iterable[tuple[float, float]]) -> Prior | None:
    """The Beta that `(impressions, clicks)` of items came from, by moments; None without an impression.

    The spread beyond binomial noise says how much items differ (Kleinman 1973); its weight is kept
    within `STRENGTH` impressions.
    """
    counts = np.array([row for row in rows if row[0] > 0.0], np.float64).reshape(-1, 2)
    if not len(counts):
        return None
    shown, clicked = counts[:, 0], np.minimum(counts[:, 1], counts[:, 0])
    rate = float((clicked.sum() + DEFAULT_RATE) / (shown.sum() + 1.0))
    rate = min(max(rate, 1e-4), 1.0 - 1e-4)
    spread = float((shown * (clicked / shown - rate) ** 2).sum())
    noise = rate * (1.0 - rate)
    excess = (spread - noise * (len(shown) - 1)) / max(
        noise * float(shown.sum() - (shown**2).sum() / shown.sum()) - noise * (len(shown) - 1), 1e-12
    )
    strength = STRENGTH[1] if excess <= 0.0 else 1.0 / min(excess, 1.0) - 1.0
    strength = min(max(strength, STRENGTH[0]), STRENGTH[1])
    return Prior(rate * strength, (1.0 - rate) * strength)


def win_probabilities(beliefs: Sequence[Prior], floor: float, rng: np.random.Generator) -> np.ndarray:
    """Chance of each candidate to be drawn, `[K] float64`, sums to 1 and nowhere below `floor / K`.

    Thompson's chance of having the best rate, estimated by draws, mixed with an equal chance. What is
    returned is what is drawn from, so that the estimate's noise does not touch the logged propensity.
    """
    alpha = np.array([belief.alpha for belief in beliefs])
    beta = np.array([belief.beta for belief in beliefs])
    best = rng.beta(alpha, beta, size=(DRAWS, len(beliefs))).argmax(axis=1)
    wins = np.bincount(best, minlength=len(beliefs)) / DRAWS
    return np.asarray((1.0 - floor) * wins + floor / len(beliefs))


def explore(
    candidates: Sequence[tuple[str, str]],
    statistics: ItemStatistics,
    settings: ExploreSettings,
    position: int,
    rng: np.random.Generator,
) -> Explored | None:
    """Draw one of the candidates, `(item_id, top category)`, for a place; None with fewer than two."""
    if len(candidates) < 2:
        return None
    beliefs = [statistics.posterior(item_id, category) for item_id, category in candidates]
    chances = win_probabilities(beliefs, settings.floor, rng)
    drawn = int(rng.choice(len(candidates), p=chances))
    ids = tuple(item_id for item_id, _ in candidates)
    return Explored(position, ids, tuple(chances.tolist()), ids[drawn])
