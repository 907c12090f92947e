"""Ask all shards of one index version at once, keep the deadline, merge what answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, TypeVar

import numpy as np

from recsys.errors import InputError, RecsysError
from recsys.filters import Filter
from recsys.identifiers import shard_of
from recsys.retrieval import Candidates, Details, ItemLinks, Query, merge_top_k
from serve_app.breaker import CircuitBreaker
from serve_app.replica_call import unanswered
from serve_app.shard_clients import ShardClient
from serve_app.telemetry import span

T = TypeVar("T")
Call = Callable[[ShardClient], Awaitable[T]]


@dataclass(frozen=True)
class Coverage:
    """How much of an index version took part in an answer."""

    shards_ok: int
    shards_total: int
    items_ok: int
    items_total: int

    @property
    def ratio(self) -> float:
        """Items searched over items there are; 1 for an empty index whose shards all answered."""
        if self.items_total == 0:
            return 1.0 if self.shards_ok == self.shards_total else 0.0
        return self.items_ok / self.items_total


@dataclass(frozen=True)
class Retrieved:
    """Merged candidates with the account of who answered."""

    candidates: Candidates
    coverage: Coverage
    degraded: frozenset[str]


@dataclass(frozen=True)
class Matched:
    """The ids of a list that are there, available and pass, with the account of who answered."""

    item_ids: frozenset[str]
    unanswered: tuple[str, ...]
    """Ids whose shards did not answer."""
    coverage: Coverage
    degraded: frozenset[str]


class Retriever:
    """The shards of one pinned index version behind one search.

    A shard that fails, or is late, is left out and named in `degraded` (`shard_down`, `timeout`);
    the answer is the exact top-K of the shards that did answer.
    """

    def __init__(
        self,
        shards: Sequence[ShardClient],
        breakers: Sequence[CircuitBreaker],
        index_version: str,
        shard_items: Sequence[int],
    ) -> None:
        self._shards, self._breakers, self._version = shards, breakers, index_version
        self._shard_items = shard_items

    @property
    def in_process(self) -> bool:
        """Whether asking costs no waiting, so that tasks at the same time would cost more than they win."""
        return all(shard.in_process for shard in self._shards)

    async def search(self, query: Query, k: int, exclude: frozenset[str], where: Filter | None) -> Retrieved:
        """The best `k` items for one query, in total order."""
        return await self._top_k("search", k, lambda s: s.search(self._version, query, k, exclude, where))

    async def newest(self, k: int, exclude: frozenset[str], where: Filter | None) -> Retrieved:
        """The newest `k` items."""
        return await self._top_k("newest", k, lambda s: s.newest(self._version, k, exclude, where))

    async def vectors(self, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """Embeddings of the items whose shards answered."""
        found: dict[str, np.ndarray] = {}
        for part in await self._by_owner("vectors", item_ids, lambda s, ids: s.vectors(self._version, ids)):
            found |= part
        return found

    async def links(self, item_ids: Sequence[str]) -> ItemLinks:
        """Everything that speaks for the items whose shards answered."""
        parts = await self._by_owner("links", item_ids, lambda s, ids: s.links(self._version, ids))
        return {item_id: links for part in parts for item_id, links in part.items()}

    async def details(self, listed: Sequence[str], named: Sequence[str], sources: Collection[str]) -> Details:
        """What the shards that answered say about their items, in one call each."""
        first = frozenset(listed)

        def call(shard: ShardClient, ids: list[str]) -> Awaitable[Details]:
            own = [item_id for item_id in ids if item_id in first]
            others = [item_id for item_id in ids if item_id not in first]
            return shard.details(self._version, own, others, sources)

        parts = await self._by_owner("details", list(dict.fromkeys([*listed, *named])), call)
        return reduce(or_, parts, Details())

    async def items(self, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Fields of the items whose shards answered."""
        found: dict[str, dict[str, Any]] = {}
        for part in await self._by_owner("items", item_ids, lambda s, ids: s.items(self._version, ids)):
            found |= part
        return found

    async def matched(self, item_ids: Sequence[str], where: Filter | None) -> Matched:
        """The ids that are available and pass; a shard that was not asked counts as one that answered."""
        owned = self._owned(item_ids)
        answers = await self._each(
            [
                self._ask(number, "matches", _bound(ids, lambda s, own: s.matches(self._version, own, where)))
                for number, ids in owned.items()
            ]
        )
        lost = [number for number, (part, _) in zip(owned, answers, strict=True) if part is None]
        return Matched(
            frozenset().union(*(part for part, _ in answers if part is not None)),
            tuple(item_id for number in lost for item_id in owned[number]),
            self._coverage([number not in lost for number in range(len(self._shards))]),
            frozenset(reason for _, reason in answers if reason),
        )

    async def vector_of(self, item_id: str) -> tuple[np.ndarray | None, str]:
        """The embedding of one item, None where there is none; why its shard did not say, or nothing."""
        owner = shard_of(item_id, len(self._shards))
        found, reason = await self._ask(owner, "vectors", lambda s: s.vectors(self._version, [item_id]))
        return (found or {}).get(item_id), reason

    def coverage_now(self, live_items: int = 0) -> Coverage:
        """Coverage by the shards that answered when they were last asked."""
        found = self._coverage([not breaker.failing for breaker in self._breakers])
        return replace(
            found, items_ok=found.items_ok + live_items, items_total=found.items_total + live_items
        )

    async def _top_k(self, what: str, k: int, call: Call[Candidates]) -> Retrieved:
        asked = [self._ask(number, what, call) for number in range(len(self._shards))]
        answers = await self._each(asked)
        parts = [part for part, _ in answers if part is not None]
        with span("merge"):
            merged = merge_top_k(parts, k)
        return Retrieved(
            merged,
            self._coverage([part is not None for part, _ in answers]),
            frozenset(reason for _, reason in answers if reason),
        )

    def _coverage(self, answered: Sequence[bool]) -> Coverage:
        items_ok = sum(items for items, ok in zip(self._shard_items, answered, strict=True) if ok)
        return Coverage(sum(answered), len(answered), items_ok, sum(self._shard_items))

    async def _by_owner(
        self, what: str, item_ids: Sequence[str], call: Callable[[ShardClient, list[str]], Awaitable[T]]
    ) -> list[T]:
        owned = self._owned(item_ids).items()
        answers = await self._each([self._ask(number, what, _bound(ids, call)) for number, ids in owned])
        return [part for part, _ in answers if part is not None]

    def _owned(self, item_ids: Sequence[str]) -> dict[int, list[str]]:
        """Ids by the shard they are in."""
        owned: dict[int, list[str]] = {}
        for item_id in item_ids:
            owned.setdefault(shard_of(item_id, len(self._shards)), []).append(item_id)
        return owned

    async def _each(self, asked: Sequence[Awaitable[T]]) -> list[T]:
        return await each(asked, at_once=not self.in_process)

    async def _ask(self, number: int, what: str, call: Call[T]) -> tuple[T | None, str]:
        """One shard's answer, or None and why it has none."""
        breaker = self._breakers[number]
        if not breaker.allows():
            return None, "shard_down"
        try:
            with span(f"shard.{what}", {"recsys.shard": number}):
                answer = await call(self._shards[number])
        except TimeoutError:
            breaker.failed()
            return None, "timeout"
        except InputError:
            raise
        except (*unanswered(), RecsysError):
            breaker.failed()
            return None, "shard_down"
        breaker.succeeded()
        return answer, ""


def _bound(ids: list[str], call: Callable[[ShardClient, list[str]], Awaitable[T]]) -> Call[T]:
    return lambda shard: call(shard, ids)


async def each(asked: Sequence[Awaitable[T]], *, at_once: bool) -> list[T]:
    """All answers in order: one after the other, or as tasks at the same time."""
    if at_once:
        return list(await asyncio.gather(*asked))
    return [await one for one in asked]
