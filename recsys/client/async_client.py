"""The asynchronous client."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, TypeVar

import httpx

from recsys.client.call import Call
from recsys.client.config import ClientConfig
from recsys.client.connection import Caller, request_of, unanswered
from recsys.client.exchange import Attempt, Pause, Received, Step, Told, Unanswered
from recsys.client.methods import Awaits
from recsys.client.routes import catalog, controls, events, evidence, listings, operations, operators, people

T = TypeVar("T")


class AsyncClient(Caller):
    """`Client` for asyncio: the same calls, awaited. Calls may run at the same time, in one event loop."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        config: ClientConfig | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` replaces httpx's own, for proxies, certificates of one's own, and tests."""
        super().__init__(base_url, api_key, config)
        self._http = httpx.AsyncClient(base_url=base_url, limits=self._limits, transport=transport)

    async def send(self, call: Call[T], /) -> T:
        """Send a call that a function of `recsys.client.routes` made."""
        steps = self._exchange(call)
        told: Told = None
        while True:
            try:
                step = steps.send(told)
            except StopIteration as end:
                answer: T = end.value
                return answer
            told = await self._does(step)

    async def _does(self, step: Step) -> Told:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            async with asyncio.timeout(step.timeout_s):
                return await self._attempted(step)
        except httpx.RequestError as error:
            return unanswered(error)
        except TimeoutError as error:
            return Unanswered(error, late=True, sent=True)

    async def _attempted(self, attempt: Attempt) -> Received:
        answer = await self._http.send(request_of(self._http, attempt))
        return Received(answer.status_code, answer.headers, answer.content)

    async def close(self) -> None:
        """Close the connections, also those of clients that `with_config` made."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    recommend = Awaits(listings.recommend)
    similar = Awaits(listings.similar)
    lists = Awaits(listings.lists)
    rank = Awaits(listings.rank)
    search = Awaits(listings.search)
    embed = Awaits(listings.embed)

    put_items = Awaits(catalog.put_items)
    delete_item = Awaits(catalog.delete_item)
    item = Awaits(catalog.item)
    items = Awaits(catalog.items)
    categories = Awaits(catalog.categories)

    put_events = Awaits(events.put_events)

    profile = Awaits(people.profile)
    export_user = Awaits(people.export_user)
    erase_user = Awaits(people.erase_user)

    decisions = Awaits(controls.decisions)
    decision = Awaits(controls.decision)
    put_decision = Awaits(controls.put_decision)
    delete_decision = Awaits(controls.delete_decision)
    preview_rules = Awaits(controls.preview_rules)
    reviews = Awaits(controls.reviews)
    decide_review = Awaits(controls.decide_review)
    audit = Awaits(controls.audit)

    experiment_results = Awaits(evidence.experiment_results)
    off_policy = Awaits(evidence.off_policy)

    healthy = Awaits(operations.healthy)
    ready = Awaits(operations.ready)
    index = Awaits(operations.index)
    metrics = Awaits(operations.metrics)
    loop = Awaits(operations.loop)
    pause_loop = Awaits(operations.pause_loop)
    resume_loop = Awaits(operations.resume_loop)
    ask_job = Awaits(operations.ask_job)
    jobs = Awaits(operations.jobs)
    job = Awaits(operations.job)

    health = Awaits(operators.health)
    versions = Awaits(operators.versions)
    publish = Awaits(operators.publish)
    roll_back = Awaits(operators.roll_back)
    quality = Awaits(operators.quality)
    explain = Awaits(operators.explain)
    item_map = Awaits(operators.item_map)
    browse_items = Awaits(operators.browse_items)
    quarantine = Awaits(operators.quarantine)
    quarantined_rows = Awaits(operators.quarantined_rows)
