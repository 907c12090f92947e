"""The writing half of the service: batches are cleaned row by row, then made durable."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import pyarrow as pa

from cluster.event_store import AppendCounts
from cluster.item_store import ItemStore
from recsys.catalog import clean_items
from recsys.config import ImportConfig, ServeConfig
from recsys.errors import EncoderError, InputError, NotFoundError
from recsys.interactions import clean_events
from recsys.payloads import DeleteAck, EventsAck, ItemsAck, Rejection
from recsys.privacy.names import PLAIN, Names
from recsys.reading import table_of_rows
from recsys.schemas import Cleaned
from serve_app.index_watch import IndexWatch
from serve_app.metrics import Metrics
from serve_app.telemetry import span

ROWS = ImportConfig()
HTTP = "request"
"""Name of the source in the faults of rows that came over HTTP."""


class EventAppender(Protocol):
    """Whoever writes events durably."""

    async def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`); durable when it returns."""


@dataclass
class Writes:
    """Catalog changes and events on their way into the stores."""

    config: ServeConfig
    watch: IndexWatch
    items: ItemStore
    events: EventAppender
    metrics: Metrics
    names: Names = PLAIN

    async def put_items(self, rows: Sequence[dict[str, Any]]) -> ItemsAck:
        """Clean, store durably, then show at once in this replica and soon in the others."""
        cleaned = await asyncio.to_thread(lambda: clean_items(table_of_rows(rows), config=ROWS, file=HTTP))
        rejected = self._judge(cleaned, "item", len(rows))
        counts = await asyncio.to_thread(self.items.upsert, cleaned.good)
        self.metrics.items.labels("accepted").inc(cleaned.good.num_rows)
        await self._show_changes()
        return ItemsAck(
            inserted=counts.inserted,
            updated=counts.updated,
            unchanged=counts.unchanged,
            stale=counts.stale,
            rejected=rejected,
        )

    async def delete_item(self, item_id: str) -> DeleteAck:
        """Delete durably and hide at once; raises `NotFoundError` when there is no such item."""
        if not (deleted := await asyncio.to_thread(self.items.delete, [item_id])):
            raise NotFoundError("there is no such item", found=item_id)
        await self._show_changes()
        return DeleteAck(deleted=deleted)

    async def put_events(self, rows: Sequence[dict[str, Any]]) -> EventsAck:
        """Clean and append; durable when it returns."""
        cleaned = await asyncio.to_thread(self._clean_events, rows)
        rejected = self._judge(cleaned, "event", len(rows))
        with span("append"):
            counts = await self.events.append(cleaned.good)
        self.metrics.events.labels("appended").inc(counts.appended)
        self.metrics.events.labels("duplicate").inc(counts.duplicates)
        self.metrics.events.labels("erased").inc(counts.erased)
        return EventsAck(
            appended=counts.appended,
            duplicates=counts.duplicates,
            erased=counts.erased,
            unknown_items=await self._unknown_items(cleaned.good),
            rejected=rejected,
        )

    def _clean_events(self, rows: Sequence[dict[str, Any]]) -> Cleaned:
        known = self.config.profile.weights.known_types()
        now = datetime.now(UTC)
        return clean_events(
            table_of_rows(rows),
            known_types=known,
            received_at=now,
            config=ROWS.model_copy(update={"event_types": self.config.event_types}),
            file=HTTP,
            names=self.names,
        )

    def _judge(self, cleaned: Cleaned, kind: str, num_rows: int) -> list[Rejection]:
        """The refused rows; raises `InputError` when nothing is left to write."""
        rejected = [
            Rejection(row=(row["row"] or 1) - 1, reason=row["reason"], detail=row["detail"])
            for row in cleaned.bad.to_pylist()
        ]
        counter = self.metrics.items if kind == "item" else self.metrics.events
        counter.labels("rejected").inc(len(rejected))
        if cleaned.good.num_rows == 0:
            first = (
                f"row {rejected[0].row}: {rejected[0].reason}, {rejected[0].detail}" if rejected else "none"
            )
            raise InputError(f"no {kind} of the {num_rows} sent was accepted", found=first)
        return rejected

    async def _show_changes(self) -> None:
        # The write is durable already: a failing encoder must not turn its ack into an error.
        with contextlib.suppress(EncoderError):
            await self.watch.refresh_items()
        self.metrics.live_items.set(self.watch.view.live.num_items)

    async def _unknown_items(self, events: pa.Table) -> int:
        ids = events.column("item_id").to_pylist()
        known = await self.watch.view.items(sorted(set(ids)))
        return sum(item_id not in known for item_id in ids)
