"""Laws of contributions and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.explain import (
    Contribution,
    Contributions,
    Reason,
    ReasonKind,
    anchor_reason,
    begun_reason,
    fallback_reason,
    reasons,
    shared_attributes,
    short_title,
)
from recsys.profile import (
    Context,
    Interest,
    PartKind,
    Progress,
    UserProfile,
    UserVector,
    user_vector,
    with_context,
)

DIM = 5


def contributions(user: UserVector, item: np.ndarray) -> tuple[Contribution, ...]:
    """All contributions to one item, the second of two, so that places matter."""
    found = Contributions(user, np.stack([np.ones_like(item), item]))
    given_all = tuple(found.best_first(1))
    assert found.positive(1) == pytest.approx(sum(c.value for c in given_all if c.value > 0.0))
    return given_all


def explained(
    found: Sequence[Contribution],
    items: Mapping[str, Any],
    profile: UserProfile,
    limit: int = 2,
    item: Mapping[str, Any] | None = None,
) -> tuple[Reason, ...]:
    """The reasons behind some contributions."""
    return reasons(found, sum(c.value for c in found if c.value > 0.0), items, profile, limit, item=item)


def unit_rows(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.normal(size=(count, DIM)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def interest(
    item_id: str,
    weight: float,
    *types: str,
    review_weight: float = 0.0,
    stars: float | None = None,
) -> Interest:
    text = f"about {item_id}" if review_weight else None
    done = types or ("view",)
    return Interest(item_id, weight, done, done[-1], 0, stars, text, review_weight)


def profile_of(*interests: Interest) -> UserProfile:
    return UserProfile("user:a", interests, frozenset(i.item_id for i in interests), len(interests))


WEIGHTS = st.floats(-12, 12).filter(lambda w: abs(w) > 0.01)


@st.composite
def worlds(draw: st.DrawFn, weights: st.SearchStrategy[float] = WEIGHTS) -> tuple[Any, ...]:
    """A profile with some reviews, the vectors it needs, and an item's vector."""
    chosen = draw(st.lists(st.tuples(weights, st.sampled_from([0.0, 0.3, -0.3])), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    profile = profile_of(
        *(interest(f"i{n}", w, review_weight=share * abs(w)) for n, (w, share) in enumerate(chosen))
    )
    items = dict(zip(profile.item_ids, unit_rows(rng, len(chosen)), strict=True))
    texts = dict(zip(profile.review_texts, unit_rows(rng, len(profile.review_texts)), strict=True))
    return profile, items, texts, unit_rows(rng, 3)


@settings(deadline=None, max_examples=200)
@given(worlds(), st.floats(0, 1))
def test_contributions_sum_to_the_score(world: tuple[Any, ...], weight: float) -> None:
    profile, items, texts, (item, asked, looked_at) = world
    user = user_vector(profile, items, texts)
    contexts = [Context(asked, text="socks"), Context(looked_at, item_id="i0")]
    for one in (user, with_context(user, contexts, weight)):
        found = contributions(one, item)
        assert sum(c.value for c in found) == pytest.approx(float(one.vector @ item), abs=1e-5)
        names = [(c.kind in (PartKind.CONTEXT, PartKind.QUERY), c.item_id, c.text) for c in found]
        assert len(set(names)) == len(names)
        assert [c.value for c in found] == sorted((c.value for c in found), reverse=True)


@settings(deadline=None, max_examples=200)
@given(worlds(st.floats(0.01, 12)))
def test_deleting_the_named_item_lowers_the_raw_score_by_its_contribution(world: tuple[Any, ...]) -> None:
    profile, items, _, (item, *_) = world
    user = user_vector(profile, items, {})
    named = explained(contributions(user, item), {}, profile, limit=1)
    if not named:
        return
    left = profile_of(*(i for i in profile.interests if i.item_id != named[0].item_id))
    without = user_vector(left, items, {})
    before = user.length * float(user.vector.astype(np.float64) @ item)
    after = without.length * float(without.vector.astype(np.float64) @ item)
    assert named[0].contribution is not None
    if not without.is_zero or not left.interests:
        assert before - after == pytest.approx(named[0].contribution * user.length, abs=1e-4)
        assert after < before


@settings(deadline=None, max_examples=200)
@given(worlds(), st.integers(0, 8))
def test_reasons_are_positive_own_distinct_and_their_shares_are_fractions(
    world: tuple[Any, ...], limit: int
) -> None:
    profile, items, texts, (item, *_) = world
    found = contributions(user_vector(profile, items, texts), item)
    given_reasons = explained(found, {}, profile, limit)
    assert len(given_reasons) <= limit
    liked = {i.item_id for i in profile.interests if i.weight > 0.0}
    named = [reason.item_id for reason in given_reasons]
    assert len(set(named)) == len(named)
    assert set(named) <= liked
    values = [reason.contribution or 0.0 for reason in given_reasons]
    assert all(value > 0.0 for value in values)
    assert values == sorted(values, reverse=True)
    shares = [reason.share or 0.0 for reason in given_reasons]
    assert all(0.0 < share <= 1.0 for share in shares)
    assert sum(shares) <= 1.0 + 1e-9


def test_nothing_is_explained_for_a_stranger() -> None:
    nobody = user_vector(profile_of(), {"x": np.ones(DIM, dtype=np.float32)}, {})
    assert contributions(nobody, np.ones(DIM, dtype=np.float32)) == ()
    unseen = user_vector(profile_of(), {}, {})
    assert contributions(unseen, np.ones(DIM, dtype=np.float32)) == (), "no vector, so no width either"
    assert explained((), {}, profile_of()) == ()


def reason_text(one: Interest, kind: PartKind = PartKind.ITEM) -> tuple[str, ReasonKind]:
    found = explained(
        [Contribution(kind, one.item_id, 0.5)], {one.item_id: {"title": "Moka pot"}}, profile_of(one)
    )
    return found[0].text, found[0].kind


@pytest.mark.parametrize(
    ("one", "text", "kind"),
    [
        (interest("a", 7, "view", "purchase"), "Because you bought Moka pot", ReasonKind.PURCHASE),
        (interest("a", 1, "view"), "Because you viewed Moka pot", ReasonKind.VIEW),
        (interest("a", 4, "add_to_cart"), "Because you put Moka pot in your cart", ReasonKind.CART),
        (interest("a", 4, "like"), "Because you liked Moka pot", ReasonKind.LIKE),
        (interest("a", 3, "rating", stars=5.0), "Because you rated Moka pot highly", ReasonKind.RATING),
        (
            interest("a", 2, "purchase", "rating", stars=1.0),
            "Because you bought Moka pot",
            ReasonKind.PURCHASE,
        ),
        (interest("a", 3, "review", review_weight=1), "Because you wrote about Moka pot", ReasonKind.REVIEW),
        (interest("a", 1, "view", "purchase", "return"), "Because you viewed Moka pot", ReasonKind.VIEW),
        (interest("a", 1, "wishlist"), "Because of your interest in Moka pot", ReasonKind.HISTORY),
    ],
)
def test_a_reason_says_what_the_shopper_did(one: Interest, text: str, kind: ReasonKind) -> None:
    assert reason_text(one) == (text, kind)


def test_the_shoppers_words_are_the_reason_where_they_add_more_than_the_item() -> None:
    bought = interest("a", 6, "purchase", "review", review_weight=2.0, stars=5.0)
    assert reason_text(bought, PartKind.REVIEW)[1] is ReasonKind.REVIEW
    x, y = np.eye(2, dtype=np.float32)
    user = user_vector(profile_of(bought), {"a": x}, {"about a": y})
    assert [c.kind for c in contributions(user, y)] == [PartKind.REVIEW]
    assert [c.kind for c in contributions(user, x)] == [PartKind.ITEM]


def test_a_disliked_item_is_never_a_reason_although_its_opposite_scores() -> None:
    profile = profile_of(interest("liked", 2.0), interest("hated", -1.0, "dismiss"))
    found = [Contribution(PartKind.ITEM, "hated", 0.6), Contribution(PartKind.ITEM, "liked", 0.2)]
    [reason] = explained(found, {}, profile)
    assert reason.item_id == "liked"
    assert reason.share == pytest.approx(0.25)


def test_items_that_are_not_of_this_shopper_are_never_named() -> None:
    stray = [Contribution(PartKind.ITEM, "of-someone-else", 0.9)]
    assert explained(stray, {"of-someone-else": {"title": "Secret"}}, profile_of(interest("a", 1.0))) == ()


def test_context_and_query_are_named_as_such() -> None:
    found = [
        Contribution(PartKind.CONTEXT, "c", 0.3),
        Contribution(PartKind.QUERY, None, 0.2, "warm  socks"),
        Contribution(PartKind.CONTEXT, "gone", 0.1),
    ]
    texts = [r.text for r in explained(found, {"c": {"title": "Desk lamp"}}, profile_of(), limit=3)]
    assert texts == ["Similar to Desk lamp", "Matches 'warm socks'", "Similar to an item like this"]


def test_shared_attributes_are_named_once_in_the_recommended_items_spelling() -> None:
    own = {"title": "ACME ergonomic desk chair, black", "brand": "acme", "category": "Office/Chairs"}
    item = {"title": "Acme Ergonomic Chair for the office", "brand": "Acme", "category": "Home/Chairs"}
    assert shared_attributes(own, item) == ("Acme", "Chairs", "Ergonomic", "Chair")
    assert shared_attributes({"title": "for the best"}, {"title": "the best for you"}) == ()
    [reason] = explained(
        [Contribution(PartKind.ITEM, "a", 1.0)], {"a": own}, profile_of(interest("a", 1.0)), item=item
    )
    assert reason.shared == ("Acme", "Chairs", "Ergonomic", "Chair")


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200))
def test_titles_become_one_short_line(title: str) -> None:
    line = short_title(title)
    assert len(line) <= 60
    assert line == " ".join(line.split())


