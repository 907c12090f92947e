"""How often an experiment without an effect finds one, and how often it finds one that is there.

Each simulated shop has 3,000 shoppers (10,000 where there is an effect) over 14 days: how many lists one
sees is heavy-tailed (Poisson around a log-normal), how readily one clicks differs (Beta) and goes with how
often one comes, purchases are rare and their amounts heavy-tailed. Arms are dealt by `arm_of`. Lists and
what follows are made as arrays, as `attribute` would return them; all after that is the product's own code.

    python -m tests.benchmarks.ab_validity
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from rich.table import Table
from scipy.stats import norm

from recsys.experiments import always_valid, planned_looks
from recsys.experiments.assignment import arm_of
from recsys.experiments.comparing import ALPHA, Seen, contrasts
from recsys.experiments.experiment import Arm, Experiment
from recsys.experiments.looks import look_times
from recsys.experiments.measure import Measure
from recsys.experiments.outcomes import CLICK, PURCHASE, Attributed
from tests.benchmarks.protocol import out

START = datetime(2026, 1, 1, tzinfo=UTC)
START_US = round(START.timestamp() * 1e6)
DAYS, HOUR_US = 14, 3_600_000_000
MEASURES = (Measure.CLICK_THROUGH, Measure.CONVERSION, Measure.REVENUE_PER_USER)
WAYS = ("one look at the end", "ordinary p-value each day", "any_time each day", "planned each day")


@dataclass(frozen=True)
class Found:
    """Whether each way found a difference, and at which look first (0: never)."""

    looks: tuple[int, ...]


def experiment(number: int) -> Experiment:
    """Two halves over the 14 days."""
    return Experiment(
        experiment_id=f"simulation-{number}",
        arms=(Arm(name="A", share=0.5), Arm(name="B", share=0.5)),
        starts_at=START,
        ends_at=START + timedelta(days=DAYS),
        stopping="planned",
    )


def shop(plan: Experiment, units: int, lift: float, rng: np.random.Generator) -> Attributed:
    """Lists and actions of one simulated shop; arm B is clicked more by `lift`."""
    names = tuple(f"user:{number}" for number in range(units))
    arms = [arm_of(plan, name) for name in names]
    arm = np.array([found is plan.arms[1] for found in arms]).astype(np.intp)
    zeal = rng.standard_normal(units)
    lists = rng.poisson(4.0 * np.exp(1.1 * zeal - 0.6))
    appeal = rng.beta(1.5, 10.0, units) * np.exp(0.2 * zeal - 0.02)
    chance = np.minimum(appeal * (1.0 + lift * arm), 0.95)
    unit = np.repeat(np.arange(units), lists)
    first = rng.integers(0, DAYS * 24 * HOUR_US, units)
    at_us = START_US + rng.integers(first[unit], DAYS * 24 * HOUR_US)
    clicked = rng.random(len(unit)) < chance[unit]
    bought = clicked & (rng.random(len(unit)) < 0.2)
    actions, kinds = np.concatenate([unit[clicked], unit[bought]]), (clicked.sum(), bought.sum())
    delays = np.concatenate([rng.exponential(0.1, kinds[0]), rng.exponential(3.0, kinds[1])]) * HOUR_US
    when = np.concatenate([at_us[clicked], at_us[bought]]) + delays.astype(np.int64)
    kind = np.repeat(np.array([CLICK, PURCHASE], np.int8), kinds)
    revenue = np.where(kind == PURCHASE, np.exp(rng.normal(7.0, 1.0, len(kind))), 0.0)
    kept = delays <= plan.window_us
    order = np.argsort(at_us)
    return Attributed(
        names, arm, unit[order], at_us[order], actions[kept], when[kept], kind[kept], revenue[kept]
    )


def judge(plan: Experiment, attributed: Attributed, measure: Measure) -> Found:
    """All ways over the same looks; the last look is the end of the last window."""
    looks = look_times(plan, START_US, START_US + 2 * DAYS * 24 * HOUR_US)
    outcomes = [(look, attributed.until(look.at_us)) for look in looks]
    seen = Seen(plan, outcomes[-1][1], outcomes, len(attributed.units))
    pairs = contrasts(seen, 1, measure)
    places = [looks.index(look) + 1 for look, _ in pairs]
    z = np.array([abs(found.z) for _, found in pairs])
    bar = norm.isf(ALPHA / 2.0)
    paths = planned_looks.drawn_paths([found for _, found in pairs])
    ends = planned_looks.boundaries(paths, [look.fraction for look, _ in pairs], ALPHA)
    chances = [always_valid.p_value(found.estimate, found.error, plan.expected_lift) for _, found in pairs]
    return Found(
        (
            places[-1] if z[-1] >= bar else 0,
            _first(places, z >= bar),
            _first(places, np.array(chances) <= ALPHA),
            _first(places, z >= ends),
        )
    )


def _first(places: Sequence[int], clear: np.ndarray) -> int:
    return places[int(np.argmax(clear))] if clear.any() else 0


def simulate(
    runs: int, units: int, lift: float, measures: Sequence[Measure], seed: int
) -> dict[Measure, np.ndarray]:
    """`[runs, ways] int`: look of the first finding, by measure."""
    found: dict[Measure, list[tuple[int, ...]]] = {measure: [] for measure in measures}
    for run in range(runs):
        plan = experiment(seed * 1_000_000 + run)
        attributed = shop(plan, units, lift, np.random.default_rng([seed, run]))
        for measure in measures:
            found[measure].append(judge(plan, attributed, measure).looks)
    return {measure: np.array(looks) for measure, looks in found.items()}


def row(shops: str, measure: Measure, looks: np.ndarray) -> dict[str, object]:
    """Shares of finds, and the mean day at which one may stop (who finds nothing goes on to the end)."""
    stops = np.where(looks > 0, looks, DAYS + 1).mean(axis=0)
    shares = (looks > 0).mean(axis=0)
    found = {way: round(float(share), 4) for way, share in zip(WAYS, shares, strict=True)}
    days = {way: round(float(stop), 1) for way, stop in zip(WAYS, stops, strict=True)}
    return {"shops": shops, "measure": measure.value, "runs": len(looks), "found": found, "days": days}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--units", type=int, default=3_000, help="shoppers where there is no effect")
    parser.add_argument("--power-units", type=int, default=10_000, help="shoppers where there is one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    rows = [
        row("no effect", measure, looks)
        for measure, looks in simulate(given.runs, given.units, 0.0, MEASURES, given.seed).items()
    ]
    for place, lift in enumerate((0.05, 0.1), 1):
        looks = simulate(given.runs, given.power_units, lift, MEASURES[:1], given.seed + place)
        rows += [row(f"{lift:.0%} more clicks", MEASURES[0], looks[MEASURES[0]])]
    if given.json:
        out.print_json(json.dumps(rows))
        return
    table = Table(
        "shops", "measure", *WAYS, title=f"share of {given.runs:,} shops with a finding (mean days)"
    )
    for one in rows:
        found, days = one["found"], one["days"]
        assert isinstance(found, dict)
        assert isinstance(days, dict)
        table.add_row(
            str(one["shops"]), str(one["measure"]), *(f"{found[w]:.3f} ({days[w]:.1f})" for w in WAYS)
        )
    out.print(table)


if __name__ == "__main__":
    main()
