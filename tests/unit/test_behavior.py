"""Laws of event weights and their decay."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.behavior import decay, event_weight, opinion, standing_events, stars
from recsys.config import EventWeights, ProfileConfig
from recsys.history import HistoryEvent

WEIGHTS = EventWeights()
CONFIG = ProfileConfig()


def event(
    event_type: str, value: float | None = None, review_text: str | None = None, seq: int = 1
) -> HistoryEvent:
    return HistoryEvent(seq, f"e{seq}", "user:a", "chair", event_type, value, review_text, seq)


@pytest.mark.parametrize(
    ("value", "weight"), [(1.0, -4.0), (2.0, -2.0), (3.0, 0.0), (4.0, 1.5), (5.0, 3.0), (3.5, 0.75)]
)
@pytest.mark.parametrize("event_type", ["rating", "review"])
def test_stars_lie_on_two_straight_lines_through_three(event_type: str, value: float, weight: float) -> None:
    assert event_weight(event(event_type, value), WEIGHTS) == pytest.approx(weight)


@pytest.mark.parametrize(
    ("value", "expected"), [(8.0, 4.0), (10.0, 5.0), (6.0, 3.0), (80.0, 4.0), (0.5, 1.0)]
)
def test_longer_scales_are_brought_to_five_stars(value: float, expected: float) -> None:
    assert stars(event("rating", value)) == expected


@pytest.mark.parametrize("value", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_rating_without_a_usable_value_says_nothing(value: float | None) -> None:
    assert event_weight(event("rating", value), WEIGHTS) == 0.0


def test_a_purchase_amount_is_not_read_as_stars() -> None:
    assert stars(event("purchase", 5.0)) is None
    assert event_weight(event("purchase", 1.0), WEIGHTS) == WEIGHTS.purchase


def test_a_review_without_stars_takes_sign_and_size_from_its_words() -> None:
    good, mild, bad = "I love it, great, excellent!", "it is ok", "I hate it, awful, terrible!"
    weights = [event_weight(event("review", None, text), WEIGHTS) for text in (good, mild, bad)]
    assert WEIGHTS.rating_positive >= weights[0] > weights[1] > 0.0 > weights[2] >= WEIGHTS.rating_negative


def test_stars_win_over_words() -> None:
    assert event_weight(event("review", 5.0, "awful"), WEIGHTS) == WEIGHTS.rating_positive


def test_every_known_type_counts_by_its_own_field() -> None:
    plain = {"impression": 0, "view": 1, "click": 2, "add_to_cart": 4, "remove_from_cart": -2}
    plain |= {"purchase": 6, "like": 4, "dismiss": -3, "return": -6}
    assert {name: event_weight(event(name), WEIGHTS) for name in plain} == plain


def test_configured_types_count_and_unknown_ones_do_not() -> None:
    weights = EventWeights(other={"wishlist": 2.5})
    assert event_weight(event("wishlist"), weights) == 2.5
    for name in ("never_heard_of", "other", "rating_positive", "return_", "__class__"):
        assert event_weight(event(name), weights) == 0.0


@settings(deadline=None, max_examples=200)
@given(st.floats(), st.sampled_from(["rating", "review"]), st.text(max_size=20))
def test_an_opinion_is_always_bounded(value: float, event_type: str, text: str) -> None:
    assert -1.0 <= opinion(event(event_type, value, text)) <= 1.0


def kept(types: Sequence[str]) -> list[str]:
    events = [event(name, seq=seq) for seq, name in enumerate(types)]
    return [e.event_type for e in standing_events(events)]


def test_a_removal_takes_back_the_newest_cart_event_before_it() -> None:
    assert kept(["view", "add_to_cart", "remove_from_cart"]) == ["view"]
    assert kept(["add_to_cart", "purchase", "add_to_cart", "remove_from_cart"]) == ["add_to_cart", "purchase"]
    assert kept(["remove_from_cart", "add_to_cart"]) == ["remove_from_cart", "add_to_cart"]
    assert kept(["add_to_cart", "remove_from_cart", "remove_from_cart"]) == ["remove_from_cart"]


@settings(deadline=None, max_examples=200)
@given(st.floats(), st.floats(1e-3, 1e9), st.floats(1e-3, 1e9), st.floats(0, 1))
def test_decay_is_finite_and_within_bounds_whatever_the_clock_says(
    age_s: float, session_s: float, long_s: float, share: float
) -> None:
    config = ProfileConfig(session_half_life_s=session_s, long_half_life_s=long_s, session_share=share)
    assert 0.0 <= decay(age_s, config) <= 1.0 + 1e-12


@settings(deadline=None, max_examples=100)
@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_older_events_never_count_more(one: float, other: float) -> None:
    assert decay(max(one, other), CONFIG) <= decay(min(one, other), CONFIG)


def test_decay_mixes_two_half_lives() -> None:
    assert decay(0.0, CONFIG) == 1.0
    assert decay(-5.0, CONFIG) == 1.0  # the clock jumped: now
    only_long = ProfileConfig(session_share=0.0)
    assert decay(only_long.long_half_life_s, only_long) == pytest.approx(0.5)
    only_session = ProfileConfig(session_share=1.0)
    assert decay(2 * only_session.session_half_life_s, only_session) == pytest.approx(0.25)
    assert decay(CONFIG.session_half_life_s, CONFIG) == pytest.approx(
        0.4 * 0.5 + 0.6 * 2 ** (-3600 / (30 * 86400))
    )
