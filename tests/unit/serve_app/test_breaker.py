"""The circuit breaker against a clock that only the test moves."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from serve_app.breaker import CircuitBreaker
from tests.unit.serve_app.clock import Clock


def test_opens_after_failures_in_a_row_and_grants_one_trial_per_rest() -> None:
    clock = Clock()
    breaker = CircuitBreaker(max_failures=2, open_s=1.0, clock=clock)
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock.now = 1.0
    assert breaker.allows()
    assert not breaker.allows()
    breaker.failed()
    clock.now = 1.9
    assert not breaker.allows()


def test_one_success_closes_it() -> None:
    clock = Clock()
    breaker = CircuitBreaker(max_failures=1, open_s=1.0, clock=clock)
    breaker.failed()
    clock.now = 1.0
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    assert breaker.allows()
    assert not breaker.is_open


@settings(deadline=None, max_examples=100)
@given(outcomes=st.lists(st.booleans(), max_size=40), max_failures=st.integers(1, 5))
def test_it_is_open_exactly_when_the_last_failures_in_a_row_reach_the_bound(
    outcomes: list[bool], max_failures: int
) -> None:
    breaker = CircuitBreaker(max_failures, open_s=10.0, clock=Clock())
    row = 0
    for good in outcomes:
        (breaker.succeeded if good else breaker.failed)()
        row = 0 if good else row + 1
        assert breaker.is_open == (row >= max_failures)
        assert breaker.allows() == (not breaker.is_open)
