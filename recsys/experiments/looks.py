"""At which moments an experiment is looked at, and what had been seen by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recsys.experiments import always_valid, planned_looks
from recsys.experiments.estimate import Contrast
from recsys.experiments.experiment import HOUR_US, MAX_LOOKS, Experiment


@dataclass(frozen=True)
class Look:
    """One moment."""

    at_us: int
    fraction: float
    """Share of the planned time; 0 where none was planned."""


@dataclass(frozen=True)
class Sequential:
    """What may be said although one has looked before."""

    p_value: float
    low: float
    high: float
    """Interval of the contrast."""


def look_times(experiment: Experiment, first_us: int, now_us: int) -> list[Look]:
    """The looks until now, in time.

    Planned ones lie `look_hours` apart, the last when the window after the last list has passed; a look that
    is not over yet is none. Otherwise they start with the first list and end now, at most `MAX_LOOKS`.
    """
    step = round(experiment.look_hours * HOUR_US)
    start, end = experiment.starts_at_us, experiment.ends_at_us
    if experiment.stopping == "planned" and start is not None and end is not None:
        end += experiment.window_us
        moments = [*range(start + step, end, step), end]
        return [Look(at_us, (at_us - start) / (end - start)) for at_us in moments if at_us <= now_us]
    step = max(step, -(-(now_us - first_us) // MAX_LOOKS))
    return [Look(at_us, 0.0) for at_us in (*range(first_us + step, now_us, step), now_us)]


def sequential(
    experiment: Experiment, looks: Sequence[tuple[Look, Contrast]], alpha: float
) -> Sequential | None:
    """P-value over all looks and the interval at the last; None before the first with data enough.

    `any_time`: the least p-value so far. `planned`: by the spending of alpha over the looks.
    """
    usable = [(look, contrast) for look, contrast in looks if contrast.error > 0.0]
    if not usable:
        return None
    last = usable[-1][1]
    if experiment.stopping == "any_time":
        expected = experiment.expected_lift
        p = min(always_valid.p_value(found.estimate, found.error, expected) for _, found in usable)
        half = always_valid.reach(last.error, expected, alpha)
    else:
        fractions = [look.fraction for look, _ in usable]
        paths = planned_looks.drawn_paths([found for _, found in usable])
        p = planned_looks.p_value(paths, fractions, np.array([found.z for _, found in usable]))
        half = last.reach(float(planned_looks.boundaries(paths, fractions, alpha)[-1]))
    return Sequential(p, last.estimate - half, last.estimate + half)
