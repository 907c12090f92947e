"""How far somebody has watched: the newest share counts, what ended is left out, order is that of time."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.config import EventWeights, ProfileConfig
from recsys.history import HistoryEvent
from recsys.profile import UserProfile, build_profile, progress_of
from recsys.profile.progress import ENDS, watched_share

HOUR_US = 3_600_000_000
START = 1_700_000_000_000_000
SHARES = [None, -0.5, 0.0, 0.01, 0.4, 0.9, 1.0, 1.5, 35.0, math.nan, math.inf]
TYPES = ["view", "click", "purchase", "like", "dismiss", "return", "rating", "impression"]
STEPS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(TYPES), st.sampled_from(SHARES)), max_size=25
)
Steps = list[tuple[str, str, float | None]]


def history(steps: Steps) -> list[HistoryEvent]:
    return [
        HistoryEvent(seq, f"e{seq}", "user:a", item, kind, value, None, START + seq * HOUR_US)
        for seq, (item, kind, value) in enumerate(steps)
    ]


def profile_of(steps: Steps, config: ProfileConfig | None = None) -> UserProfile:
    now_us = START + 1_000 * HOUR_US
    return build_profile("user:a", history(steps), now_us, config or ProfileConfig())


def by_looking_back(steps: Steps) -> list[tuple[str, float]]:
    """The same, item by item from the end: the first thing that tells decides."""
    found = []
    for item in {item for item, _, _ in steps}:
        for place, (other, kind, value) in reversed(list(enumerate(steps))):
            if other != item:
                continue
            if kind in ENDS:
                break
            if kind == "view" and value is not None and math.isfinite(value) and 0.0 < value <= 1.0:
                found.append((place, item, value))
                break
    return [(item, value) for _, item, value in sorted(found, reverse=True)]


@given(STEPS)
def test_progress_is_what_looking_back_finds(steps: Steps) -> None:
    found = progress_of(history(steps))
    assert [(one.item_id, one.share) for one in found] == by_looking_back(steps)
    assert [one.at_us for one in found] == sorted((one.at_us for one in found), reverse=True)


@given(STEPS, st.randoms(use_true_random=False))
def test_neither_order_nor_repeats_of_events_change_it(steps: Steps, rng: random.Random) -> None:
    events = history(steps)
    mixed = [*events, *events[: len(events) // 2]]
    rng.shuffle(mixed)
    built = build_profile("user:a", mixed, START, ProfileConfig())
    assert built.progress == progress_of(events)


@given(STEPS, st.sampled_from([0.3, 0.9, 1.0]))
def test_every_watched_item_is_begun_or_finished_and_no_anchor_is_begun(
    steps: Steps, finished: float
) -> None:
    profile = profile_of(steps)
    begun = profile.begun(finished)
    assert all(one.share < finished for one in begun)
    assert {one.item_id for one in profile.progress if one not in begun} == {
        one.item_id for one in profile.progress if one.share >= finished
    }
    anchors = profile.anchors(finished)
    assert not {one.item_id for one in anchors} & {one.item_id for one in begun}
    assert all(one.weight > 0.0 for one in anchors)
    assert [one.newest for one in anchors] == sorted((one.newest for one in anchors), reverse=True)


def test_the_newest_share_counts_and_who_begins_anew_has_begun() -> None:
    assert [one.share for one in progress_of(history([("a", "view", 0.2), ("a", "view", 0.7)]))] == [0.7]
    again = profile_of([("a", "view", 1.0), ("b", "view", 0.5), ("a", "view", 0.1)])
    assert [one.item_id for one in again.begun(0.9)] == ["a", "b"]
    assert again.anchors(0.9) == ()
    let_go = profile_of([("a", "view", 0.5), ("a", "dismiss", None)])
    assert let_go.progress == ()
    opened = profile_of([("a", "view", 0.5), ("a", "view", None), ("a", "like", None)])
    assert [one.share for one in opened.begun(0.9)] == [0.5]


def test_a_taste_that_does_not_count_views_still_knows_what_is_begun() -> None:
    silent = ProfileConfig(weights=EventWeights(view=0.0))
    profile = profile_of([("a", "view", 0.5)], silent)
    assert (profile.interests, [one.item_id for one in profile.begun(0.9)]) == ((), ["a"])


@pytest.mark.parametrize("value", [None, 0.0, -1.0, 1.01, 90.0, math.nan, math.inf])
def test_other_numbers_are_no_share(value: float | None) -> None:
    (event,) = history([("a", "view", value)])
    assert watched_share(event) is None


def test_what_was_disliked_is_no_anchor_and_about_keeps_what_was_seen() -> None:
    profile = profile_of([("old", "view", 1.0), ("bad", "view", 1.0), ("bad", "rating", 1.0)])
    (anchor,) = profile.anchors(0.9)
    assert anchor.item_id == "old"
    alone = profile.about(anchor)
    assert alone.interests == (anchor,)
    assert alone.seen == {"old", "bad"}
    assert profile.about(None).interests == ()
