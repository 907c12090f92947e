"""The event store as a process of its own: JSON batches in, acks out. Killed by its test, often."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime

import pyarrow as pa

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.event_writer import EventWriter
from recsys.schemas import EVENTS, conform


def events_table(event_ids: list[str]) -> pa.Table:
    """Events with these ids."""
    count, now = len(event_ids), datetime.now(UTC)
    return conform(
        pa.table(
            {
                "event_id": event_ids,
                "user_id": ["u"] * count,
                "item_id": ["i"] * count,
                "event_type": ["view"] * count,
                "occurred_at": [now] * count,
                "received_at": [now] * count,
            }
        ),
        EVENTS,
    )


async def serve(url: str) -> None:
    """Append each line's batch, all of them at the same time, and ack it when it is durable."""
    writer = EventWriter(EventStore(open_database(url)))
    loop, tasks = asyncio.get_running_loop(), set()

    async def append(line: str) -> None:
        batch = json.loads(line)
        await writer.append(events_table(batch["ids"]))
        sys.stdout.write(json.dumps({"batch": batch["batch"]}) + "\n")
        sys.stdout.flush()

    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.create_task(append(line))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


if __name__ == "__main__":
    assert not {"ray", "torch"} & set(sys.modules), "the event store must start without Ray and torch"
    asyncio.run(serve(sys.argv[1]))
