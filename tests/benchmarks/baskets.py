"""Do learned complements and learned intervals know what goes into the next baskets?

Real times are needed (`grocery`). Everything is learned before the test weeks; settings are chosen on the
weeks before them. Complements: a basket with one item held out, is it among the best 20? Buying again: the
shopper's own items in the order of being due, what of them is bought in the next seven days?

    python -m tests.benchmarks.baskets --data ../shared/data/grocery
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recsys.complements import VISIT_US, Complements
from recsys.habits import DAY_US, LEAST_RETURNS, Habits
from recsys.metrics.bootstrap import paired_difference

TEST_DAYS, WEEK_DAYS = 28, 7
BASKETS, SHOPPERS, PLACES = 3_000, 1_500, 20
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
HALF_LIVES = (14.0, 30.0, 60.0, 90.0)
EARLIEST = (0.05, 0.1, 0.25, 0.6)
Purchase = tuple[str, str, int]
Order = Callable[[Sequence[str]], list[str]]
Score = Callable[[str, Sequence[int]], float]


def read(folder: Path) -> list[Purchase]:
    """Purchases in the order of time."""
    table = pq.read_table(
        folder / "events.parquet", columns=["user_id", "item_id", "event_type", "occurred_at"]
    )
    table = table.filter(pc.equal(table.column("event_type"), "purchase"))
    times = table.column("occurred_at").cast("timestamp[us]").cast("int64").to_pylist()
    rows = zip(table.column("user_id").to_pylist(), table.column("item_id").to_pylist(), times, strict=True)
    return sorted(rows, key=lambda row: row[2])


def baskets(purchases: Sequence[Purchase]) -> list[list[str]]:
    """Baskets of two items and more."""
    found: list[list[str]] = []
    last: dict[str, tuple[int, list[str]]] = {}
    for user, item, at in purchases:
        before = last.get(user)
        own = before[1] if before is not None and at - before[0] < VISIT_US else []
        if not own:
            found.append(own)
        if item not in own:
            own.append(item)
        last[user] = (at, own)
    return [own for own in found if len(own) > 1]


def recall(asked: Sequence[list[str]], order: Order, seed: int) -> np.ndarray:
    """`[B]`: whether the held-out item of each basket is among the best."""
    rng = np.random.default_rng(seed)
    hits = []
    for basket in asked:
        held = basket[int(rng.integers(len(basket)))]
        rest = [item for item in basket if item != held]
        hits.append(float(held in order(rest)[:PLACES]))
    return np.array(hits)


def best_of(found: Complements) -> Order:
    """Items beside a basket."""
    return lambda rest: [item for item, _ in found.beside(rest)]


def show_complements(train: list[Purchase], validation: list[Purchase], test: list[Purchase]) -> None:
    """Chosen on validation, asked once on test."""
    rng = np.random.default_rng(3)

    def drawn(purchases: list[Purchase]) -> list[list[str]]:
        every = baskets(purchases)
        return [every[n] for n in sorted(rng.choice(len(every), min(BASKETS, len(every)), replace=False))]

    asked = drawn(validation)
    values = {p: recall(asked, best_of(Complements.learn(train, p)), 1).mean() for p in POWERS}
    power = max(values, key=lambda p: values[p])
    print("validation recall@20 by power:", {p: round(float(v), 4) for p, v in values.items()})
    known, asked = [*train, *validation], drawn(test)
    popular = [item for item, _ in Counter(item for _, item, _ in known).most_common(200)]
    scores = {
        f"complements, power {power}": recall(asked, best_of(Complements.learn(known, power)), 2),
        "counts of baskets (power 0)": recall(asked, best_of(Complements.learn(known, 0.0)), 2),
        "popular": recall(asked, lambda rest: [item for item in popular if item not in rest], 2),
    }
    first = next(iter(scores))
    print(f"\n{len(asked):,} baskets, one item held out")
    print("\n| method | recall@20 | first less this [95 %] |\n|---|---|---|")
    for name, own in scores.items():
        gap = paired_difference(scores[first], own)
        print(f"| {name} | {own.mean():.4f} | {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}] |")


def ndcg(order: Sequence[str], wanted: set[str]) -> float:
    """NDCG@10 of one shopper."""
    gains = [1.0 / math.log2(place + 2) for place, item in enumerate(order[:10]) if item in wanted]
    ideal = sum(1.0 / math.log2(place + 2) for place in range(min(len(wanted), 10)))
    return sum(gains) / ideal


def histories(purchases: Sequence[Purchase]) -> dict[str, dict[str, list[int]]]:
    """Shopper -> item -> times."""
    found: dict[str, dict[str, list[int]]] = {}
    for user, item, at in purchases:
        found.setdefault(user, {}).setdefault(item, []).append(at)
    return found


def again(known: list[Purchase], later: list[Purchase], half_lives: Sequence[float]) -> dict[str, np.ndarray]:
    """NDCG@10 of each way to order a shopper's own items for the next week."""
    now, past = known[-1][2], histories(known)
    bought: dict[str, set[str]] = {}
    for user, item, at in later:
        if at - now <= WEEK_DAYS * DAY_US and item in past.get(user, {}):
            bought.setdefault(user, set()).add(item)
    habits = Habits.learn(known, {})
    rng = np.random.default_rng(4)
    users = sorted(bought)
    users = [users[n] for n in sorted(rng.choice(len(users), min(SHOPPERS, len(users)), replace=False))]

    def decayed(times: Sequence[int], days: float) -> float:
        return sum(math.exp2(-(now - at) / DAY_US / days) for at in times)

    def comes_back(item: str) -> float:
        habit = habits.of(item)
        return habit.comes_back if habit.returns >= LEAST_RETURNS else 0.0

    def ratio(item: str, times: Sequence[int]) -> float:
        return (now - max(times)) / DAY_US / max(habits.of(item).interval_days, 1e-3)

    ways: dict[str, Score] = {
        "frequency": lambda item, times: float(len(times)),
        "recency": lambda item, times: float(max(times)),
        "nearest to the usual interval": lambda item, times: -abs(math.log(max(ratio(item, times), 1e-6))),
    }
    for days in half_lives:
        ways |= _by_frequency(days, decayed, comes_back, ratio)
    return {
        name: np.array(
            [ndcg(sorted(past[u], key=lambda i: (-score(i, past[u][i]), i)), bought[u]) for u in users]
        )
        for name, score in ways.items()
    }


