"""Contributions put into words that a shopper reads."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recsys.explain.contributions import Contribution
from recsys.explain.wording import category_leaf, shared_attributes, short_title
from recsys.profile import Interest, PartKind, UserProfile

Fields = Mapping[str, Any]


class ReasonKind(StrEnum):
    """What a reason is about."""

    PURCHASE = "purchase"
    RATING = "rating"
    REVIEW = "review"
    LIKE = "like"
    CART = "cart"
    WATCHED = "watched"
    """A view that told how much of the item was watched."""
    VIEW = "view"
    HISTORY = "history"
    """Anything else in the user's history."""
    CONTINUE = "continue"
    """The item itself, begun and not finished."""
    CONTEXT = "context"
    GOES_WITH = "goes_with"
    """What the shop states to go with the named item."""
    QUERY = "query"
    POPULAR = "popular"
    POPULAR_IN_CATEGORY = "popular_in_category"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason a shopper reads under a recommended item."""

    kind: ReasonKind
    text: str
    item_id: str | None = None
    """The user's own item; None for queries and fallback lists."""
    share: float | None = None
    """Its fraction in [0, 1] of everything that speaks for the item; None for fallback lists."""
    contribution: float | None = None
    """Its part of the score; None for fallback lists."""
    shared: tuple[str, ...] = ()
    """Brand, category and title words that both items have, at most a few."""


def reasons(
    contributed: Iterable[Contribution],
    positive: float,
    items: Mapping[str, Fields],
    profile: UserProfile,
    limit: int = 2,
    *,
    item: Fields | None = None,
) -> tuple[Reason, ...]:
    """The `limit` strongest reasons for one recommended item.

    `contributed` are its contributions, largest first, `positive` is the sum of those above zero.
    `items` holds the fields of the user's own items, `item` those of the recommended one (for what
    both share). Only things that raise the score, and that the user was drawn to, are named: an item
    that helps because it is the opposite of something disliked has no reason to show. Each item is
    named once. Empty when nothing qualifies.
    """
    interests = {interest.item_id: interest for interest in profile.interests}
    watched = profile.watched
    named: dict[tuple[str | None, str | None], Reason] = {}
    for one in contributed:
        if len(named) >= limit or one.value <= 0.0:
            break
        kind = _kind(one, interests, watched)
        name = (one.item_id, one.text)
        if kind is None or name in named:
            continue
        own = items.get(one.item_id) if one.item_id else None
        shared = shared_attributes(own, item) if own and item else ()
        share = min(one.value / positive, 1.0)
        named[name] = Reason(kind, _sentence(kind, one, own), one.item_id, share, one.value, shared)
    return tuple(named.values())


_BY_EVENT = (
    ("purchase", ReasonKind.PURCHASE),
    ("like", ReasonKind.LIKE),
    ("add_to_cart", ReasonKind.CART),
    ("click", ReasonKind.VIEW),
    ("view", ReasonKind.VIEW),
)


def _kind(one: Contribution, interests: Mapping[str, Interest], watched: Container[str]) -> ReasonKind | None:
    if one.kind is PartKind.POPULARITY:
        return ReasonKind.POPULAR
    if one.kind in (PartKind.CONTEXT, PartKind.QUERY):
        return ReasonKind(one.kind.value)
    interest = interests.get(one.item_id or "")
    if interest is None or interest.weight <= 0.0:
        return None
    if one.kind is PartKind.REVIEW and interest.review_weight > 0.0:
        return ReasonKind.REVIEW
    return _kind_of_events(interest, watched)


def _kind_of_events(interest: Interest, watched: Container[str]) -> ReasonKind:
    if interest.stars is not None and interest.stars > 3.0:
        return ReasonKind.RATING
    done = set(interest.event_types)
    if "return" in done:
        done.discard("purchase")
    if interest.review_weight > 0.0 and "purchase" not in done:
        return ReasonKind.REVIEW
    kind = next((kind for event, kind in _BY_EVENT if event in done), ReasonKind.HISTORY)
    return ReasonKind.WATCHED if kind is ReasonKind.VIEW and interest.item_id in watched else kind


_SENTENCES = {
    ReasonKind.PURCHASE: "Because you bought {}",
    ReasonKind.RATING: "Because you rated {} highly",
    ReasonKind.REVIEW: "Because you wrote about {}",
    ReasonKind.LIKE: "Because you liked {}",
    ReasonKind.CART: "Because you put {} in your cart",
    ReasonKind.WATCHED: "Because you watched {}",
    ReasonKind.VIEW: "Because you viewed {}",
    ReasonKind.HISTORY: "Because of your interest in {}",
    ReasonKind.CONTEXT: "Similar to {}",
    ReasonKind.GOES_WITH: "Goes with {}",
    ReasonKind.QUERY: "Matches {}",
    ReasonKind.POPULAR: "Popular right now",
}


def _sentence(kind: ReasonKind, one: Contribution, own: Fields | None) -> str:
    if kind is ReasonKind.QUERY:
        return _SENTENCES[kind].format(f"'{short_title(one.text or '')}'")
    return _about(kind, own)


def _about(kind: ReasonKind, own: Fields | None) -> str:
    title = short_title(str(own.get("title") or "")) if own else ""
    return _SENTENCES[kind].format(title or "an item like this")


def stated_reason(item_id: str, own: Fields | None) -> Reason:
    """The reason of an item that is stated to go with `item_id`, whose fields are `own`."""
    return Reason(ReasonKind.GOES_WITH, _about(ReasonKind.GOES_WITH, own), item_id)


def anchor_reason(item_id: str, own: Fields | None, profile: UserProfile) -> Reason:
    """The reason of an item whose list is made around `item_id`, of the user's own, fields `own`."""
    kinds = (_kind_of_events(one, profile.watched) for one in profile.interests if one.item_id == item_id)
    kind = next(kinds, ReasonKind.HISTORY)
    return Reason(kind, _about(kind, own), item_id)


def begun_reason(item_id: str, profile: UserProfile) -> Reason:
    """The reason of an item that the user is in the middle of: how far."""
    share = next((one.share for one in profile.progress if one.item_id == item_id), 0.0)
    return Reason(ReasonKind.CONTINUE, f"Watched to {max(share, 0.01):.0%}", item_id)


def fallback_reason(kind: ReasonKind, category: str | None = None) -> Reason:
    """The reason of an item from an un-personalised list: popular, popular in `category`, or new."""
    leaf = category_leaf(category)
    if kind is ReasonKind.POPULAR_IN_CATEGORY and leaf:
        return Reason(kind, f"Popular in {leaf}", shared=(leaf,))
    return Reason(kind, "New in the shop" if kind is ReasonKind.NEW else "Popular right now")
