"""Both senders against a service that loses requests and answers: each event arrives, and counts once."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
from typing import Any

import httpx
import pytest

from recsys.client import (
    AsyncClient,
    AsyncEventSender,
    Client,
    ClientConfig,
    EventSender,
    SenderConfig,
    UnsentEventsError,
)
from recsys.errors import InputError, OverloadedError

ONCE = ClientConfig(max_attempts=1)
QUICK = SenderConfig(max_batch=7, max_age_s=0.002, first_pause_s=0.001, most_pause_s=0.002)


def event(number: int) -> dict[str, Any]:
    return {"event_id": f"e{number}", "user_id": "u", "item_id": "i", "event_type": "view"}


class Shop:
    """Keeps events by id; every third request is lost, before or after it is stored."""

    def __init__(self, broken: bool = False) -> None:
        self.stored: list[str] = []
        self.batches: list[int] = []
        self.broken, self._rng, self._calls = broken, random.Random(3), 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.content)["events"]
        self._calls += 1
        if self.broken:
            return httpx.Response(503, json={"type": "StoreError", "message": "no", "request_id": "r"})
        lost = self._calls % 3 == 0
        if lost and self._rng.random() < 0.5:
            raise httpx.ConnectError("gone")
        known = set(self.stored)
        new = [row["event_id"] for row in rows if row["event_id"] not in known]
        self.stored += new
        self.batches.append(len(rows))
        if lost:
            raise httpx.ReadError("the answer is gone")
        answer = {"appended": len(new), "duplicates": len(rows) - len(new), "erased": 0, "unknown_items": 0}
        return httpx.Response(200, json={**answer, "rejected": []})

    def client(self) -> Client:
        return Client("http://shop", config=ONCE, transport=httpx.MockTransport(self))

    def async_client(self) -> AsyncClient:
        return AsyncClient("http://shop", config=ONCE, transport=httpx.MockTransport(self))


def test_nothing_is_lost_or_doubled_between_threads_and_a_broken_line() -> None:
    shop = Shop()
    with shop.client() as client, EventSender(client, QUICK) as sender:

        def work(start: int) -> None:
            for number in range(start, start + 50):
                assert sender.send(event(number)) == f"e{number}"

        threads = [threading.Thread(target=work, args=(50 * part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(shop.stored) == sorted(f"e{number}" for number in range(200))
    assert max(shop.batches) <= 7
    assert (sender.counts.taken, sender.counts.rejected) == (200, 0)
    assert sender.counts.duplicates > 0, "the answers that were lost are part of this test"


def test_the_same_from_tasks() -> None:
    shop = Shop()

    async def scene() -> None:
        async with shop.async_client() as client, AsyncEventSender(client, QUICK) as sender:

            async def work(start: int) -> None:
                for number in range(start, start + 50):
                    await sender.send(event(number))
                    await asyncio.sleep(0)

            await asyncio.gather(*(work(50 * part) for part in range(4)))
        assert (sender.counts.taken, sender.counts.rejected) == (200, 0)
        assert sender.counts.duplicates > 0

    asyncio.run(scene())
    assert sorted(shop.stored) == sorted(f"e{number}" for number in range(200))
    assert max(shop.batches) <= 7


def test_a_flush_waits_for_what_was_sent_before_it() -> None:
    shop = Shop()
    patient = SenderConfig(max_age_s=60.0)
    with shop.client() as client, EventSender(client, patient) as sender:
        sender.send(event(1))
        assert shop.stored == []
        sender.flush()
        assert shop.stored == ["e1"]

    async def scene() -> None:
        async with shop.async_client() as client, AsyncEventSender(client, patient) as sender:
            await sender.send(event(2))
            await sender.flush()
            assert shop.stored == ["e1", "e2"]

    asyncio.run(scene())


def test_a_full_queue_refuses_and_an_end_that_cannot_be_orderly_hands_the_events_back() -> None:
    shop = Shop(broken=True)
    small = SenderConfig(capacity=3, max_age_s=0.001, full_wait_s=0.0, first_pause_s=0.001)
    with shop.client() as client:
        sender = EventSender(client, small)
        for number in range(3):
            sender.send(event(number))
        with pytest.raises(OverloadedError):
            sender.send(event(3))
        with pytest.raises(UnsentEventsError) as caught:
            sender.close(timeout_s=0.05)
        assert [row["event_id"] for row in caught.value.events] == ["e0", "e1", "e2"]
        with pytest.raises(InputError):
            sender.send(event(4))

    async def scene() -> None:
        async with shop.async_client() as client:
            sender = AsyncEventSender(client, small)
            for number in range(3):
                await sender.send(event(number))
            with pytest.raises(OverloadedError):
                await sender.send(event(3))
            with pytest.raises(UnsentEventsError) as caught:
                await sender.close(timeout_s=0.05)
            assert [row["event_id"] for row in caught.value.events] == ["e0", "e1", "e2"]
            with pytest.raises(InputError):
                await sender.send(event(4))

    asyncio.run(scene())


def test_whoever_waits_for_room_gets_it() -> None:
    shop = Shop()
    narrow = SenderConfig(capacity=2, max_batch=1, first_pause_s=0.001)
    with shop.client() as client, EventSender(client, narrow) as sender:
        for number in range(20):
            sender.send(event(number))
    assert shop.stored == [f"e{number}" for number in range(20)]


def test_the_end_of_the_program_sends_what_waits() -> None:
    code = """
import httpx, json
from recsys.client import Client, EventSender, SenderConfig
def shop(request):
    print([row["event_id"] for row in json.loads(request.content)["events"]], flush=True)
    ack = {"appended": 1, "duplicates": 0, "erased": 0, "unknown_items": 0, "rejected": []}
    return httpx.Response(200, json=ack)
sender = EventSender(Client("http://shop", transport=httpx.MockTransport(shop)), SenderConfig(max_age_s=60))
sender.send({"event_id": "last", "user_id": "u", "item_id": "i", "event_type": "view"})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['last']"
