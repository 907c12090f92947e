"""Requests at a steady rate from a process of its own: URL RATE LOG [EVENTS]; ends when its input closes.

The rate does not wait for answers, and latency counts from the moment a request was due, so that a service
that stands still is seen to do so. Nothing is sent twice, but on a kept connection that was closed meanwhile.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import urlsplit

import orjson
import uvloop

TIMEOUT_S = 10.0
MOST_OPEN = 3_000
FLUSH_S = 0.1
"""How often answers reach the log: writing each by itself would cost the service a part of its core."""
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Response = tuple[int, dict[bytes, bytes], bytes]
"""Status, headers, body."""


@dataclass(frozen=True)
class Answer:
    """One request and what came of it."""

    at_s: float
    """When it was due, on the machine's monotonic clock."""
    latency_ms: float
    status: int
    """0: no answer."""
    ratio: float = 1.0
    degraded: tuple[str, ...] = ()
    index_version: str = ""
    num_items: int = 0
    retry_after: bool = False
    sent: tuple[str, ...] = ()
    """Ids of the events in it."""
    why: str = ""
    """What kept it from an answer."""


@dataclass
class Client:
    """A small HTTP client over kept connections."""

    url: str
    idle: list[Connection] = field(default_factory=list)

    async def post(self, path: str, body: bytes) -> Response:
        """The answer to one request."""
        if self.idle:
            try:
                return await self._on(self.idle.pop(), path, body)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass  # closed while it was idle
        host = urlsplit(self.url)
        return await self._on(await asyncio.open_connection(host.hostname, host.port), path, body)

    async def _on(
        self, connection: Connection, path: str, body: bytes
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        reader, writer = connection
        try:
            head = f"POST {path} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            status, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            pairs = (line.partition(b":") for line in lines if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            content = await reader.readexactly(int(headers.get(b"content-length", b"0")))
        except BaseException:
            writer.close()
            raise
        if headers.get(b"connection") == b"close":
            writer.close()
        else:
            self.idle.append(connection)
        return int(status.split()[1]), headers, content


@dataclass
class Load:
    """Lists for shoppers in turn; every second request posts five events when events are wanted."""

    client: Client
    log: IO[bytes]
    events: bool = False
    flushed: float = 0.0

    async def run(self, rate: float, stop: asyncio.Event) -> None:
        """Send until told to stop, then wait for what is on its way."""
        tasks, begun, sent = set[asyncio.Task[None]](), time.monotonic(), 0
        while not stop.is_set():
            due = begun + sent / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sent += 1
            if len(tasks) >= MOST_OPEN:
                self._write(Answer(due, 0.0, 0, why="the client has too many open"))
                continue
            task = asyncio.create_task(self._one(due, sent))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _one(self, due: float, number: int) -> None:
        path, body, ids = self._request(number)
        try:
            status, headers, content = await asyncio.wait_for(self.client.post(path, body), TIMEOUT_S)
        except (OSError, asyncio.IncompleteReadError) as error:  # a timeout is one too
            self._write(Answer(due, _since(due), 0, sent=ids, why=type(error).__name__))
            return
        told: dict[str, Any] = orjson.loads(content) if status == 200 and not ids else {}
        self._write(
            Answer(
                due,
                _since(due),
                status,
                told.get("coverage", {}).get("ratio", 1.0),
                tuple(told.get("degraded", ())),
                told.get("index_version", ""),
                len(told.get("items", ())),
                b"retry-after" in headers,
                ids,
            )
        )

    def _request(self, number: int) -> tuple[str, bytes, tuple[str, ...]]:
        if self.events and number % 2:
            ids = tuple(f"load-{number}-{place}" for place in range(5))
            rows = [
                {
                    "event_id": one,
                    "user_id": f"load-{number % 97}",
                    "item_id": "item-00001",
                    "event_type": "view",
                }
                for one in ids
            ]
            return "/v1/events:batch", orjson.dumps({"events": rows}), ids
        body = {"user_id": f"shopper-{number % 200:04d}", "n": 10, "explain": False}
        return "/v1/recommend", orjson.dumps(body), ()

    def _write(self, answer: Answer) -> None:
        self.log.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
        if (now := time.monotonic()) - self.flushed >= FLUSH_S:
            self.flushed = now
            self.log.flush()


def _since(due: float) -> float:
    return round(1e3 * (time.monotonic() - due), 2)


async def main(url: str, rate: float, path: str, events: bool) -> None:
    """Load until the input ends."""
    loop = asyncio.get_running_loop()
    with open(path, "wb") as log:
        stop = asyncio.Event()
        running = asyncio.create_task(Load(Client(url), log, events).run(rate, stop))
        await loop.run_in_executor(None, sys.stdin.read)
        stop.set()
        await running


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3], "events" in sys.argv[4:]))
