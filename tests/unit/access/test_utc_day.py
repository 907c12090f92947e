"""Days of quotas: where one ends and the next begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from recsys.access import day_name, day_of, day_start, seconds_left

MIDNIGHT = datetime(2026, 11, 28, tzinfo=UTC)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


def us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_midnight_is_of_the_new_day_and_the_microsecond_before_it_of_the_old() -> None:
    before, after = us(MIDNIGHT) - 1, us(MIDNIGHT)
    assert (day_name(day_of(before)), day_name(day_of(after))) == ("2026-11-27", "2026-11-28")
    assert (seconds_left(before), seconds_left(after)) == (1, 86_400)
    assert day_start(day_of(after)) == "2026-11-28T00:00:00Z"


@given(TIMES)
def test_a_day_is_the_calendars(at: datetime) -> None:
    assert day_name(day_of(us(at))) == at.date().isoformat()
    assert us(datetime.fromisoformat(day_start(day_of(us(at))))) <= us(at)


@given(TIMES)
def test_what_is_left_ends_on_the_next_day_and_a_second_less_on_this_one(
    at: datetime,
) -> None:
    left = seconds_left(us(at))
    assert 1 <= left <= 86_400
    assert day_of(us(at) + left * 1_000_000) == day_of(us(at)) + 1
    assert day_of(us(at) + (left - 1) * 1_000_000) == day_of(us(at))
