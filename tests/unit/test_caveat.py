"""An encoder that knows the answers is named as such."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.learning import caveat
from recsys.config import FitConfig

WEEK = FitConfig(holdout_days=7.0)
CARD: dict[str, Any] = {"config": {"as_evaluated": True}, "split": "temporal", "holdout_days": 7.0}


def test_encoders_that_saw_no_answer_need_no_word() -> None:
    assert caveat({}, WEEK) == ""
    assert caveat(CARD, WEEK) == ""


@pytest.mark.parametrize(
    "card",
    [
        CARD | {"config": {"as_evaluated": False}},
        CARD | {"holdout_days": 3.0},
        CARD | {"split": "leave-one-out"},
        {"config": {"as_evaluated": True}},
    ],
)
def test_encoders_that_saw_answers_are_named(card: dict[str, Any]) -> None:
    assert "--as-evaluated" in caveat(card, WEEK)
