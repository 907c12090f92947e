"""Experiments and outcomes that tests of experiments share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from recsys.experiments.experiment import HOUR_US, Arm, Experiment, State
from recsys.experiments.outcomes import CLICK, PURCHASE, Attributed

START = datetime(2026, 3, 1, tzinfo=UTC)
START_US = round(START.timestamp() * 1e6)
DAY_US = 24 * HOUR_US


def experiment(**changes: Any) -> Experiment:
    """Two halves, running."""
    given: dict[str, Any] = {
        "experiment_id": "colours",
        "arms": (Arm(name="A", share=0.5), Arm(name="B", share=0.5, overrides={"lists.diversity": 0.4})),
        "state": State.RUNNING,
        "starts_at": START,
        "ends_at": START + timedelta(days=7),
    }
    return Experiment(**(given | changes))


def outcomes(seed: int, units: int = 1_000, lift: float = 0.0, days: int = 7) -> Attributed:
    """Clicks and purchases of shoppers with very different numbers of lists; more clicks in arm 1."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, units)
    lists = 1 + rng.poisson(np.exp(rng.normal(0.5, 1.0, units)))
    chance = np.minimum(rng.beta(2.0, 10.0, units) * (1.0 + lift * arm), 1.0)
    unit = np.repeat(np.arange(units), lists)
    at_us = START_US + rng.integers(0, days * DAY_US, len(unit))
    clicked = np.flatnonzero(rng.random(len(unit)) < chance[unit])
    bought = clicked[rng.random(len(clicked)) < 0.3]
    actions = np.concatenate([clicked, bought])
    kind = np.repeat(np.array([CLICK, PURCHASE], np.int8), [len(clicked), len(bought)])
    revenue = np.where(kind == PURCHASE, np.exp(rng.normal(3.0, 1.0, len(kind))), 0.0)
    order = np.argsort(at_us)
    names = tuple(f"user:{number}" for number in range(units))
    return Attributed(
        names, arm, unit[order], at_us[order], unit[actions], at_us[actions] + HOUR_US, kind, revenue
    )
