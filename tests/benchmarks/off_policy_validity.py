"""Do off-policy intervals hold on the built-in shop, whose truth is known?

Shoppers see one place of chance among 12 candidates; they click by true liking. Three other policies are
judged from the log alone, and compared with their exact values over all shoppers.

    python -m tests.benchmarks.off_policy_validity [--runs 100] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from recsys.off_policy import DecisionLog, dr, greedy, ips, snips, softmax, uniform
from recsys.off_policy.reward_model import cross_fitted
from recsys.simulator import make_population

CANDIDATES, PER_SHOPPER, DRAWN = 12, 5, 1_500
CLICK_RATE, POSITION = 0.7, 5.0**-0.7


@dataclass(frozen=True)
class World:
    """Every shopper's decisions with the exact chance of a click for each candidate."""

    items: np.ndarray
    """`[U, V, C]` columns."""
    clicks: np.ndarray
    """`[U, V, C]` chances."""
    logged: np.ndarray
    """`[U, V, C]` chances of the logging policy."""
    features: np.ndarray
    """`[U, V, C, 2]`: popularity, and a noisy guess at the shopper's liking."""


def make_world(seed: int = 11) -> World:
    """A thousand shoppers with five decisions each."""
    rng = np.random.default_rng(seed)
    population = make_population(seed, 600, 1_000, datetime(2026, 3, 1, tzinfo=UTC))
    users = len(population.user_ids)
    taste = population.liking + 0.02
    shape = (users, PER_SHOPPER, CANDIDATES)
    items = np.empty(shape, np.int64)
    for user in range(users):
        chance = taste[user] / taste[user].sum()
        for visit in range(PER_SHOPPER):
            items[user, visit] = rng.choice(len(chance), CANDIDATES, replace=False, p=chance)
    liking = np.take_along_axis(population.liking[:, None, :].repeat(PER_SHOPPER, 1), items, 2)
    guess = liking + rng.normal(0.0, 0.25, shape)
    popularity = np.log(population.popularity)[items]
    wins = np.exp(2.0 * guess)
    logged = 0.8 * wins / wins.sum(-1, keepdims=True) + 0.2 / CANDIDATES
    return World(items, POSITION * CLICK_RATE * liking, logged, np.stack([popularity, guess], axis=-1))


def draw(world: World, seed: int) -> DecisionLog:
    """Shoppers drawn with replacement, choices as logged, clicks by chance."""
    rng = np.random.default_rng([seed, 5])
    users = rng.integers(len(world.items), size=DRAWN)
    chances = world.logged[users].reshape(-1, CANDIDATES)
    places = (chances.cumsum(axis=1) > rng.random(len(chances))[:, None]).argmax(axis=1)
    offsets = np.arange(len(chances) + 1) * CANDIDATES
    clicked = world.clicks[users].reshape(-1, CANDIDATES)[np.arange(len(chances)), places]
    return DecisionLog(
        np.repeat(np.arange(DRAWN), PER_SHOPPER),
        offsets,
        world.items[users].ravel().astype(str).astype(object),
        chances.ravel(),
        offsets[:-1] + places,
        (rng.random(len(chances)) < clicked).astype(np.float64),
        world.features[users].reshape(-1, 2),
    )


def targets(log: DecisionLog) -> dict[str, np.ndarray]:
    """Three policies by what they may know: nothing, popularity, a guess at the liking."""
    assert log.features is not None
    return {
        "uniform": uniform(log),
        "by popularity (softmax)": softmax(log, log.features[:, 0], 1.0),
        "by guessed liking (greedy, 10 % any)": greedy(log, log.features[:, 1], 0.1),
    }


def truth(world: World) -> dict[str, float]:
    """Exact values over all shoppers."""
    users = len(world.items)
    offsets = np.arange(users * PER_SHOPPER + 1) * CANDIDATES
    whole = DecisionLog(
        np.repeat(np.arange(users), PER_SHOPPER), offsets, world.items.ravel().astype(object),
        world.logged.ravel(), offsets[:-1], np.zeros(users * PER_SHOPPER), world.features.reshape(-1, 2),
    )  # fmt: skip
    return {
        name: float((chances * world.clicks.ravel()).sum() / len(whole))
        for name, chances in targets(whole).items()
    }


def measure(runs: int) -> dict[str, dict[str, dict[str, float]]]:
    """Coverage, bias, error and width of each policy and estimator over seeded runs."""
    world = make_world()
    exact = truth(world)
    found: dict[str, dict[str, list[tuple[float, float, float]]]] = {}
    for seed in range(runs):
        log = draw(world, seed)
        rewards = cross_fitted(log, seed)
        for name, target in targets(log).items():
            for estimator, one in (
                ("ips", ips(log, target)),
                ("snips", snips(log, target)),
                ("dr", dr(log, target, rewards)),
            ):
                found.setdefault(name, {}).setdefault(estimator, []).append((one.value, one.low, one.high))
    return {
        name: {estimator: _summary(np.array(rows), exact[name]) for estimator, rows in by_estimator.items()}
        for name, by_estimator in found.items()
    }


def _summary(rows: np.ndarray, exact: float) -> dict[str, float]:
    value, low, high = rows.T
    return {
        "truth": exact,
        "covered": int(((low <= exact) & (exact <= high)).sum()),
        "runs": len(rows),
        "bias": float(value.mean() - exact),
        "rmse": float(np.sqrt(((value - exact) ** 2).mean())),
        "width": float((high - low).mean()),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.runs)
    if asked.json:
        json.dump(found, sys.stdout, indent=1)
        return
    print(f"{DRAWN:,} shoppers with {PER_SHOPPER} decisions of {CANDIDATES} candidates a run")
    print("| policy | true value | estimator | covered | bias | RMSE | width of interval |")
    print("|---|---|---|---|---|---|---|")
    for name, by_estimator in found.items():
        for estimator, one in by_estimator.items():
            print(
                f"| {name} | {one['truth']:.4f} | {estimator} | {one['covered']} of {one['runs']} "
                f"| {one['bias']:+.5f} | {one['rmse']:.5f} | {one['width']:.5f} |"
            )


if __name__ == "__main__":
    main()
