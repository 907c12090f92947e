"""What counts for which list."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.answer_record import AnswerRecord
from recsys.experiments.attribution import CLOCK_SLACK_US, attribute
from recsys.experiments.experiment import HOUR_US, Experiment
from recsys.experiments.exposure import Exposure, exposures_of
from recsys.history import Response
from tests.unit.experiments.made import DAY_US, START_US, experiment

PRICES = {"i1": 100.0, "i2": 250.0}
KINDS = ["click", "purchase", "dismiss", "return", "view"]


def exposure(number: int = 1, **changes: object) -> Exposure:
    given = Exposure(f"r{number}", "user:1", "colours", "B", START_US, ("i1", "i2"))
    return replace(given, **changes)  # type: ignore[arg-type]


def event(number: int = 1, **changes: object) -> Response:
    given = Response(f"e{number}", "user:1", "i1", "click", None, "r1", START_US + HOUR_US)
    return replace(given, **changes)  # type: ignore[arg-type]


Row = tuple[str, list[float]]
COLUMNS = ("exposures", "clicks", "purchases", "revenue", "dismissals", "returns")


def slow(one: Experiment, exposures: list[Exposure], events: list[Response]) -> dict[str, Row]:
    """The same by loops, one list after the other."""
    table: dict[str, Row] = {}
    for row in first_shown(exposures):
        _, own = table.setdefault(row.unit, (row.arm, [0.0] * 6))
        own[0] += 1
        clicked: set[str] = set()
        for found in events:
            if led_to(one, row, found):
                count(own, found, clicked)
    return table


def first_shown(exposures: list[Exposure]) -> list[Exposure]:
    shown: dict[str, Exposure] = {}
    for row in sorted(exposures, key=lambda row: (row.at_us, row.recommendation_id)):
        if row.experiment_id == "colours" and START_US <= row.at_us < START_US + 7 * DAY_US:
            shown.setdefault(row.recommendation_id, row)
    return list(shown.values())


def led_to(one: Experiment, row: Exposure, found: Response) -> bool:
    since = found.occurred_at_us - row.at_us
    named = found.recommendation_id == row.recommendation_id and found.item_id in row.item_ids
    return named and -CLOCK_SLACK_US <= since <= one.window_hours * HOUR_US


def count(own: list[float], found: Response, clicked: set[str]) -> None:
    if found.event_type == "click":
        own[1] += found.item_id not in clicked
        clicked.add(found.item_id)
    elif found.event_type == "purchase":
        own[2] += 1
        own[3] += PRICES.get(found.item_id, 0.0) * (1.0 if found.value is None else found.value)
    elif found.event_type in KINDS[2:4]:
        own[4 + KINDS[2:4].index(found.event_type)] += 1


exposures_drawn = st.lists(
    st.builds(
        Exposure,
        st.sampled_from([f"r{n}" for n in range(6)]),
        st.sampled_from(["user:1", "user:2", "visitor:3"]),
        st.sampled_from(["colours", "colours", "another"]),
        st.sampled_from(["A", "B"]),
        st.integers(-10, 180).map(lambda hours: START_US + hours * HOUR_US),
        st.sampled_from([("i1",), ("i1", "i2"), ("i3", "i2"), ()]),
    ),
    max_size=12,
)
events_drawn = st.lists(
    st.builds(
        Response,
        st.sampled_from([f"e{n}" for n in range(12)]),
        st.just("user:1"),
        st.sampled_from(["i1", "i2", "i3"]),
        st.sampled_from(KINDS),
        st.sampled_from([None, 2.0]),
        st.sampled_from([f"r{n}" for n in range(7)]),
        st.integers(-10, 220).map(lambda hours: START_US + hours * HOUR_US),
    ),
    max_size=25,
    unique_by=lambda one: one.event_id,
)


@given(exposures_drawn, events_drawn)
@settings(max_examples=300, deadline=None)
def test_it_is_what_loops_would_count(exposures: list[Exposure], events: list[Response]) -> None:
    one = experiment()
    found = attribute(one, exposures, events, PRICES)
    now = found.until()
    rows = {
        found.units[place]: ("AB"[now.arm[row]], [float(getattr(now, name)[row]) for name in COLUMNS])
        for row, place in enumerate(now.places)
    }
    assert rows == slow(one, exposures, events)


def clicks(events: list[Response], **changes: object) -> int:
    return int(attribute(experiment(**changes), [exposure()], events, PRICES).until().clicks.sum())


def test_an_event_counts_once_within_the_window_for_an_item_of_the_list() -> None:
    assert clicks([event()]) == 1
    assert clicks([event(), event()]) == 1
    assert clicks([event(), event(2)]) == 1
    assert clicks([event(), event(2, item_id="i2")]) == 2
    assert clicks([event(item_id="i9")]) == 0
    assert clicks([event(recommendation_id="")]) == 0
    assert clicks([event(occurred_at_us=START_US + DAY_US)]) == 1
    assert clicks([event(occurred_at_us=START_US + DAY_US + 1)]) == 0
    assert clicks([event(occurred_at_us=START_US + DAY_US + 1)], window_hours=48.0) == 1
    assert clicks([event(occurred_at_us=START_US - 1)]) == 1, "a clock that is a little behind"
    assert clicks([event(occurred_at_us=START_US - HOUR_US)]) == 0
    assert clicks([event(user_key="user:of-the-visitor")]) == 1


@pytest.mark.parametrize(
    ("kind", "value", "revenue"),
    [
        ("quantity", None, 100.0),
        ("quantity", 3.0, 300.0),
        ("quantity", float("nan"), 100.0),
        ("amount", 70.0, 70.0),
        ("amount", None, 100.0),
    ],
)
def test_revenue_is_pieces_by_price_or_what_was_paid(kind: str, value: float | None, revenue: float) -> None:
    found = attribute(
        experiment(purchase_value=kind), [exposure()], [event(event_type="purchase", value=value)], PRICES
    )
    assert found.until().revenue.tolist() == [revenue]


def test_who_saw_two_arms_stays_in_the_first_and_is_counted() -> None:
    later = exposure(2, arm="A", at_us=START_US + HOUR_US)
    found = attribute(experiment(), [later, exposure()], [event(recommendation_id="r2")])
    assert found.moved_units == 1
    assert found.arm.tolist() == [1]
    assert found.until().clicks.tolist() == [1.0]


def test_at_an_earlier_moment_only_what_had_happened_is_known() -> None:
    found = attribute(experiment(), [exposure()], [event()])
    assert len(found.until(START_US - 1).arm) == 0
    assert found.until(START_US).clicks.tolist() == [0.0]
    assert found.until(START_US + HOUR_US).clicks.tolist() == [1.0]


def test_answers_become_exposures_of_the_experiment_they_name() -> None:
    record = AnswerRecord("r1", START_US, "user:1", "home", "v1", ("i1",), {"colours": "B"})
    assert exposures_of([record, replace(record, unit=""), replace(record, arms={})], "colours") == [
        Exposure("r1", "user:1", "colours", "B", START_US, ("i1",), "v1")
    ]


def test_nothing_shown_is_nothing_counted() -> None:
    found = attribute(experiment(), [], [event()])
    assert found.units == ()
    assert len(found.until().clicks) == 0
    assert np.array_equal(found.revenue, [])
