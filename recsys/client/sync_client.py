"""The synchronous client."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self, TypeVar

import httpx

from recsys.client.call import Call
from recsys.client.config import ClientConfig
from recsys.client.connection import Caller, request_of, unanswered
from recsys.client.exchange import Attempt, Pause, Received, Step, Told
from recsys.client.methods import Sends
from recsys.client.routes import catalog, controls, events, evidence, listings, operations, operators, people

T = TypeVar("T")


class Client(Caller):
    """Calls a service and waits for its answers; a call blocks its thread, and threads may share a client.

    Raises what `recsys.client.errors` draws. What is safe or idempotent is sent again after a pause where
    the service is busy or not reached; other calls only where they never left. Close it, or use it as a
    context manager.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        config: ClientConfig | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`transport` replaces httpx's own, for proxies, certificates of one's own, and tests."""
        super().__init__(base_url, api_key, config)
        self._http = httpx.Client(base_url=base_url, limits=self._limits, transport=transport)

    def send(self, call: Call[T], /) -> T:
        """Send a call that a function of `recsys.client.routes` made."""
        steps = self._exchange(call)
        told: Told = None
        while True:
            try:
                step = steps.send(told)
            except StopIteration as end:
                answer: T = end.value
                return answer
            told = self._does(step)

    def _does(self, step: Step) -> Told:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self._attempted(step)
        except httpx.RequestError as error:
            return unanswered(error)

    def _attempted(self, attempt: Attempt) -> Received:
        # httpx's own timeout begins anew with each part of an answer.
        end = time.monotonic() + attempt.timeout_s
        answer = self._http.send(request_of(self._http, attempt), stream=True)
        try:
            parts = []
            for part in answer.iter_bytes():
                parts.append(part)
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("the answer's end is late", request=answer.request)
        finally:
            answer.close()
        return Received(answer.status_code, answer.headers, b"".join(parts))

    def close(self) -> None:
        """Close the connections, also those of clients that `with_config` made."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    recommend = Sends(listings.recommend)
    similar = Sends(listings.similar)
    lists = Sends(listings.lists)
    rank = Sends(listings.rank)
    search = Sends(listings.search)
    embed = Sends(listings.embed)

    put_items = Sends(catalog.put_items)
    delete_item = Sends(catalog.delete_item)
    item = Sends(catalog.item)
    items = Sends(catalog.items)
    categories = Sends(catalog.categories)

    put_events = Sends(events.put_events)

    profile = Sends(people.profile)
    export_user = Sends(people.export_user)
    erase_user = Sends(people.erase_user)

    decisions = Sends(controls.decisions)
    decision = Sends(controls.decision)
    put_decision = Sends(controls.put_decision)
    delete_decision = Sends(controls.delete_decision)
    preview_rules = Sends(controls.preview_rules)
    reviews = Sends(controls.reviews)
    decide_review = Sends(controls.decide_review)
    audit = Sends(controls.audit)

    experiment_results = Sends(evidence.experiment_results)
    off_policy = Sends(evidence.off_policy)

    healthy = Sends(operations.healthy)
    ready = Sends(operations.ready)
    index = Sends(operations.index)
    metrics = Sends(operations.metrics)
    loop = Sends(operations.loop)
    pause_loop = Sends(operations.pause_loop)
    resume_loop = Sends(operations.resume_loop)
    ask_job = Sends(operations.ask_job)
    jobs = Sends(operations.jobs)
    job = Sends(operations.job)

    health = Sends(operators.health)
    versions = Sends(operators.versions)
    publish = Sends(operators.publish)
    roll_back = Sends(operators.roll_back)
    quality = Sends(operators.quality)
    explain = Sends(operators.explain)
    item_map = Sends(operators.item_map)
    browse_items = Sends(operators.browse_items)
    quarantine = Sends(operators.quarantine)
    quarantined_rows = Sends(operators.quarantined_rows)
