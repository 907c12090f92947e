"""The decision itself: from what is seen and what was done to what is due."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.feedback.decision import Action, Decision
from recsys.feedback.loop_config import LoopConfig
from recsys.feedback.observations import Observations
from recsys.feedback.past import Past, elapsed_s
from recsys.feedback.run import Kind, Run
from recsys.feedback.triggers import embed_reasons, enough_new, event_reasons, waiting

ORDER = (Kind.FINE_TUNE, Kind.FIT, Kind.EMBED, Kind.EVALUATE)
CONTAINS = {Kind.FINE_TUNE: (Kind.FIT, Kind.EMBED), Kind.FIT: (Kind.EMBED,)}
"""Kinds whose work is a part of another's."""
NOTHING_PUBLISHED = "no index version is published yet: run `recsys embed` first"


def decide(config: LoopConfig, seen: Observations, history: Sequence[Run]) -> Decision:
    """Runs that are due now, in order, with reasons; for every other kind why not.

    `history` holds the last runs in the order in which they began; it may leave out old ones as long as
    each kind's last finished run and what failed since are there. Only steady seconds and sequence
    numbers are compared, so that a wall clock may jump. The caller runs nothing at the same time.
    """
    if seen.published is None:
        return Decision((), dict.fromkeys(ORDER, NOTHING_PUBLISHED))
    actions: list[Action] = []
    why_not: dict[Kind, str] = {}
    for kind in ORDER:
        past = Past.of(kind, history, seen.fit_events_seq if kind is Kind.FIT else 0)
        parts_of = next((a.kind for a in actions if kind in CONTAINS.get(a.kind, ())), None)
        reasons = _reasons(kind, config, seen, past)
        if parts_of is not None:
            why_not[kind] = f"part of {parts_of.value}"
        elif (why := _against(kind, config, seen, past, reasons)) is not None:
            why_not[kind] = why
        else:
            actions.append(Action(kind, reasons, seen.as_inputs(), len(past.failures) + 1))
    return Decision(tuple(actions), why_not)


def _reasons(kind: Kind, config: LoopConfig, seen: Observations, past: Past) -> tuple[str, ...]:
    if kind is Kind.EMBED:
        return embed_reasons(config, seen, past)
    return event_reasons(kind, config, seen, past)


def _against(
    kind: Kind, config: LoopConfig, seen: Observations, past: Past, reasons: Sequence[str]
) -> str | None:
    """Why a kind must not run now, or None."""
    settings = config.of(kind)
    if not settings.on:
        return "switched off"
    if not reasons:
        return waiting(kind, config, seen, past)
    if past.failures:
        return _resting(kind, config, seen, past)
    if past.finished and (gone := elapsed_s(past.finished, seen.now_s)) < settings.min_gap_s:
        return f"due, {settings.min_gap_s - gone:,.0f} s after the last one at the earliest"
    return None


def _resting(kind: Kind, config: LoopConfig, seen: Observations, past: Past) -> str | None:
    """Why a kind that failed must not be tried again now, or None."""
    number, last = len(past.failures), past.failures[-1]
    gone, retry = elapsed_s(last, seen.now_s), config.retry
    wait_s = retry.cap_s if last.retry_at_s is None else last.retry_at_s - (last.ended_s or 0.0)
    if number >= retry.max_attempts:
        if not enough_new(kind, config, seen, past):
            return f"failed {number} times in a row: rests until there is more news, or a person runs it"
        wait_s = retry.cap_s
    if gone < wait_s:
        return f"attempt {number} failed: the next in {wait_s - gone:,.0f} s at the earliest"
    return None
