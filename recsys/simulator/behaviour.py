"""What a shopper does with a list: examination by position, clicks and purchases by liking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from recsys.config import Config, Share
from recsys.simulator.population import Population


class BehaviourConfig(Config):
    """How shoppers look, click and buy."""

    position_power: float = Field(default=0.7, ge=0.0)
    """A place is examined with probability `1 / place ** position_power`."""
    click_rate: Share = 0.7
    """Chance that an examined item is clicked, times its liking."""
    cart_rate: Share = 0.6
    """Chance that a clicked item goes into the cart, times its liking."""
    buy_rate: Share = 0.8
    """Chance that an item in the cart is bought, times its liking."""
    organic_share: Share = 0.6
    """Visits in which the shopper also meets an item outside of the list."""
    organic_taste: Share = 0.7
    """Of these, by own taste; the others are met by popularity."""


@dataclass(frozen=True)
class Act:
    """One event of a shopper."""

    item_id: str
    event_type: str
    position: int | None
    """Place in the list, from 1; None outside of it."""


@dataclass(frozen=True)
class Session:
    """One visit: what was done with the list, and beside it."""

    acts: tuple[Act, ...]

    def count(self, event_type: str) -> int:
        """Events of a type that the list caused."""
        return sum(act.event_type == event_type and act.position is not None for act in self.acts)


def act(
    population: Population,
    user: int,
    item_ids: Sequence[str],
    bought: frozenset[str] | set[str],
    config: BehaviourConfig,
    rng: np.random.Generator,
) -> Session:
    """A shopper's visit with a list; nothing that was `bought` before is bought again.

    The same generator state and list give the same visit. An empty list leaves the organic part.
    """
    acts: list[Act] = []
    likings = population.likings(user, item_ids)
    for place, (item_id, liking) in enumerate(zip(item_ids, likings.tolist(), strict=True), 1):
        acts.append(Act(item_id, "impression", place))
        draws = rng.random(4)  # always as many, so that one place does not shift the next one's luck
        if draws[0] >= examined(place, config) or draws[1] >= config.click_rate * liking:
            continue
        acts += [Act(item_id, name, place) for name in _after_click(item_id, liking, bought, config, draws)]
    if rng.random() < config.organic_share:
        acts += _organic(population, user, bought, config, rng)
    return Session(tuple(acts))


def examined(place: int, config: BehaviourConfig) -> float:
    """Chance that a place (from 1) is looked at."""
    return float(place**-config.position_power)


def expected(likings: np.ndarray, config: BehaviourConfig) -> tuple[float, float]:
    """Expected clicks and purchases of a list of items not bought before, in closed form."""
    looked = np.arange(1, len(likings) + 1, dtype=np.float64) ** -config.position_power
    clicks = looked * config.click_rate * likings
    purchases = clicks * (config.cart_rate * likings) * (config.buy_rate * likings)
    return float(clicks.sum()), float(purchases.sum())


def _after_click(
    item_id: str,
    liking: float,
    bought: frozenset[str] | set[str],
    config: BehaviourConfig,
    draws: np.ndarray,
) -> list[str]:
    names = ["click"]
    if item_id not in bought and draws[2] < config.cart_rate * liking:
        names.append("add_to_cart")
        if draws[3] < config.buy_rate * liking:
            names.append("purchase")
    return names


def _organic(
    population: Population,
    user: int,
    bought: frozenset[str] | set[str],
    config: BehaviourConfig,
    rng: np.random.Generator,
) -> list[Act]:
    chance = population.popularity
    if rng.random() < config.organic_taste:
        taste = population.liking[user] ** 2
        chance = taste / taste.sum() if taste.sum() > 0.0 else chance
    column = int(rng.choice(len(chance), p=chance))
    item_id = population.item_ids[column]
    names = ["view"]
    liking = float(population.liking[user, column])
    if rng.random() < config.click_rate * liking:
        names += _after_click(item_id, liking, bought, config, rng.random(4))
    return [Act(item_id, name, None) for name in names]
