"""Bounds on what one user's events say in what is learned for everybody."""

from __future__ import annotations

import numpy as np

from recsys.config import UserCaps
from recsys.interaction_log import DAY_US, InteractionLog


def capped(log: InteractionLog, caps: UserCaps) -> InteractionLog:
    """The log with no more of any user than `caps` allows; where it bites the newest events stay.

    Popularity, item-item counts, transitions and examples are sums over a log's events, so that a bound
    on the events of one user and item bounds each of them. First a day's events on one item are cut,
    then all on one item, then all of the user. Capping twice is capping once. A log within its bounds
    comes back itself. Histories, from which a user's own list is made, are read from the whole log.
    """
    pair = log.users.astype(np.int64) * max(log.num_items, 1) + log.items
    day = log.occurred_at_us // DAY_US
    kept = np.flatnonzero(newer_alike(pair, day) < caps.item_events_a_day)
    kept = kept[newer_alike(pair[kept], np.zeros(len(kept), np.int64)) < caps.item_events]
    kept = kept[newer_alike(log.users[kept], np.zeros(len(kept), np.int64)) < caps.events]
    return log if len(kept) == len(log) else log.select(kept)


def newer_alike(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """`[E] int64`: how many later entries have the same two keys."""
    order = np.lexsort((second, first))  # stable: the order of the log within equal keys
    ordered, other = first[order], second[order]
    if not len(order):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, (np.diff(ordered) != 0) | (np.diff(other) != 0)])
    ends = np.r_[starts[1:], len(order)]
    group = np.repeat(np.arange(len(starts)), ends - starts)
    newer = np.empty(len(order), np.int64)
    newer[order] = ends[group] - 1 - np.arange(len(order))
    return newer
