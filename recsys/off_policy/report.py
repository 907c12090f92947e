"""Policies side by side, or a refusal where the log cannot tell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field, PositiveFloat

from recsys.config import Config, Share
from recsys.off_policy.decisions import DecisionLog
from recsys.off_policy.estimates import Estimate, direct_method, dr, ips, snips
from recsys.off_policy.reward_model import cross_fitted
from recsys.off_policy.targets import check_target


class OffPolicyConfig(Config):
    """When a log may speak for a policy."""

    least_effective: PositiveFloat = 200.0
    """Effective decisions below which nothing is said."""
    most_share: Share = 0.05
    """Of all weight in one decision, above which nothing is said."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0)
    """Of the intervals."""
    seed: int = 0
    """Of the division into folds."""


class PolicyValue(Config):
    """One policy by one estimator."""

    value: float
    interval: tuple[float, float]


class PolicyReport(Config):
    """One policy."""

    refused: tuple[str, ...] = ()
    """Why the log cannot tell; no value is given then."""
    effective_decisions: float
    largest_share: float
    estimates: dict[str, PolicyValue] = {}
    """By estimator: `ips`, `snips`, `dr`."""
    direct: float | None = None
    """The reward model's own guess, without a correction and without an interval."""


class OffPolicyReport(Config):
    """Every policy, beside what the logging policy earned."""

    decisions: int
    shoppers: int
    logged_value: float
    """Mean reward of the log."""
    quarantined: dict[str, int]
    policies: dict[str, PolicyReport]


def evaluate_policies(
    log: DecisionLog, targets: Mapping[str, np.ndarray], config: OffPolicyConfig | None = None
) -> OffPolicyReport:
    """The value of each target, its chances `[M]`; raises `InputError` for chances that are none."""
    config = config or OffPolicyConfig()
    rewards = cross_fitted(log, config.seed) if len(log) else np.zeros(len(log.items))
    found = {}
    for name, target in targets.items():
        check_target(log, target)
        found[name] = _policy(log, target, rewards, config)
    return OffPolicyReport(
        decisions=len(log),
        shoppers=len(np.unique(log.unit)),
        logged_value=float(log.reward.mean()) if len(log) else 0.0,
        quarantined=dict(log.quarantined),
        policies=found,
    )


def _policy(
    log: DecisionLog, target: np.ndarray, rewards: np.ndarray, config: OffPolicyConfig
) -> PolicyReport:
    estimates = {
        "ips": ips(log, target, confidence=config.confidence),
        "snips": snips(log, target, config.confidence),
        "dr": dr(log, target, rewards, config.confidence),
    }
    one = estimates["ips"]
    refused = _refusals(one, config)
    said = PolicyReport(
        refused=refused, effective_decisions=one.effective_decisions, largest_share=one.largest_share
    )
    if refused:
        return said
    values = {
        name: PolicyValue(value=own.value, interval=(own.low, own.high)) for name, own in estimates.items()
    }
    return said.model_copy(update={"estimates": values, "direct": direct_method(log, target, rewards)})


def _refusals(one: Estimate, config: OffPolicyConfig) -> tuple[str, ...]:
    found = []
    if one.effective_decisions < config.least_effective:
        found.append(
            f"{one.effective_decisions:.0f} effective decisions, {config.least_effective:.0f} are needed"
        )
    if one.largest_share > config.most_share:
        found.append(
            f"one decision holds {one.largest_share:.1%} of the weight, more than {config.most_share:.0%}"
        )
    return tuple(found)
