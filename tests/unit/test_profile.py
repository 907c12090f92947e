"""Laws of profiles and user vectors."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.behavior import decay, event_weight
from recsys.config import EventWeights, ProfileConfig
from recsys.errors import InputError
from recsys.history import HistoryEvent
from recsys.profile import (
    Context,
    Interest,
    PartKind,
    UserProfile,
    UserVector,
    build_profile,
    newest_events,
    user_vector,
    with_context,
)
from recsys.profile.vector import NEGATIVE_LIMIT

CONFIG = ProfileConfig()
NOW_US = 1_700_000_000_000_000
DAY_US = 86_400_000_000
TYPES = ["impression", "view", "click", "add_to_cart", "purchase", "like", "dismiss", "return", "rating"]


def event(
    seq: int,
    item_id: str,
    event_type: str,
    *,
    at_us: int = NOW_US,
    value: float | None = None,
    text: str | None = None,
) -> HistoryEvent:
    return HistoryEvent(seq, f"e{seq}", "user:a", item_id, event_type, value, text, at_us)


def profile_of(*events: HistoryEvent, config: ProfileConfig = CONFIG) -> UserProfile:
    return build_profile("user:a", events, NOW_US, config)


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from([*TYPES, "remove_from_cart", "review"]),
        st.integers(-2, 60),
        st.sampled_from([None, 1.0, 3.0, 5.0]),
        st.sampled_from([None, "", "love it, great", "awful, broke"]),
    ),
    max_size=30,
).map(
    lambda rows: [
        event(seq, item, kind, at_us=NOW_US - days * DAY_US, value=value, text=text)
        for seq, (item, kind, days, value, text) in enumerate(rows)
    ]
)


@settings(deadline=None, max_examples=150)
@given(HISTORIES, st.randoms(use_true_random=False))
def test_the_order_in_which_events_are_given_does_not_matter(
    events: list[HistoryEvent], shuffler: random.Random
) -> None:
    shuffled = [*events, *events[:3]]  # some twice: the same event counts once
    shuffler.shuffle(shuffled)
    assert profile_of(*shuffled) == profile_of(*events)


@settings(deadline=None, max_examples=100)
@given(HISTORIES)
def test_every_interest_is_finite_capped_known_and_in_total_order(events: list[HistoryEvent]) -> None:
    profile = profile_of(*events)
    assert profile.seen == {e.item_id for e in events if e.event_type != "impression"}
    assert profile.num_events == len(events)
    keys = [(-abs(i.weight), i.item_id) for i in profile.interests]
    assert keys == sorted(keys)
    for interest in profile.interests:
        assert 0.0 < abs(interest.weight) <= CONFIG.max_item_weight
        assert abs(interest.review_weight) <= CONFIG.review_share * abs(interest.weight) + 1e-12


@settings(deadline=None, max_examples=100)
@given(HISTORIES.filter(lambda events: all(e.event_type != "remove_from_cart" for e in events)))
def test_without_a_cap_an_items_weight_is_the_decayed_sum_of_its_events(events: list[HistoryEvent]) -> None:
    free = ProfileConfig(max_item_weight=1e9)
    weights = {i.item_id: i.weight for i in profile_of(*events, config=free).interests}
    for item_id in "abcd":
        wanted = sum(
            event_weight(e, free.weights) * decay((NOW_US - e.occurred_at_us) / 1e6, free)
            for e in events
            if e.item_id == item_id
        )
        assert weights.get(item_id, 0.0) == pytest.approx(wanted, abs=1e-9)


def test_events_about_one_item_combine() -> None:
    [interest] = profile_of(event(1, "a", "add_to_cart"), event(2, "a", "purchase")).interests
    assert interest.weight == pytest.approx(10.0)
    assert interest.event_types == ("add_to_cart", "purchase")
    assert (interest.last_event_type, interest.last_at_us) == ("purchase", NOW_US)


def test_a_burst_of_old_views_leaves_the_newest_purchase_whole() -> None:
    old = [event(i, "a", "view", at_us=NOW_US - 300 * DAY_US) for i in range(100)]
    alone = profile_of(event(200, "a", "purchase")).interests[0].weight
    assert profile_of(*old, event(200, "a", "purchase")).interests[0].weight >= alone


def test_repeated_events_stop_at_the_cap_in_both_directions() -> None:
    views = profile_of(*(event(i, "a", "view") for i in range(90)))
    assert views.interests[0].weight == CONFIG.max_item_weight
    dismissals = profile_of(*(event(i, "a", "dismiss") for i in range(90)))
    assert dismissals.interests[0].weight == -CONFIG.max_item_weight


def test_an_item_taken_out_of_the_cart_is_seen_but_no_interest() -> None:
    profile = profile_of(event(1, "a", "add_to_cart"), event(2, "a", "remove_from_cart"))
    assert profile.interests == ()
    assert profile.seen == {"a"}


def test_impressions_alone_are_neither_seen_nor_an_interest() -> None:
    profile = profile_of(event(1, "a", "impression"))
    assert (profile.interests, profile.seen, profile.num_events) == ((), frozenset(), 1)


def test_only_the_newest_events_are_read() -> None:
    config = ProfileConfig(max_events=2)
    events = [event(i, f"i{i}", "view", at_us=NOW_US - i * DAY_US) for i in range(5)]
    assert profile_of(*events, config=config).seen == {"i0", "i1"}
    assert newest_events(events, 2) == [events[1], events[0]]


def test_only_the_newest_reviews_keep_their_text() -> None:
    config = ProfileConfig(max_reviews=2)
    events = [event(i, f"i{i}", "review", value=5.0, text=f" text {i} ") for i in range(4)]
    profile = profile_of(*events, config=config)
    assert sorted(profile.review_texts) == ["text 2", "text 3"]
    assert profile_of(*events, config=ProfileConfig(max_reviews=0)).review_texts == ()


def test_a_review_pulls_by_its_own_sign() -> None:
    bad = profile_of(event(1, "a", "purchase"), event(2, "a", "review", value=1.0, text="broke"))
    good = profile_of(event(1, "a", "review", value=5.0, text="fine"))
    assert bad.interests[0].weight == pytest.approx(2.0)
    assert bad.interests[0].review_weight == pytest.approx(-0.6)
    assert good.interests[0].review_weight == pytest.approx(0.9)
    assert good.interests[0].stars == 5.0


def test_an_unknown_user_has_an_empty_profile() -> None:
    assert profile_of() == UserProfile("user:a", (), frozenset(), 0)


# --- user vectors -------------------------------------------------------------------------------


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def interest(item_id: str, weight: float, review: str | None = None, review_weight: float = 0.0) -> Interest:
    return Interest(item_id, weight, ("view",), "view", NOW_US, None, review, review_weight)


def vector_of(*interests: Interest, vectors: Mapping[str, np.ndarray], **reviews: np.ndarray) -> UserVector:
    profile = UserProfile("user:a", interests, frozenset(), len(interests))
    return user_vector(profile, vectors, reviews)


X, Y = unit(1, 0), unit(0, 1)


def rebuilt(user: UserVector) -> np.ndarray:
    weights = np.array([part.weight for part in user.parts])
    return np.asarray(weights @ user.matrix.astype(np.float64))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.floats(-20, 20).filter(lambda w: abs(w) > 1e-6), max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_a_user_vector_is_unit_or_zero_and_the_sum_of_its_parts(weights: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = {f"i{n}": unit(*rng.normal(size=6)) for n in range(len(weights))}
    user = vector_of(*(interest(f"i{n}", w) for n, w in enumerate(weights)), vectors=vectors)
    assert user.vector.dtype == np.float32
    if user.is_zero:
        assert not user.vector.any()
        return
    assert np.linalg.norm(user.vector) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(rebuilt(user), user.vector, atol=1e-6)
    raw = [part.weight * user.length for part in user.parts]
    pushed, drawn = -sum(w for w in raw if w < 0), sum(w for w in raw if w > 0)
    assert drawn == pytest.approx(sum(w for w in weights if w > 0))
    assert pushed == pytest.approx(min(-sum(w for w in weights if w < 0), NEGATIVE_LIMIT * drawn))


def test_the_stronger_interest_draws_more() -> None:
    user = vector_of(interest("x", 3.0), interest("y", 1.0), vectors={"x": X, "y": Y})
    np.testing.assert_allclose(user.vector, unit(3, 1), atol=1e-6)


def test_a_disliked_item_pushes_away() -> None:
    user = vector_of(interest("x", 4.0), interest("y", -1.0), vectors={"x": X, "y": Y})
    np.testing.assert_allclose(user.vector, unit(4, -1), atol=1e-6)


def test_a_few_dismissals_do_not_outvote_a_taste() -> None:
    user = vector_of(interest("x", 1.0), interest("y", -50.0), vectors={"x": X, "y": unit(1, 3)})
    assert float(user.vector @ X) > 0.5


@pytest.mark.parametrize(
    "interests",
    [
        (),
        (interest("x", -3.0),),
        (interest("gone", 3.0),),
        (interest("x", 1.0), interest("minus_x", 1.0)),
        (interest("zero", 2.0),),
    ],
    ids=["nothing", "only dislikes", "unknown items", "opposites cancel", "vector of no length"],
)
def test_the_vector_is_zero_when_nothing_says_what_is_liked(interests: tuple[Interest, ...]) -> None:
    vectors = {"x": X, "minus_x": -X, "zero": np.zeros(2, dtype=np.float32)}
    user = vector_of(*interests, vectors=vectors)
    assert (user.is_zero, user.vector.tolist(), user.matrix.shape) == (True, [0.0, 0.0], (0, 2))


def test_the_vector_is_zero_when_it_no_longer_points_to_what_is_liked() -> None:
    user = vector_of(
        interest("x", 4.0), interest("y", 4.0), interest("z", -4.0),
        vectors={"x": unit(1, 0.1), "y": unit(-1, 0.1), "z": unit(0, 1)},
    )  # fmt: skip
    assert user.is_zero


def test_a_history_of_long_ago_still_gives_a_direction() -> None:
    user = vector_of(interest("x", 3e-310), interest("y", 1e-310), vectors={"x": X, "y": Y})
    np.testing.assert_allclose(user.vector, unit(3, 1), atol=1e-6)


def test_items_without_a_vector_are_skipped_and_reported() -> None:
    user = vector_of(interest("gone", 9.0, "text", 2.7), interest("x", 1.0), vectors={"x": X}, text=Y)
    assert user.unknown_items == ("gone",)
    np.testing.assert_allclose(user.vector, X, atol=1e-6)


def test_a_review_takes_its_share_of_the_pull() -> None:
    user = vector_of(interest("x", 10.0, "text", 3.0), vectors={"x": X}, text=Y)
    np.testing.assert_allclose(user.vector, unit(7, 3), atol=1e-6)
    assert [(p.kind, p.item_id) for p in user.parts] == [(PartKind.ITEM, "x"), (PartKind.REVIEW, "x")]


def test_a_review_that_is_not_encoded_leaves_all_of_it_to_the_item() -> None:
    user = vector_of(interest("x", 10.0, "text", 3.0), interest("y", 10.0), vectors={"x": X, "y": Y})
    np.testing.assert_allclose(user.vector, unit(1, 1), atol=1e-6)


def test_context_and_history_share_as_told_and_stay_attributable() -> None:
    user = vector_of(interest("x", 5.0), vectors={"x": X})
    blended = with_context(user, [Context(Y, item_id="y")], 0.75)
    np.testing.assert_allclose(blended.vector, unit(1, 3), atol=1e-6)
    np.testing.assert_allclose(rebuilt(blended), blended.vector, atol=1e-6)
    assert [part.kind for part in blended.parts] == [PartKind.ITEM, PartKind.CONTEXT]
    query = with_context(user, [Context(Y, text="warm socks")], 1.0)
    assert [(p.kind, p.text) for p in query.parts] == [(PartKind.QUERY, "warm socks")]


def test_a_stranger_gets_the_context_alone_and_no_context_changes_nothing() -> None:
    stranger = vector_of(vectors={"x": X})
    np.testing.assert_allclose(with_context(stranger, [Context(Y, item_id="y")], 0.2).vector, Y)
    assert with_context(stranger, [], 0.5) is stranger
    nobody = vector_of(vectors={})
    np.testing.assert_allclose(with_context(nobody, [Context(Y, text="q")], 0.2).vector, Y)


def test_a_context_opposite_to_the_history_wins() -> None:
    user = vector_of(interest("x", 5.0), vectors={"x": X})
    np.testing.assert_allclose(with_context(user, [Context(-X, text="q")], 0.5).vector, -X)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_context_weight_out_of_range_is_refused(weight: float) -> None:
    user = vector_of(interest("x", 5.0), vectors={"x": X})
    with pytest.raises(InputError):
        with_context(user, [Context(Y, item_id="y")], weight)


def test_a_context_of_another_size_is_refused() -> None:
    user = vector_of(interest("x", 5.0), vectors={"x": X})
    with pytest.raises(InputError, match="differ in size"):
        with_context(user, [Context(unit(1, 2, 3), item_id="y")], 0.5)


def test_custom_weights_change_the_profile() -> None:
    weights = EventWeights(view=0.0, other={"wishlist": 5.0})
    profile = profile_of(
        event(1, "a", "view"), event(2, "b", "wishlist"), config=ProfileConfig(weights=weights)
    )
    assert [(i.item_id, i.weight) for i in profile.interests] == [("b", 5.0)]
    assert profile.seen == {"a", "b"}
