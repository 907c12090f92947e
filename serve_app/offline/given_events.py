"""Histories that a caller brings, in place of those of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from recsys.config import ImportConfig, ProfileConfig
from recsys.errors import InputError
from recsys.history import HistoryEvent, user_key
from recsys.interactions import clean_events
from recsys.payloads import Shopper
from recsys.privacy.names import Names
from recsys.reading import table_of_rows

SOURCE = "events"
"""Name of the source in what is said of bad rows."""


class GivenEvents:
    """Events as a profile partition reads them (`EventReader`): one state that nothing is added to."""

    def __init__(self, events: Any, config: ProfileConfig, names: Names) -> None:
        """`events`: an Arrow table, anything that gives one (pandas, polars), or a sequence of mappings.

        Columns are those that an import takes; rows are in the order in which they happened or came.
        Raises `InputError` for a row that is no event.
        """
        cleaned = clean_events(
            table_of(events),
            known_types=config.weights.known_types(),
            received_at=datetime.now(UTC),
            config=ImportConfig(),
            file=SOURCE,
        )
        if cleaned.bad.num_rows:
            first = cleaned.bad.slice(0, 1).to_pylist()[0]
            raise InputError(
                f"{cleaned.bad.num_rows} of the rows are no events",
                found=f"row {first['row']}: {first['reason']}, {first['detail']}",
            )
        self.people: list[Shopper] = []
        """Everybody in the events by first appearance, by their own names."""
        self._histories: dict[str, list[HistoryEvent]] = {}
        for seq, row in enumerate(cleaned.good.to_pylist(), 1):
            self._take(seq, row, names)

    def _take(self, seq: int, row: Mapping[str, Any], names: Names) -> None:
        who = Shopper(user_id=row["user_id"], visitor_id=None if row["user_id"] else row["visitor_id"])
        user = who.user_id and names.of("user", who.user_id)
        key = user_key(user, who.visitor_id and names.of("visitor", who.visitor_id))
        if key not in self._histories:
            self.people.append(who)
        event = HistoryEvent(
            seq,
            row["event_id"],
            key,
            row["item_id"],
            row["event_type"],
            row["value"],
            row["review_text"],
            int(row["occurred_at"].timestamp() * 1e6),
        )
        self._histories.setdefault(key, []).append(event)

    def events_of(self, user_key: str, limit: int) -> list[HistoryEvent]:
        """See `EventReader`."""
        return self._histories.get(user_key, [])[-limit:]

    def events_after(self, seq: int, limit: int) -> list[HistoryEvent]:
        """See `EventReader`."""
        return []

    def last_seq(self) -> int:
        """See `EventReader`."""
        return 0

    def erasures(self) -> int:
        """See `EventReader`."""
        return 0

    def change_sign(self) -> int:
        """See `EventReader`."""
        return 0


def table_of(rows: Any) -> pa.Table:
    """What a caller has as rows, as a table; raises `InputError` for what is none."""
    if isinstance(rows, pa.Table):
        return rows
    if hasattr(rows, "__arrow_c_stream__"):
        return pa.table(rows)
    if isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows):
        return table_of_rows(rows)
    raise InputError(
        "these are no events",
        expected="an Arrow table, a data frame, or a list of mappings",
        found=type(rows).__name__,
    )
