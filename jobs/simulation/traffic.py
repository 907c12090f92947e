"""Shoppers of a simulated shop at a real service: they ask, look, click and buy, several at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from jobs.simulation.visit_log import Visit, VisitLog
from recsys.config import Config
from recsys.simulator import BehaviourConfig, Population, Session, act
from recsys.simulator.behaviour import expected

TIMEOUT_S = 30.0


class TrafficConfig(Config):
    """How much traffic, and of what kind."""

    requests: PositiveInt = 2_000
    """Lists asked for."""
    concurrency: PositiveInt = 4
    """Shoppers in the shop at the same time."""
    rate: PositiveFloat | None = None
    """Most requests a second; None: as many as the service answers."""
    n: PositiveInt = 10
    """Items of a list."""
    scenario: str | None = None
    """Place in the shop; None names none."""
    seed: int = Field(default=1, ge=0)
    """Seed of who comes and of what they do."""
    behaviour: BehaviourConfig = BehaviourConfig()
    """How shoppers look, click and buy."""


@dataclass
class Traffic:
    """One run of traffic."""

    population: Population
    config: TrafficConfig
    base_url: str
    log: VisitLog
    on_visit: Callable[[Visit], None] = lambda visit: None
    """Told of every visit, in the order in which they end."""
    seen_enough: Callable[[], bool] = lambda: False
    """Asked before each visit: whether nobody else needs to come."""
    failed: int = 0
    """Requests without a 200: lists and events together."""
    events: int = 0
    """Events that were acked."""
    _bought: dict[int, set[str]] = field(default_factory=dict)
    _met: dict[int, np.ndarray] = field(default_factory=dict)
    """By shopper: `[N] bool`, items that were acted on, which a list does not show again."""

    async def run(self, first: int = 0) -> None:
        """Visits `first` to `config.requests`; returns when all have ended, or enough was seen."""
        limits = httpx.Limits(max_connections=2 * self.config.concurrency)
        start, next_ = time.perf_counter(), iter(range(first, self.config.requests))
        async with httpx.AsyncClient(base_url=self.base_url, timeout=TIMEOUT_S, limits=limits) as client:
            await asyncio.gather(
                *(self._shopper(client, next_, start, first) for _ in range(self.config.concurrency))
            )

    async def _shopper(self, client: httpx.AsyncClient, numbers: Any, start: float, first: int) -> None:
        for number in numbers:
            if self.seen_enough():
                return
            if self.config.rate is not None:
                due = start + (number - first) / self.config.rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            visit = await self._visit(client, number, start)
            self.log.add(visit)
            self.on_visit(visit)

    async def _visit(self, client: httpx.AsyncClient, number: int, start: float) -> Visit:
        rng = np.random.default_rng([self.config.seed, number])
        user = int(rng.integers(len(self.population.user_ids)))
        body: dict[str, Any] = {
            "user_id": self.population.user_ids[user],
            "n": self.config.n,
            "explain": False,
        }
        if self.config.scenario:
            body["scenario"] = self.config.scenario
        asked = time.perf_counter()
        status, answer = await self._post(client, "/v1/recommend", body)
        latency = time.perf_counter() - asked
        ids = tuple(item["item_id"] for item in answer.get("items", []))
        bought = self._bought.setdefault(user, set())
        best = self._best(user)
        session = act(self.population, user, ids, bought, self.config.behaviour, rng)
        self._meet(user, session)
        bought |= {one.item_id for one in session.acts if one.event_type == "purchase"}
        await self._tell(client, number, user, session, answer.get("recommendation_id"))
        clicks, purchases = expected(self.population.likings(user, ids), self.config.behaviour)
        return Visit(
            number,
            round(asked - start, 4),
            self.population.user_ids[user],
            status,
            round(1e3 * latency, 3),
            answer.get("index_version", ""),
            answer.get("recommendation_id", ""),
            ids,
            tuple(answer.get("degraded", ())),
            answer.get("variant") or "",
            session.count("click"),
            session.count("purchase"),
            round(clicks, 6),
            round(purchases, 6),
            round(best, 6),
        )

    def _best(self, user: int) -> float:
        met = self._met.setdefault(user, np.zeros(len(self.population.place), bool))
        left = np.where(met, 0.0, self.population.liking[user])
        return expected(np.sort(left)[::-1][: self.config.n], self.config.behaviour)[1]

    def _meet(self, user: int, session: Session) -> None:
        acted = [one.item_id for one in session.acts if one.event_type != "impression"]
        self._met[user][self.population.columns(acted)] = True

    async def _tell(
        self,
        client: httpx.AsyncClient,
        number: int,
        user: int,
        session: Session,
        recommendation_id: str | None,
    ) -> None:
        if not session.acts:
            return
        events = [
            {
                "event_id": f"sim-{self.config.seed}-{number}-{place}",
                "user_id": self.population.user_ids[user],
                "item_id": one.item_id,
                "event_type": one.event_type,
                "session_id": f"sim-{self.config.seed}-{number}",
                **(
                    {"recommendation_id": recommendation_id, "position": one.position}
                    if one.position and recommendation_id
                    else {}
                ),
            }
            for place, one in enumerate(session.acts)
        ]
        status, _ = await self._post(client, "/v1/events:batch", {"events": events})
        self.events += len(events) if status == httpx.codes.OK else 0

    async def _post(
        self, client: httpx.AsyncClient, path: str, body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer; nothing is sent twice, so that every failure is seen."""
        try:
            answer = await client.post(path, json=body)
        except httpx.HTTPError:
            self.failed += 1
            return 0, {}
        if answer.status_code != httpx.codes.OK:
            self.failed += 1
            return answer.status_code, {}
        decoded: dict[str, Any] = answer.json()
        return answer.status_code, decoded
