"""What an experiment may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from recsys.errors import InputError
from recsys.experiments.experiment import Arm, State, parse_experiment
from tests.unit.experiments.made import DAY_US, START, START_US, experiment

A, B, C = ({"name": name, "share": share} for name, share in (("A", 0.5), ("B", 0.5), ("C", 0.1)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": (A,)}, "at least 2 arms"),
        ({"arms": (A, A)}, "different names"),
        ({"arms": (A, {"name": "B", "share": 0.6})}, "add up to 110.0%"),
        ({"arms": (A, {"name": "B", "share": 0.0})}, "greater than 0"),
        ({"arms": (A, {"name": "interleaved", "share": 0.5})}, "cannot be called"),
        ({"ends_at": START}, "ends_at must be after starts_at"),
        ({"ends_at": None, "stopping": "planned"}, "need starts_at and ends_at"),
        ({"stopping": "planned", "look_hours": 1.0}, "at most 60 looks"),
        ({"mode": "interleave", "arms": (C, A, {**C, "name": "D"})}, "exactly 2 arms"),
        ({"experiment_id": " x"}, "bad_character"),
        ({"starts_at": "2026-03-01T00:00:00"}, "timezone"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        experiment(**changes)


def test_three_thirds_are_one_whole() -> None:
    arms = tuple(Arm(name=name, share=1.0 / 3.0) for name in "ABC")
    assert len(experiment(arms=arms).arms) == 3


def test_an_override_of_a_field_that_scenarios_do_not_have_is_refused() -> None:
    raw = {"experiment_id": "x", "arms": [A, {**B, "overrides": {"lists.diversty": 0.3}}]}
    with pytest.raises(InputError, match=r"lists\.diversty"):
        parse_experiment(raw)
    with pytest.raises(InputError, match="at least 2 arms"):
        parse_experiment({"experiment_id": "x", "arms": [A]})


def test_it_holds_in_its_scenarios_while_it_runs_between_its_dates() -> None:
    one = experiment(scenarios=("home",))
    assert one.holds("home", START_US)
    assert not one.holds("cart", START_US)
    assert not one.holds("home", START_US - 1)
    assert one.holds("home", START_US + 7 * DAY_US - 1)
    assert not one.holds("home", START_US + 7 * DAY_US)
    for state in (State.DRAFT, State.PAUSED, State.ENDED):
        assert not experiment(state=state).holds("home", START_US)
    assert experiment(starts_at=None, ends_at=START + timedelta(days=1)).holds("any", 0)
