"""Which of two arms shoppers click on where a list mixes both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, norm

from recsys.experiments.attribution import counted, join
from recsys.experiments.estimate import MIN_ACTIVE, MIN_UNITS, Contrast
from recsys.experiments.experiment import INTERLEAVED, Experiment
from recsys.experiments.exposure import Exposure
from recsys.experiments.looks import Sequential, look_times, sequential
from recsys.experiments.result import Finding, InterleavingResults, Interval, Verdict
from recsys.experiments.verdict import better
from recsys.history import Response

ALPHA = 0.05


@dataclass(frozen=True)
class Credits:
    """Clicks on drafted items, in time: `E` lists of `U` shoppers, `C` clicks."""

    unit: np.ndarray
    """`[E] intp`."""
    shown_at_us: np.ndarray
    """`[E] int64`."""
    exposure: np.ndarray
    """`[C] intp`, the clicked list."""
    at_us: np.ndarray
    """`[C] int64`."""
    team: np.ndarray
    """`[C] intp`, 0 or 1."""

    def won(self, at_us: int) -> np.ndarray:
        """`[U, 2] float64`: lists of each shopper that each team had won by then; a tie is nobody's."""
        known = self.at_us <= at_us
        sign = np.where(self.team[known] == 1, 1.0, -1.0)
        lead = np.bincount(self.exposure[known], sign, len(self.unit))
        count = int(self.unit.max()) + 1 if len(self.unit) else 0
        sides = [np.bincount(self.unit[side], minlength=count) for side in (lead < 0.0, lead > 0.0)]
        return np.stack(sides, axis=1).astype(np.float64)


def preference(
    experiment: Experiment, exposures: Iterable[Exposure], events: Iterable[Response], now_us: int
) -> InterleavingResults:
    """The result of an experiment that interleaves; credit goes to the team of each clicked item.

    A list is won by the team with more clicks, a shopper by the team that won more lists. Items that belong
    to no team credit nobody.
    """
    shown = counted(experiment, exposures, {INTERLEAVED})
    found = _credits(experiment, shown, events)
    won = found.won(now_us)
    first_us = int(found.shown_at_us[0]) if len(shown) else now_us + 1
    looks = look_times(experiment, first_us, now_us) if first_us <= now_us else []
    paired = [(look, contrast) for look in looks if (contrast := _preference(found.won(look.at_us)))]
    often = sequential(experiment, paired, ALPHA)
    first, second = (arm.name for arm in experiment.arms)
    plain = InterleavingResults(
        experiment_id=experiment.experiment_id,
        at_us=now_us,
        arms=(first, second),
        stopping=experiment.stopping,
        looks=len(looks),
        units=len(np.unique(found.unit[found.shown_at_us <= now_us])),
        lists=int((found.shown_at_us <= now_us).sum()),
        lists_won=(int(won[:, 0].sum()), int(won[:, 1].sum())),
        units_won=(int((won[:, 0] > won[:, 1]).sum()), int((won[:, 1] > won[:, 0]).sum())),
        units_tied=int((won[:, 0] == won[:, 1]).sum()),
        verdict=_verdict((first, second), often),
    )
    return plain.model_copy(update=_figures(plain, _preference(won), often))


def _credits(experiment: Experiment, shown: Sequence[Exposure], events: Iterable[Response]) -> Credits:
    numbers: dict[str, int] = {}
    unit = np.array([numbers.setdefault(one.unit, len(numbers)) for one in shown], np.intp)
    sides = {arm.name: place for place, arm in enumerate(experiment.arms)}
    joined = join(experiment, shown, [event for event in events if event.event_type == "click"])
    teams = [
        sides.get(shown[place].teams.get(event.item_id, ""), -1)
        for place, event in zip(joined.exposure, joined.events, strict=True)
    ]
    team = np.array(teams, np.intp)
    drafted = team >= 0
    at_us = np.array([one.at_us for one in shown], np.int64)
    return Credits(unit, at_us, joined.exposure[drafted], joined.at_us[drafted], team[drafted])


def _preference(won: np.ndarray) -> Contrast | None:
    """Won less lost lists of the second team per decided list, with its noise over shoppers."""
    decided, net = won.sum(axis=1), won[:, 1] - won[:, 0]
    if len(won) < MIN_UNITS or np.count_nonzero(decided) < MIN_ACTIVE:
        return None
    value = float(net.sum() / decided.sum())
    return Contrast(value, (net - value * decided) / decided.sum())


def _figures(plain: InterleavingResults, now: Contrast | None, often: Sequential | None) -> dict[str, object]:
    clear = sum(plain.units_won)
    figures: dict[str, object] = {}
    if clear:
        figures["p_value"] = float(binomtest(plain.units_won[1], clear).pvalue)
    if now is not None:
        half = now.reach(float(norm.isf(ALPHA / 2.0)))
        figures["preference"] = now.estimate
        figures["preference_interval"] = _within(now.estimate - half, now.estimate + half)
    if often is not None:
        figures["sequential_p_value"] = often.p_value
        figures["sequential_interval"] = _within(often.low, often.high)
    return figures


def _within(low: float, high: float) -> Interval:
    return Interval(low=max(low, -1.0), high=min(high, 1.0))


def _verdict(arms: tuple[str, str], often: Sequential | None) -> Verdict:
    if often is None:
        finding, why = Finding.NOT_ENOUGH_DATA, "no look so far had shoppers and clicks enough"
        return Verdict(finding=finding, words=finding.value, why=why)
    why = f"sequential p-value {often.p_value:.3g}"
    if often.p_value <= ALPHA:
        return better(arms[1] if often.low + often.high > 0.0 else arms[0], why)
    return Verdict(finding=Finding.NO_DIFFERENCE, words=Finding.NO_DIFFERENCE.value, why=why)
