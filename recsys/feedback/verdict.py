"""Whether the version in service fails so much more than the one before that it must go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from recsys.feedback.loop_config import VerdictConfig

RATES = {"failures": "requests failed", "empty": "lists were empty", "degraded": "lists were degraded"}


class Counts(Protocol):
    """What became of a version's requests."""

    @property
    def requests(self) -> int:
        """All of them."""

    @property
    def failures(self) -> int:
        """Ended in an error of ours."""

    @property
    def empty(self) -> int:
        """Lists without an item."""

    @property
    def degraded(self) -> int:
        """Lists that fell back."""


@dataclass(frozen=True)
class Verdict:
    """Whether to roll back, with reasons; or why not."""

    roll_back: bool
    reasons: tuple[str, ...] = ()
    why_not: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)


def service_verdict(
    current: str,
    previous: str | None,
    counts: Mapping[str, Counts],
    config: VerdictConfig,
    since_rollback_s: float | None = None,
) -> Verdict:
    """Judge the version in service by the one before it.

    For failures, empty and degraded answers: Fisher's exact test, one-sided, at a third of `alpha` each,
    and a rise of at least `min_rise`. Where both versions are equally bad neither is seen, so that what is
    not the version's fault does not move it. A version before with fewer than `min_requests` counts as one
    with `assumed_share` of bad answers. `since_rollback_s`: seconds since the last rollback, None before any.
    """
    own = counts.get(current)
    if why := _cannot_judge(own, previous, config, since_rollback_s):
        return Verdict(False, why_not=why)
    if own is None:  # said above; for the type checker
        return Verdict(False)
    before = counts.get(previous or "")
    known = before if before is not None and before.requests >= config.min_requests else None
    reasons = [reason for name in RATES if (reason := _worse(name, own, known, config)) is not None]
    inputs = {"current": _row(current, own), "previous": _row(previous or "", before)}
    why = "" if reasons else "no rate is worse than before beyond noise"
    return Verdict(bool(reasons), tuple(reasons), why, inputs)


def _cannot_judge(
    own: Counts | None, previous: str | None, config: VerdictConfig, since_rollback_s: float | None
) -> str:
    if not config.on:
        return "switched off"
    if previous is None:
        return "there is no version to go back to"
    if since_rollback_s is not None and since_rollback_s < config.quiet_s:
        return f"the last rollback was {since_rollback_s:,.0f} s ago"
    if own is None or own.requests < config.min_requests:
        return f"{own.requests if own else 0:,} of {config.min_requests:,} requests"
    return ""


def _worse(name: str, own: Counts, before: Counts | None, config: VerdictConfig) -> str | None:
    from scipy.stats import binom, hypergeom

    bad, rate = getattr(own, name), getattr(own, name) / own.requests
    alpha = config.alpha / len(RATES)
    if before is None:
        base, chance = config.assumed_share, float(binom.sf(bad - 1, own.requests, config.assumed_share))
        with_what = f"more than the {base:.1%} that is assumed of the version before"
    else:
        theirs = getattr(before, name)
        base = theirs / before.requests
        together = own.requests + before.requests
        chance = float(hypergeom.sf(bad - 1, together, bad + theirs, own.requests))
        with_what = f"with the version before it was {base:.1%} of {before.requests:,}"
    if rate - base < config.min_rise or chance >= alpha:
        return None
    return f"{rate:.1%} of {own.requests:,} {RATES[name]}; {with_what}"


def _row(version: str, counts: Counts | None) -> dict[str, Any]:
    figures = {name: getattr(counts, name) for name in ("requests", *RATES)} if counts else {}
    return {"index_version": version, **figures}
