"""Rows of the event log as they are read: whole ones, and what is known of the others."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from operator import itemgetter
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, Select
from sqlalchemy.exc import OperationalError

from cluster.database import EVENTS_TABLE
from cluster.event_digest import DIGESTED, WIDTH, fault_of
from recsys.history import HistoryEvent

log = logging.getLogger(__name__)
SEQ, EVENT_ID, USER_KEY, VISITOR_ID, ITEM_ID = (
    DIGESTED.index(name) for name in ("seq", "event_id", "user_key", "visitor_id", "item_id")
)
EVENT_TYPE, VALUE, REVIEW, LIST, OCCURRED = (
    DIGESTED.index(name)
    for name in ("event_type", "value", "review_text", "recommendation_id", "occurred_at")
)
OF_EVENT = (SEQ, EVENT_ID, USER_KEY, ITEM_ID, EVENT_TYPE, VALUE, REVIEW, OCCURRED)
OF_HISTORY, OF_FOLLOWED = itemgetter(*OF_EVENT), itemgetter(*OF_EVENT, VISITOR_ID, WIDTH + 1)
"""What `HistoryEvent` takes of a row, in its order."""
ROW = tuple(EVENTS_TABLE.c[name] for name in (*DIGESTED, "digest"))
"""What a query selects first so that its rows can be checked."""
UNDECODABLE = "Could not decode to UTF-8"
KEPT_REASONS = 1_000


class DamagedRows:
    """Rows that were left out of answers because the disk changed them. Thread-safe."""

    def __init__(self) -> None:
        self._reasons: dict[int, str] = {}
        self._lock = Lock()

    def add(self, seq: int, reason: str) -> None:
        """Remember one row; it counts once however often it is read."""
        with self._lock:
            if seq in self._reasons or len(self._reasons) >= KEPT_REASONS:
                return
            self._reasons[seq] = reason
        log.error("event %s is left out: %s; `recsys events verify` tells all", seq, reason)

    @property
    def reasons(self) -> Mapping[int, str]:
        """Reason by `seq`, at most `KEPT_REASONS`."""
        with self._lock:
            return dict(self._reasons)

    def __len__(self) -> int:
        return len(self._reasons)


def read_rows(connection: Connection, statement: Select[Any]) -> Sequence[Row[Any]]:
    """Rows of a query; a text that is no UTF-8 comes with its odd bytes as half surrogate pairs.

    SQLite's driver refuses such a text, and with it every row of the query.
    """
    try:
        return connection.execute(statement).all()
    except OperationalError as error:
        if UNDECODABLE not in str(error.orig):
            raise
    driver: Any = connection.connection.driver_connection
    strict, driver.text_factory = driver.text_factory, _odd_bytes_kept
    try:
        return connection.execute(statement).all()
    finally:
        driver.text_factory = strict


def whole(rows: Sequence[Row[Any]], damaged: DamagedRows) -> list[Row[Any]]:
    """Those of the rows (of `ROW` and whatever follows) that are as they were written."""
    kept = []
    for row in rows:
        fault = fault_of(row)
        if fault is None:
            kept.append(row)
        else:
            damaged.add(row[SEQ] if isinstance(row[SEQ], int) else -1, fault)
    return kept


def history_event(row: Sequence[Any]) -> HistoryEvent:
    """The event of a row, without the visitor that it names."""
    return HistoryEvent(*OF_HISTORY(row))


def followed_event(row: Sequence[Any]) -> HistoryEvent:
    """The event of a row that ends with its visitor's owner."""
    return HistoryEvent(*OF_FOLLOWED(row))


def _odd_bytes_kept(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
