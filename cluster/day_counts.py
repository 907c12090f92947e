"""The queries behind live popularity: events by item, type and day, and no user more than his share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Subquery, and_, case, func, select

from cluster.database import EVENTS_TABLE, VISITOR_OWNERS

DAY_US = 86_400_000_000
MOST_LEFT_OUT = 10_000
"""Users that one query names; databases bound their parameters."""


def counted_by_day(new: ColumnElement[bool], left_out: Collection[str]) -> Select[Any]:
    """`(item, type, day, count)` of the rows that `new` picks."""
    rows = EVENTS_TABLE.c
    day = _day(rows).label("day")
    found = select(rows.item_id, rows.event_type, day, func.count())
    return _without(found, left_out).where(new).group_by(rows.item_id, rows.event_type, day)


def counted_by_day_and_user(
    new: ColumnElement[bool], after: int, most: int, left_out: Collection[str]
) -> Select[Any]:
    """The same, no user adding more than `most` to an item, type and day, counted from the first event."""
    rows = EVENTS_TABLE.c
    added, known = _by_user(new, left_out).subquery("added"), None
    if after > 0:
        # Counted once for all kinds: asked for each kind, a user's whole past would be read each time.
        active = _without(select(rows.user_key), left_out).where(new)
        touched = select(rows.item_id).where(new)
        past = (rows.seq <= after) & rows.user_key.in_(active) & rows.item_id.in_(touched)
        known = _by_user(past, ()).subquery("known")
    return _what_counts(added, known, most)


def _what_counts(added: Subquery, known: Subquery | None, most: int) -> Select[Any]:
    """What `added` adds to `known` under a share of `most`, summed over users."""
    source: FromClause = added
    before: Any = 0
    if known is not None:
        alike = (added.c[name] == known.c[name] for name in ("user_key", "item_id", "event_type", "day"))
        source = added.outerjoin(known, and_(*alike))
        before = func.coalesce(known.c.num, 0)
    total = func.sum(_at_most(before + added.c.num, most) - _at_most(before, most))
    kinds = (added.c.item_id, added.c.event_type, added.c.day)
    return select(*kinds, total).select_from(source).group_by(*kinds)


def _by_user(picked: ColumnElement[bool], left_out: Collection[str]) -> Select[Any]:
    """`(user, item, type, day, num)` of the rows that `picked` picks."""
    rows = EVENTS_TABLE.c
    kinds = rows.user_key, rows.item_id, rows.event_type, _day(rows).label("day")
    found = _without(select(*kinds, func.count().label("num")), left_out)
    return found.where(picked).group_by(*kinds)


def _day(rows: Any) -> Any:
    """Days since 1970 UTC; a sender's clock may not make days of the future, each with its own share."""
    return case((rows.occurred_at > rows.received_at, rows.received_at), else_=rows.occurred_at) // DAY_US


def _at_most(value: Any, most: int) -> Any:
    return case((value > most, most), else_=value) if not isinstance(value, int) else min(value, most)


def _without(found: Select[Any], left_out: Collection[str]) -> Select[Any]:
    if not left_out:
        return found
    rows, owners = EVENTS_TABLE.c, VISITOR_OWNERS.c
    owner = func.coalesce(owners.user_key, rows.user_key)
    named = sorted(left_out)[:MOST_LEFT_OUT]
    joined = found.select_from(EVENTS_TABLE.outerjoin(VISITOR_OWNERS, rows.user_key == owners.visitor_key))
    return joined.where(owner.not_in(named))
