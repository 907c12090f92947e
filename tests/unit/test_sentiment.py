"""Laws of review sentiment."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.sentiment import MAX_CHARS, sentiment


@pytest.mark.parametrize(
    "text", ["I love this chair, great quality!", "Excellent. Works very well :)", "not bad at all"]
)
def test_praise_is_positive(text: str) -> None:
    assert sentiment(text) > 0.2


@pytest.mark.parametrize(
    "text", ["Terrible. Broke after two days, waste of money.", "not good", "I hate it, awful smell :("]
)
def test_complaints_are_negative(text: str) -> None:
    assert sentiment(text) < -0.2


@pytest.mark.parametrize("text", ["", "   \n\t", "The box has four legs."])
def test_nothing_said_is_neutral(text: str) -> None:
    assert sentiment(text) == 0.0


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=300))
def test_any_text_has_a_polarity_within_bounds_and_always_the_same(text: str) -> None:
    assert -1.0 <= sentiment(text) <= 1.0
    assert sentiment(text) == sentiment(text)


def test_a_long_text_is_judged_by_its_ends() -> None:
    filler = "the box has four legs. " * 500
    assert sentiment(f"Wonderful! {filler}") > 0.0
    assert sentiment(f"{filler} Awful.") < 0.0
    assert sentiment(f"{filler}{'terrible ' * 20}{filler}") == 0.0
    assert len(filler) > 2 * MAX_CHARS


def test_the_lexicon_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, recsys, recsys.profile, recsys.explain; print('vaderSentiment' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
