"""What follows from an experiment's figures, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.experiments.measure import RATIOS
from recsys.experiments.result import Comparison, Finding, GuardrailResult, SampleRatio, Verdict


def verdict(
    control: str,
    ratio: SampleRatio,
    comparisons: Sequence[Comparison],
    guardrails: Sequence[GuardrailResult],
    alpha: float,
) -> Verdict:
    """The first of these that holds: ratio broken, guardrail breached, too little data, better, none.

    An arm is better when its sequential p-value is at most `alpha`; of several the one with the best lift.
    The control is better when an arm is as clearly worse and none is better.
    """
    if ratio.broken:
        return _plain(Finding.RATIO_BROKEN, f"such numbers of shoppers have a chance of {ratio.p_value:.2g}")
    breached = [one for one in guardrails if one.state == "breached"]
    if breached:
        names = ", ".join(f"{one.measure.value} of {one.arm} beyond {one.max_loss:.1%}" for one in breached)
        return _plain(Finding.GUARDRAIL, f"surely lost: {names}")
    tested = [one for one in comparisons if one.sequential_p_value is not None]
    if not tested:
        return _plain(Finding.NOT_ENOUGH_DATA, "no look so far had shoppers and actions enough in each arm")
    clear = [one for one in tested if (one.sequential_p_value or 0.0) <= alpha]
    if not clear:
        least = min(one.sequential_p_value or 0.0 for one in tested)
        return _plain(Finding.NO_DIFFERENCE, f"the least sequential p-value is {least:.3f}")
    best = max(clear, key=_gain)
    return better(best.arm if _gain(best) > 0.0 else control, _figures(best, control))


def better(arm: str, why: str) -> Verdict:
    """That one arm is better."""
    return Verdict(finding=Finding.BETTER, better=arm, words=f"{arm} {Finding.BETTER.value}", why=why)


def _plain(finding: Finding, why: str) -> Verdict:
    return Verdict(finding=finding, words=finding.value, why=why)


def _gain(found: Comparison) -> float:
    return (found.lift or 0.0) * (1.0 if RATIOS[found.measure].higher_is_better else -1.0)


def _figures(found: Comparison, control: str) -> str:
    return (
        f"{found.measure.value} of {found.arm} is {found.lift or 0.0:+.1%} to {control}, "
        f"sequential p-value {found.sequential_p_value:.3g}"
    )