def _by_frequency(
    days: float,
    decayed: Callable[[Sequence[int], float], float],
    comes_back: Callable[[str], float],
    ratio: Score,
) -> dict[str, Score]:
    """Decayed frequency alone, times the chance of coming back, and only from a share of the interval on."""

    def plain(item: str, times: Sequence[int]) -> float:
        return decayed(times, days)

    def chance(item: str, times: Sequence[int]) -> float:
        return decayed(times, days) * comes_back(item)

    def late(early: float) -> Score:
        return lambda item, times: chance(item, times) if ratio(item, times) >= early else 0.0

    found = {f"frequency, half-life {days:g} d": plain, f"times chance of coming back ({days:g} d)": chance}
    return found | {
        f"the same, from {early:g} of the interval on ({days:g} d)": late(early) for early in EARLIEST
    }


def show_again(train: list[Purchase], validation: list[Purchase], test: list[Purchase]) -> None:
    """The half-life is chosen on validation."""
    tried = again(train, validation, HALF_LIVES)
    plain = {d: tried[f"frequency, half-life {d:g} d"].mean() for d in HALF_LIVES}
    best = max(plain, key=lambda d: plain[d])
    found = again([*train, *validation], test, (best,))
    base = found[f"frequency, half-life {best:g} d"]
    print(f"\n{len(base):,} shoppers, own items for the next week")
    print("\n| order | NDCG@10 | less decayed frequency [95 %] |\n|---|---|---|")
    for name, own in found.items():
        gap = paired_difference(own, base)
        print(f"| {name} | {own.mean():.4f} | {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}] |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    purchases = read(parser.parse_args().data)
    end = purchases[-1][2]
    parts: list[list[Purchase]] = [[], [], []]
    for row in purchases:
        age = (end - row[2]) / DAY_US
        parts[2 if age < TEST_DAYS else 1 if age < 2 * TEST_DAYS else 0].append(row)
    show_complements(*parts)
    show_again(*parts)


if __name__ == "__main__":
    main()
