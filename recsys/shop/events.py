"""Ninety days in the built-in shop: sessions, clicks by taste and by chance, purchases, reviews."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from recsys.schemas import EVENTS
from recsys.shop.catalog import Catalog
from recsys.shop.reviews import review
from recsys.shop.shoppers import Shoppers

DAYS = 90
NOISE_SHARE = 0.25
"""Steps that follow popularity or chance instead of taste."""
COLD_SHARE = 0.06
"""The newest items nobody has met yet."""
STEPS_PER_SESSION = 6


def make_events(
    rng: np.random.Generator, catalog: Catalog, shoppers: Shoppers, now: datetime
) -> tuple[pa.Table, float]:
    """Events (`EVENTS`) in order of time, and the share of steps that were noise."""
    popularity = _popularity(rng, catalog)
    simulation = _Simulation(rng, catalog, now)
    for shopper, user_id in enumerate(shoppers.ids):
        affinity = shoppers.affinity(shopper, catalog)
        simulation.live(user_id, affinity, popularity, int(shoppers.activity[shopper]))
    rows = sorted(simulation.rows, key=lambda row: (row["occurred_at"], row["user_id"]))
    for number, row in enumerate(rows):
        row["event_id"] = f"e-{number:06d}"
    return pa.Table.from_pylist(rows, schema=EVENTS), simulation.noise_share


def _popularity(rng: np.random.Generator, catalog: Catalog) -> np.ndarray:
    """How often chance shows each item, `[N]`: Zipf-like, unrelated to taste, 0 for cold items."""
    num_items = catalog.items.num_rows
    weight = 1.0 / (1.0 + rng.permutation(num_items)) ** 0.7
    weight[num_items - int(COLD_SHARE * num_items) :] = 0.0
    return np.asarray(weight / weight.sum())


class _Simulation:
    def __init__(self, rng: np.random.Generator, catalog: Catalog, now: datetime) -> None:
        self._rng, self._now = rng, now
        self._ids = catalog.items.column("item_id").to_pylist()
        self._titles = catalog.items.column("title").to_pylist()
        self._steps = self._noise = 0
        self.rows: list[dict[str, Any]] = []

    @property
    def noise_share(self) -> float:
        return self._noise / max(1, self._steps)

    def live(self, user_id: str, affinity: np.ndarray, popularity: np.ndarray, num_events: int) -> None:
        """All sessions of one shopper."""
        taste = affinity**2 * (popularity > 0) * np.sqrt(popularity)
        by_taste = taste / taste.sum() if taste.sum() > 0 else popularity
        written, session = 0, 0
        while written < num_events:
            start = self._now - timedelta(days=float(self._rng.random()) * DAYS, hours=1)
            session_id, session = f"{user_id}-s{session}", session + 1
            for step in range(int(self._rng.integers(2, 2 * STEPS_PER_SESSION))):
                if written >= num_events:
                    break
                at = start + timedelta(minutes=1.5 * step)
                written += self._step(user_id, session_id, at, affinity, by_taste, popularity)

    def _step(
        self,
        user_id: str,
        session_id: str,
        at: datetime,
        affinity: np.ndarray,
        by_taste: np.ndarray,
        popularity: np.ndarray,
    ) -> int:
        noisy = bool(self._rng.random() < NOISE_SHARE)
        item = int(self._rng.choice(len(self._ids), p=popularity if noisy else by_taste))
        self._steps, self._noise = self._steps + 1, self._noise + noisy
        liking = float(affinity[item])
        before = len(self.rows)
        for number, (kind, value, text) in enumerate(self._acts(item, liking)):
            self.rows.append(
                {
                    "event_id": "",
                    "user_id": user_id,
                    "visitor_id": None,
                    "session_id": session_id,
                    "item_id": self._ids[item],
                    "event_type": kind,
                    "value": value,
                    "review_text": text,
                    "recommendation_id": None,
                    "position": None,
                    "occurred_at": at + timedelta(seconds=12 * number),
                    "received_at": at + timedelta(seconds=12 * number + 1),
                }
            )
        return len(self.rows) - before

    def _acts(self, item: int, liking: float) -> list[tuple[str, float | None, str | None]]:
        """What the shopper does on the item's page; the more it is liked, the further it goes."""
        acts: list[tuple[str, float | None, str | None]] = [("view", None, None)]
        if self._rng.random() < 0.25 + 0.5 * liking:
            acts.append(("click", None, None))
        if liking < 0.15 and self._rng.random() < 0.06:
            acts.append(("dismiss", None, None))
        if self._rng.random() < 0.08 * liking:
            acts.append(("like", None, None))
        if self._rng.random() < 0.05 + 0.35 * liking:
            acts.append(("add_to_cart", None, None))
            if self._rng.random() < 0.35 + 0.4 * liking:
                acts += [("purchase", 1.0, None), *self._opinion(item, liking)]
        return acts

    def _opinion(self, item: int, liking: float) -> list[tuple[str, float | None, str | None]]:
        if self._rng.random() > 0.4:
            return []
        stars = int(np.clip(round(1.6 + 3.4 * liking + self._rng.normal(0, 0.7)), 1, 5))
        if self._rng.random() < 0.5:
            return [("rating", float(stars), None)]
        return [("review", float(stars), review(self._rng, self._titles[item], stars))]
