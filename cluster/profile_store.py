"""Profiles of one part of the users, cached over the event log and never older than it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Protocol

from recsys.config import ProfileConfig
from recsys.history import HistoryEvent
from recsys.identifiers import shard_of
from recsys.profile import UserProfile, build_profile

CACHED_USERS = 50_000
CACHED_EVENTS = 250_000
"""Bounds memory where a few users have long histories: about half a kilobyte an event."""
QUICK_EVENTS = 100
"""Events from which a profile is made in about a millisecond."""
MAX_CATCH_UP = 10_000
"""Further behind than this, forgetting the cache is cheaper than following event by event."""


class EventReader(Protocol):
    """What a partition needs of the event store."""

    def events_of(self, user_key: str, limit: int) -> list[HistoryEvent]:
        """The newest events of one user, oldest first."""

    def events_after(self, seq: int, limit: int) -> list[HistoryEvent]:
        """Events with a larger number, in order."""

    def last_seq(self) -> int:
        """Number of the newest event."""

    def erasures(self) -> int:
        """A number that grows when somebody is erased."""

    def change_sign(self) -> int | None:
        """A number that differs after any write; None where nobody knows without reading."""


def partition_of(user_key: str, num_partitions: int) -> int:
    """The partition in [0, num_partitions) that owns a user."""
    return shard_of(user_key, num_partitions)


class ProfilePartition:
    """Answers profiles from histories that it reads from the log when first asked, then follows.

    Before every answer it reads the events after the last one it saw, so that an event is part of
    the next profile as soon as it is durable, whichever process wrote it. Nothing is kept that the
    log does not have: a partition that dies is rebuilt by being asked. The users asked for longest
    ago leave the cache when it holds more than `cached_users` users or `cached_events` events.
    Thread-safe.
    """

    def __init__(
        self,
        events: EventReader,
        config: ProfileConfig,
        cached_users: int = CACHED_USERS,
        cached_events: int = CACHED_EVENTS,
    ) -> None:
        self._events, self._config = events, config
        self._cached_users, self._cached_events = cached_users, cached_events
        self._num_events = 0
        self._histories: OrderedDict[str, list[HistoryEvent]] = OrderedDict()
        self._seen_seq: int | None = None
        self._seen_sign: int | None = None
        self._seen_erasures: int | None = None
        self._lock = Lock()

    def profile(self, user_key: str, now_us: int) -> UserProfile:
        """The profile with every durable event; an empty one for an unknown user. Raises `StoreError`."""
        with self._lock:
            sign = self._events.change_sign()  # before the read: what is written meanwhile shows next time
            if sign is None or sign != self._seen_sign:
                self._catch_up()
                self._seen_sign = sign
            history = list(self._history(user_key))
            self._make_room()
        return build_profile(user_key, history, now_us, self._config)

    def profile_at_once(self, user_key: str, now_us: int) -> UserProfile | None:
        """The profile where it takes no waiting and little work; else None. Raises `StoreError`.

        A log that has a sign is a file of this machine: one history is read from it sooner than a thread
        gets its turn beside a busy loop. Many new events, and a long history, are left to a thread.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            sign = self._events.change_sign()
            if sign is None or (sign != self._seen_sign and not self._catches_up_quickly()):
                return None
            self._seen_sign = sign
            history = list(self._history(user_key, QUICK_EVENTS + 1))
            self._make_room()
        finally:
            self._lock.release()
        too_many = len(history) > QUICK_EVENTS
        return None if too_many else build_profile(user_key, history, now_us, self._config)

    def _catches_up_quickly(self) -> bool:
        """Read what is new where it is little; whether it was."""
        if self._seen_seq is None or self._events.last_seq() - self._seen_seq > QUICK_EVENTS:
            return False
        self._catch_up()
        return True

    def forget(self, user_key: str) -> None:
        """Drop one user from the cache; the next profile reads the log again."""
        with self._lock:
            self._drop(user_key)

    def _history(self, user_key: str, limit: int | None = None) -> list[HistoryEvent]:
        """The newest events; with a `limit` that they reach, only so many of them and not remembered."""
        known = self._histories.get(user_key)
        if known is None:
            most = self._config.max_events
            known = self._events.events_of(user_key, min(limit or most, most))
            if len(known) == limit:
                return known
            self._histories[user_key] = known
            self._num_events += len(known)
        self._histories.move_to_end(user_key)
        return known

    def _catch_up(self) -> None:
        if (erasures := self._events.erasures()) != self._seen_erasures:
            # The tombstone does not say whose history it was; all of them are read again when asked for.
            self._seen_erasures = erasures
            self._forget_all()
        if self._seen_seq is None:
            self._seen_seq = self._events.last_seq()
            return
        newer = self._events.events_after(self._seen_seq, MAX_CATCH_UP)
        if len(newer) == MAX_CATCH_UP:
            # The log's end first: an event between the two reads is then read twice, never missed.
            self._seen_seq = self._events.last_seq()
            self._forget_all()
            return
        self._append(newer)

    def _append(self, newer: Iterable[HistoryEvent]) -> None:
        for event in newer:
            if event.ties:  # what the visitor did before has become part of the user's history
                self._drop(event.user_key)
            self._append_to(event.user_key, event)
            if event.owner_key:
                self._append_to(event.owner_key, event)
            self._seen_seq = event.seq

    def _append_to(self, user_key: str, event: HistoryEvent) -> None:
        history = self._histories.get(user_key)
        # A history read after the last look may hold the event already.
        if history is not None and (not history or history[-1].seq < event.seq):
            history.append(event)
            self._num_events += 1
            if len(history) > self._config.max_events:
                del history[0]
                self._num_events -= 1

    def _drop(self, user_key: str) -> None:
        self._num_events -= len(self._histories.pop(user_key, ()))

    def _forget_all(self) -> None:
        self._histories.clear()
        self._num_events = 0

    def _make_room(self) -> None:
        while len(self._histories) > self._cached_users or self._num_events > self._cached_events:
            _, history = self._histories.popitem(last=False)
            self._num_events -= len(history)
