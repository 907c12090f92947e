"""What is due and why: events, catalog changes, age, failures, clocks that jump."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.feedback import (
    ClickEvidence,
    Kind,
    KindConfig,
    LoopConfig,
    Observations,
    RetryConfig,
    Run,
    RunState,
    Trigger,
    decide,
)
from recsys.feedback.back_off import back_off_s
from recsys.feedback.steady_clock import MOST_AWAY_S, SteadyClock

CONFIG = LoopConfig(fit=KindConfig(min_gap_s=100.0, min_events=50, event_share=0.1))
HOUR = 3_600.0


def seen(**more: object) -> Observations:
    """A shop with a fit and little news."""
    plain = {
        "now_s": 10_000.0, "published": "v1", "has_fit": True, "events_seq": 1_000, "catalog_seq": 100,
        "items_total": 100,
    }  # fmt: skip
    return Observations(**(plain | more))  # type: ignore[arg-type]


def run(kind: Kind, state: RunState, **more: object) -> Run:
    """A run that ended half an hour ago and knew 1,000 events and 100 catalog changes."""
    plain = {"events_seq": 1_000, "catalog_seq": 100, "ended_s": 8_200.0}
    return Run("r", kind, Trigger.POLICY, state, **(plain | more))  # type: ignore[arg-type]


DONE = [run(Kind.FIT, RunState.SUCCEEDED)]


def due(observed: Observations, history: list[Run], config: LoopConfig = CONFIG) -> list[Kind]:
    """Kinds that are due."""
    return [action.kind for action in decide(config, observed, history).actions]


def test_enough_new_events_make_a_fit_due_and_the_reason_says_how_many() -> None:
    assert due(seen(events_seq=1_099), DONE) == []
    decision = decide(CONFIG, seen(events_seq=1_100), DONE)
    assert [one.kind for one in decision.actions] == [Kind.FIT]
    assert decision.actions[0].reasons == ("100 events since the last fit, 10.0% of the 1,000 before",)
    assert decision.actions[0].inputs["events_seq"] == 1_100
    assert decision.why_not[Kind.EMBED] == "part of fit"


def test_a_version_that_learned_nothing_is_fitted_as_soon_as_there_are_events() -> None:
    assert due(seen(has_fit=False, events_seq=49), []) == []
    assert due(seen(has_fit=False, events_seq=50), []) == [Kind.FIT]


def test_a_fit_by_hand_counts_as_one() -> None:
    by_hand = {"fit_events_seq": 1_000}
    assert due(seen(), []) == [Kind.FIT]
    assert due(seen(**by_hand), []) == []
    assert due(seen(events_seq=1_099, **by_hand), [run(Kind.FIT, RunState.SUCCEEDED, events_seq=500)]) == []
    assert due(seen(events_seq=1_100, **by_hand), []) == [Kind.FIT]


def test_catalog_changes_are_indexed_and_deleted_items_count() -> None:
    assert due(seen(items_changed=1, catalog_seq=101), DONE) == []
    assert due(seen(items_changed=1, items_deleted=1, catalog_seq=102), DONE) == [Kind.EMBED]
    assert due(seen(items_new=1, catalog_seq=101), DONE) == [Kind.EMBED]


def test_nothing_is_due_before_a_version_is_published() -> None:
    decision = decide(CONFIG, seen(published=None, events_seq=10**6), [])
    assert decision.actions == ()
    assert "recsys embed" in decision.why_not[Kind.FIT]


def test_what_the_gate_refused_is_not_tried_again_with_the_same_events() -> None:
    refused = [run(Kind.FIT, RunState.REFUSED, events_seq=1_000)]
    old = seen(events_seq=1_001, now_s=10_000.0 + 100 * HOUR)
    assert due(old, refused) == []
    assert due(seen(events_seq=1_100), refused) == [Kind.FIT]


def test_a_kind_that_fails_waits_longer_each_time_and_rests_at_last() -> None:
    rng = np.random.default_rng(0)
    waits = [back_off_s(attempt, RetryConfig(), rng) for attempt in (1, 2, 3, 20)]
    assert 30.0 <= waits[0] <= 60.0 <= waits[1] <= 120.0 <= waits[2] <= 240.0
    assert waits[3] <= RetryConfig().cap_s
    failed = [run(Kind.FIT, RunState.FAILED, events_seq=1_100, ended_s=9_990.0, retry_at_s=10_020.0)]
    assert due(seen(events_seq=1_100), DONE + failed) == []
    assert due(seen(events_seq=1_100, now_s=10_021.0), DONE + failed) == [Kind.FIT]
    resting = DONE + failed * CONFIG.retry.max_attempts
    assert due(seen(events_seq=1_100, now_s=10_021.0 + 100 * HOUR), resting) == []
    assert due(seen(events_seq=1_200, now_s=10_021.0 + 100 * HOUR), resting) == [Kind.FIT]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1.0, 600.0), st.integers(0, 400)), min_size=5, max_size=60),
    st.sampled_from([RunState.FAILED, RunState.REFUSED, RunState.SUCCEEDED]),
)
def test_whatever_happens_runs_are_apart_and_bounded(looks: list[tuple[float, int]], ends: RunState) -> None:
    """A burst of events, a job that fails for ever, a gate that always refuses: never a storm."""
    history, now, events, rng = list(DONE), 10_000.0, 1_000, np.random.default_rng(1)
    begun: list[float] = []
    for step, more in looks:
        now, events = now + step, events + more
        for action in decide(CONFIG, seen(now_s=now, events_seq=events), history).actions:
            begun.append(now)
            retry = now + back_off_s(action.attempt, CONFIG.retry, rng) if ends is RunState.FAILED else None
            history.append(
                run(
                    action.kind,
                    ends,
                    events_seq=events,
                    ended_s=now,
                    retry_at_s=retry,
                    attempt=action.attempt,
                )
            )
    gaps = np.diff(begun)
    least = 30.0 if ends is RunState.FAILED else 100.0
    assert all(gap >= least for gap in gaps)
    if ends is RunState.FAILED and sum(more for _, more in looks) < 50:
        assert len(begun) <= CONFIG.retry.max_attempts


def test_clicks_below_what_the_gate_promised_ask_for_a_fit() -> None:
    low = ClickEvidence(5_000, 250, 0.08, 0.002)
    decision = decide(CONFIG, seen(events_seq=1_060, clicks=low), DONE)
    assert [one.kind for one in decision.actions] == [Kind.FIT]
    assert "promised 8.00%" in decision.actions[0].reasons[0]
    assert due(seen(events_seq=1_060, clicks=ClickEvidence(5_000, 395, 0.08, 0.002)), DONE) == []
    assert due(seen(events_seq=1_060, clicks=ClickEvidence(50, 1, 0.08, 0.002)), DONE) == []


@given(st.integers(-(10**14), 10**14), st.floats(0.0, 1e6))
def test_a_wall_clock_that_jumps_moves_the_steady_one_by_a_day_at_most(jump_us: int, saved_s: float) -> None:
    clock = SteadyClock((saved_s, 10**15), 10**15 + jump_us, lambda: 5.0)
    assert saved_s <= clock.now_s() <= saved_s + MOST_AWAY_S