def test_long_titles_are_cut_at_a_word() -> None:
    title = "Ergonomic office chair with lumbar support, adjustable arms and a headrest"
    assert short_title(title) == "Ergonomic office chair with lumbar support, adjustable arms…"
    assert len(short_title("x" * 100)) == 60


def test_fallback_lists_say_what_they_are() -> None:
    assert fallback_reason(ReasonKind.POPULAR).text == "Popular right now"
    assert fallback_reason(ReasonKind.NEW).text == "New in the shop"
    in_category = fallback_reason(ReasonKind.POPULAR_IN_CATEGORY, "Office/Chairs")
    assert (in_category.text, in_category.kind) == ("Popular in Chairs", ReasonKind.POPULAR_IN_CATEGORY)
    assert fallback_reason(ReasonKind.POPULAR_IN_CATEGORY, None).text == "Popular right now"
    assert in_category.share is None


def test_a_view_with_a_share_was_watched_and_what_is_begun_says_how_far() -> None:
    profile = UserProfile(
        "user:a",
        (interest("a", 1.0), interest("b", 1.0), interest("c", 1.0, "view", "purchase")),
        frozenset("abc"),
        3,
        (Progress("a", 1.0, 2), Progress("c", 0.426, 1), Progress("d", 0.002, 0)),
    )
    fields = {name: {"title": f"Film {name.upper()}"} for name in "abc"}
    given = [Contribution(PartKind.ITEM, name, 1.0) for name in "abc"]
    assert [one.text for one in explained(given, fields, profile, limit=3)] == [
        "Because you watched Film A",
        "Because you viewed Film B",
        "Because you bought Film C",
    ]
    for name, (kind, text) in {
        "a": (ReasonKind.WATCHED, "Because you watched Film A"),
        "b": (ReasonKind.VIEW, "Because you viewed Film B"),
        "z": (ReasonKind.HISTORY, "Because of your interest in an item like this"),
    }.items():
        found = anchor_reason(name, fields.get(name), profile)
        assert (found.kind, found.text, found.item_id) == (kind, text, name)
    begun = [begun_reason(name, profile) for name in "cd"]
    assert [one.text for one in begun] == ["Watched to 43%", "Watched to 1%"]
    assert {one.kind for one in begun} == {ReasonKind.CONTINUE}
