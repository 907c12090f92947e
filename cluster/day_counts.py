"""The queries behind live popularity: events by item, type and day, and no user more than his share."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select

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
    rows, old = EVENTS_TABLE.c, EVENTS_TABLE.alias("old").c
    day = _day(rows).label("day")
    by_user = select(rows.user_key, rows.item_id, rows.event_type, day, func.count().label("num"))
    by_user = _without(by_user, left_out).where(new)
    added = by_user.group_by(rows.user_key, rows.item_id, rows.event_type, day).subquery("added").c
    alike = and_(
        old.user_key == added.user_key,
        old.seq <= after,
        old.item_id == added.item_id,
        old.event_type == added.event_type,
        _day(old) == added.day,
    )
    before: Any = select(func.count()).where(alike).scalar_subquery() if after > 0 else 0
    total = func.sum(_at_most(before + added.num, most) - _at_most(before, most))
    kinds = (added.item_id, added.event_type, added.day)
    return select(*kinds, total).group_by(*kinds)


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
