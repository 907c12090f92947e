"""What makes a kind of run due: events, catalog changes, drift and age, each as a reason in words."""

from __future__ import annotations

import math

from recsys.feedback.loop_config import KindConfig, LoopConfig
from recsys.feedback.observations import ClickEvidence, Observations
from recsys.feedback.past import Past
from recsys.feedback.run import Kind

HOUR_S = 3_600.0


def event_reasons(kind: Kind, config: LoopConfig, seen: Observations, past: Past) -> tuple[str, ...]:
    """Reasons of a kind that learns from events; none means that it is not due."""
    settings = config.of(kind)
    since = seen.events_seq - past.events_seq
    # After a refusal the same events would be refused again.
    least = settings.min_events if past.was_refused or past.finished is None else 1
    if since < least:
        return ()
    reasons = [*_enough_events(kind, settings, since, past), *_too_old(kind, settings, seen, past)]
    if kind is Kind.FIT:
        if not seen.has_fit and since >= settings.min_events:
            reasons.append("the version in service has not learned from events")
        if since >= settings.min_events:
            reasons += _clicks_fell(config, seen.clicks)
        reasons += _vectors_moved(config, seen.vector_drift)
    return tuple(reasons)


def waiting(kind: Kind, config: LoopConfig, seen: Observations, past: Past) -> str:
    """In words, what a kind that is not due waits for."""
    if kind is Kind.EMBED:
        return f"{seen.items_waiting:,} catalog changes wait, too few of {seen.items_total:,} items"
    needed, since = events_needed(config.of(kind), past), seen.events_seq - past.events_seq
    return f"{max(since, 0):,} of {needed:,} new events"


def events_needed(settings: KindConfig, past: Past) -> int:
    """New events from which a run is worth while."""
    return max(settings.min_events, math.ceil(settings.event_share * past.events_seq))


def embed_reasons(config: LoopConfig, seen: Observations, past: Past) -> tuple[str, ...]:
    """Reasons for indexing the catalog anew; none means that it is not due."""
    # What a finished run knew of and did not bring into service, the next would not either.
    fresh = seen.catalog_seq - (past.finished.catalog_seq if past.finished else 0)
    new, all_of_them = min(seen.items_new, fresh), min(seen.items_waiting, fresh)
    if all_of_them <= 0:
        return ()
    reasons = []
    total = max(seen.items_total, 1)
    if new > 0 and new >= config.new_item_share * total:
        reasons.append(f"{new:,} new items, {new / total:.1%} of {total:,}")
    if all_of_them >= config.changed_item_share * total:
        share = all_of_them / total
        reasons.append(f"{all_of_them:,} new, changed or deleted items, {share:.1%} of {total:,}")
    if all_of_them >= config.max_waiting_changes:
        limit = config.max_waiting_changes
        reasons.append(f"{all_of_them:,} changes fill the live segment (limit {limit:,})")
    return (*reasons, *_too_old(Kind.EMBED, config.embed, seen, past))


def enough_new(kind: Kind, config: LoopConfig, seen: Observations, past: Past) -> bool:
    """Whether so much came since the last failure that another try has other data."""
    last = past.failures[-1]
    if kind is Kind.EMBED:
        needed = max(1, math.ceil(config.changed_item_share * seen.items_total))
        return seen.catalog_seq - last.catalog_seq >= needed
    return seen.events_seq - last.events_seq >= config.of(kind).min_events


def _enough_events(kind: Kind, settings: KindConfig, since: int, past: Past) -> list[str]:
    if since < events_needed(settings, past):
        return []
    before = f", {since / past.events_seq:.1%} of the {past.events_seq:,} before" if past.events_seq else ""
    return [f"{since:,} events since the last {kind.value}{before}"]


def _too_old(kind: Kind, settings: KindConfig, seen: Observations, past: Past) -> list[str]:
    age_s = past.age_s(seen.now_s)
    if age_s < settings.max_age_hours * HOUR_S:
        return []
    age = f"{age_s / HOUR_S:.1f} hours ago" if math.isfinite(age_s) else "at a time that is not known"
    return [f"the last {kind.value} ended {age} and there is news"]


def _clicks_fell(config: LoopConfig, clicks: ClickEvidence | None) -> list[str]:
    if clicks is None or clicks.forecast is None or clicks.lists < config.min_lists:
        return []
    gap, noise = clicks.forecast - clicks.rate, 2.0 * math.hypot(clicks.rate_noise, clicks.forecast_noise)
    if gap <= noise or gap <= config.click_drift * clicks.forecast:
        return []
    return [
        f"{clicks.rate:.2%} of {clicks.lists:,} lists were clicked, the gate's figures promised "
        f"{clicks.forecast:.2%} (noise {noise:.2%})"
    ]


def _vectors_moved(config: LoopConfig, drift: float | None) -> list[str]:
    if drift is None or drift < config.vector_drift:
        return []
    return [f"the catalog's mean vector moved by {drift:.2f} spreads since the fit"]
