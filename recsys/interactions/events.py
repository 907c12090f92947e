"""Raw rows -> `EVENTS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.catalog.fields import long_text
from recsys.catalog.text_cleaning import clean_text
from recsys.columns import (
    CleanColumn,
    Faults,
    clean_each,
    clean_ids,
    clean_numbers,
    clean_times,
    map_columns,
    missing_columns,
    plain_table,
    quarantine_rows,
)
from recsys.config import ImportConfig
from recsys.interactions import fields
from recsys.privacy.names import PLAIN, Names
from recsys.schemas import EVENTS, STRING, TIMESTAMP, Cleaned

CLOCK_SKEW = timedelta(days=1)
REQUIRED = (("item_id",), ("event_type",), ("user_id", "visitor_id"))
IDS = ("session_id", "recommendation_id")
MEANING = ("user_id", "visitor_id", "item_id", "event_type", "value", "review_text", "occurred_at")
"""What makes two events without ids the same event."""


def lacking_columns(found: Sequence[str], config: ImportConfig) -> str | None:
    """Why files with these columns hold no events, or None when they may."""
    mapped = map_columns(found, fields.ALIASES, config.columns)
    return missing_columns(found, mapped, REQUIRED, config.columns)


def clean_events(
    table: pa.Table,
    *,
    known_types: frozenset[str],
    received_at: datetime,
    config: ImportConfig,
    file: str,
    rows: Sequence[int] | None = None,
    repeatable: bool = False,
    names: Names = PLAIN,
) -> Cleaned:
    """Rows of any columns and types as events; those that cannot be are quarantined.

    An event without a time happened at `received_at`; one without an `event_id` gets the digest of
    its meaning. Of a source that is read again (`repeatable`: a file) the time of arrival is no part
    of that meaning, so that each event counts once; of a request it is, so that a second click is a
    second event. Ids of people, sessions and events become those that `names` keeps. Raises
    `SchemaError` when `config.columns` names a field that does not exist.
    """
    numbers = rows if rows is not None else range(1, table.num_rows + 1)
    table = plain_table(table)
    mapped = map_columns(table.column_names, fields.ALIASES, config.columns)
    if detail := missing_columns(table.column_names, mapped, REQUIRED, {}):
        faults = {row: ("missing_columns", detail) for row in range(table.num_rows)}
        return Cleaned(EVENTS.empty_table(), quarantine_rows(table, faults, file, numbers))
    cleaning = _Cleaning(table, mapped, known_types, received_at, repeatable, names, config.event_types)
    return cleaning.result(file, numbers)


class _Cleaning:
    """One batch on its way; the first fault of a row is the one that is reported."""

    def __init__(
        self,
        table: pa.Table,
        mapped: Mapping[str, str],
        known_types: frozenset[str],
        received_at: datetime,
        repeatable: bool,
        names: Names,
        chosen_types: Mapping[str, str],
    ) -> None:
        self._chosen_types = chosen_types
        self._table, self._mapped, self._repeatable, self._names = table, mapped, repeatable, names
        self._known_types, self._received_at = known_types, received_at
        self._faults: Faults = {}

    def result(self, file: str, numbers: Sequence[int]) -> Cleaned:
        columns = self._columns()
        self._require_stars(columns["event_type"], columns["value"])
        received = pa.array([self._received_at] * self._table.num_rows, TIMESTAMP)
        dated = {**columns, "occurred_at": pc.coalesce(columns["occurred_at"], received)}
        columns["event_id"] = self._event_ids(columns if self._repeatable else dated)
        columns |= {"occurred_at": dated["occurred_at"], "received_at": received}
        good = pa.table([columns[name] for name in EVENTS.names], names=EVENTS.names)
        if self._faults:
            keep = [row for row in range(good.num_rows) if row not in self._faults]
            good = good.take(pa.array(keep, pa.int64()))
        return Cleaned(good.cast(EVENTS), quarantine_rows(self._table, self._faults, file, numbers))

    def _columns(self) -> dict[str, pa.Array]:
        found = self._people()
        found["item_id"] = self._take(clean_ids(self._raw("item_id"), required=True))
        found["event_type"] = self._take(clean_each(self._raw("event_type"), self._type, STRING))
        found["value"] = self._take(clean_numbers(self._raw("value"), "bad_value"))
        found["review_text"] = self._take(clean_each(self._raw("review_text"), _review, STRING))
        for name in IDS:
            found[name] = self._take(clean_ids(self._raw(name), required=False, personal=True))
        found["session_id"] = self._names.column("session", found["session_id"])
        position = self._take(clean_numbers(self._raw("position"), "bad_position"))
        found["position"] = self._whole(position)
        latest = self._received_at + CLOCK_SKEW
        found["occurred_at"] = self._take(clean_times(self._raw("occurred_at"), latest))
        return found

    def _type(self, value: Any) -> str:
        return fields.event_type(value, self._known_types, self._chosen_types)

    def _people(self) -> dict[str, pa.Array]:
        users = self._take(clean_ids(self._raw("user_id"), required=False, personal=True))
        visitors = self._take(clean_ids(self._raw("visitor_id"), required=False, personal=True))
        nobody = pc.and_(pc.is_null(users), pc.is_null(visitors))
        for row in pc.indices_nonzero(nobody).to_pylist():
            self._faults.setdefault(row, ("missing_user", "expected user_id or visitor_id; found neither"))
        # Before anything is derived from them, an event's own id included.
        return {
            "user_id": self._names.column("user", users),
            "visitor_id": self._names.column("visitor", visitors),
        }

    def _whole(self, numbers: pa.Array) -> pa.Array:
        sound = pc.and_(pc.equal(numbers, pc.round(numbers)), pc.less(pc.abs(numbers), 2**31))
        for row in pc.indices_nonzero(pc.invert(sound)).to_pylist():
            self._faults.setdefault(row, ("bad_position", "expected a whole number"))
        return pc.if_else(sound, numbers, pa.scalar(None, pa.float64())).cast(pa.int32())

    def _require_stars(self, types: pa.Array, values: pa.Array) -> None:
        """A rating has stars, a review may; both within bounds."""
        in_range = pc.and_(pc.greater_equal(values, 0.0), pc.less_equal(values, fields.MAX_STARS))
        bare = pc.and_(pc.equal(types, "rating"), pc.is_null(values))
        starred = pc.is_in(types, value_set=pa.array(["rating", "review"]))
        wrong = pc.or_(bare, pc.and_(starred, pc.invert(pc.fill_null(in_range, True))))
        for row in pc.indices_nonzero(wrong).to_pylist():
            detail = f"expected stars from 0 to {fields.MAX_STARS:g}; found {values[row].as_py()}"
            self._faults.setdefault(row, ("bad_value", detail))

    def _event_ids(self, columns: Mapping[str, pa.Array]) -> pa.Array:
        cleaned = self._take(clean_ids(self._raw("event_id"), required=False, personal=True))
        given = self._names.column("event", cleaned)
        if given.null_count == 0:
            return given
        ids = given.to_pylist()
        times = columns["occurred_at"].cast(pa.int64())
        said = [times if name == "occurred_at" else columns[name] for name in MEANING]
        meanings = zip(*(column.to_pylist() for column in said), strict=True)
        derived = [own or _digest(meaning) for own, meaning in zip(ids, meanings, strict=True)]
        return pa.array(derived, STRING)

    def _raw(self, name: str) -> pa.ChunkedArray:
        if name not in self._mapped:
            return pa.chunked_array([pa.nulls(self._table.num_rows, STRING)])
        return self._table.column(self._mapped[name])

    def _take(self, column: CleanColumn) -> pa.Array:
        for row, fault in column.faults.items():
            self._faults.setdefault(row, fault)
        return column.values


def _review(value: Any) -> str | None:
    return clean_text(long_text(value), fields.MAX_REVIEW_CHARS) or None


def _digest(meaning: Sequence[Any]) -> str:
    parts = "\x1f".join("" if part is None else str(part) for part in meaning)
    return blake2b(parts.encode("utf-8", "replace"), digest_size=16).hexdigest()
