"""Lists, similar items, searches and reasons as Arrow tables, straight from a workspace."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pyarrow as pa

from recsys.config import ServeConfig
from recsys.errors import EncoderError, IndexCorruptError, InputError, NotFoundError, RecsysError, StoreError
from recsys.payloads import (
    ListAnswer,
    RecommendRequest,
    SearchRequest,
    Shopper,
    SimilarRequest,
)
from recsys.payloads.validating import validated
from recsys.workspace import Workspace
from serve_app.offline.given_events import GivenEvents
from serve_app.offline.parts import Parts, opened
from serve_app.offline.tables import lists_table, reasons_table
from serve_app.offline.turning_loop import TurningLoop
from serve_app.recommender import Recommender as ServedRecommender

T = TypeVar("T")
PATIENT = ServeConfig(
    shard_timeout_s=3_600.0,
    profile_timeout_s=3_600.0,
    encode_timeout_s=3_600.0,
    max_items_returned=100_000,
)
"""A service's settings, but nobody waits for one list among thousands, and lists may be long."""
EVERY_REASON = 1_000
BROKEN: Mapping[str, type[RecsysError]] = {
    "no_encoder": EncoderError,
    "no_profile": StoreError,
    "shard_down": IndexCorruptError,
    "timeout": IndexCorruptError,
}
"""What a service goes on without and says so; a table has no place to say it."""
Filter = Mapping[str, Any] | None


class Recommender:
    """The service's lists without Ray and HTTP: the same steps in the same order, in this process.

    A list is the one that `POST /v1/recommend` answers at the same time: by the published version, live
    changes of items, the log's events, scenarios, rules and blocks. It differs from a served one in what
    the service leaves to chance, the place that a scenario explores (never here) and interleaved
    experiments; in what a service was started with, unless `config` says the same; and in having no
    `recommendation_id`, since nobody is shown it. Events are read for every list, everything else was
    read by `from_workspace` or `refresh`. Nothing is written, but that a database
    of an older release is brought up to this one.

    Tables are Arrow's (`to_pandas()` where pandas is there). Use it from one thread, and close it.
    """

    def __init__(self, parts: Parts, loop: TurningLoop, database_url: str) -> None:
        self._loop, self._database_url = loop, database_url
        self._take(parts)

    def _take(self, parts: Parts) -> None:
        self._parts, self._from_log = parts, parts.recommender(parts.events)

    @classmethod
    def from_workspace(
        cls,
        workspace: str | Path = "workspace",
        *,
        database_url: str | None = None,
        config: ServeConfig | None = None,
    ) -> Self:
        """The shop in a folder; raises `IndexMissingError` when no version was published.

        `database_url` is that of events and items, where they are not in the workspace.
        """
        folder = Workspace(Path(workspace))
        url, loop = database_url or folder.database_url, TurningLoop()
        try:
            parts = loop.run(opened(folder, url, config or PATIENT))
        except BaseException:
            loop.close()
            raise
        return cls(parts, loop, url)

    @property
    def index_version(self) -> str:
        """The version that answers."""
        return self._parts.watch.view.manifest.index_version

    def refresh(self) -> None:
        """Take what was published, changed or decided since; the old state stays where that fails."""
        parts = self._parts
        self._take(self._loop.run(opened(parts.workspace, self._database_url, parts.config)))

    def recommend(
        self,
        user_ids: str | Iterable[str] | None = None,
        *,
        events: Any = None,
        k: int | None = 10,
        filter: Filter = None,
        scenario: str | None = None,
        include_seen: bool | None = None,
        exclude: Sequence[str] = (),
    ) -> pa.Table:
        """Lists of shoppers: `user_id, rank, item_id, score, reason`, users in the order asked.

        With `events` (a data frame, an Arrow table or a list of mappings, the columns of an import) people
        have the history that these say and no other; without `user_ids` it is everybody in them, visitors
        by their `visitor_id`. Somebody unknown gets what is popular. `k` None is the scenario's number;
        `filter` is the API's. Raises `InputError` for what is no request.
        """
        source, people = self._shoppers(user_ids, events)
        bodies = [
            validated(
                RecommendRequest,
                user_id=who.user_id,
                visitor_id=who.visitor_id,
                n=k,
                filter=None if filter is None else dict(filter),
                scenario=scenario,
                include_seen=include_seen,
                exclude=list(exclude),
                explore=False,
            )
            for who in people
        ]
        answers = self._all(bodies, source.recommend)
        return lists_table("user_id", [who.user_id or who.visitor_id or "" for who in people], answers)

    def similar(self, item_ids: str | Iterable[str], k: int = 10, *, filter: Filter = None) -> pa.Table:
        """Items like items: `source_item_id, rank, item_id, score, reason` (null).

        Raises `NotFoundError` for an item that the catalog does not have.
        """
        asked, where = _texts(item_ids), None if filter is None else dict(filter)
        bodies = [validated(SimilarRequest, item_id=one, n=k, filter=where) for one in asked]
        return lists_table("source_item_id", asked, self._all(bodies, self._from_log.similar))

    def search(self, texts: str | Iterable[str], k: int = 10, *, filter: Filter = None) -> pa.Table:
        """Free text to items: `text, rank, item_id, score, reason` (null).

        The first text loads the encoder. Raises `EncoderError` where that cannot be done.
        """
        asked, where = _texts(texts), None if filter is None else dict(filter)
        bodies = [validated(SearchRequest, text=one, n=k, filter=where) for one in asked]
        return lists_table("text", asked, self._all(bodies, self._from_log.search))

    def explain(self, user_id: str, item_id: str, *, events: Any = None) -> pa.Table:
        """Every reason for an item in a shopper's list: `kind, text, item_id, share, contribution`.

        `item_id` is the shopper's own item behind the reason; contributions are parts of the score. An
        item that the shopper has acted on is explained as in a list that repeats. Raises `NotFoundError`
        where the item cannot be in a list of this shopper.
        """
        parts = self._parts
        reader = parts.events if events is None else self._given(events)
        source = parts.recommender(reader, parts.config.model_copy(update={"reasons_per_item": EVERY_REASON}))
        only = {"field": "item_id", "op": "==", "value": item_id}
        for include_seen in (None, True):
            body = validated(
                RecommendRequest, user_id=user_id, n=1, filter=only, include_seen=include_seen, explore=False
            )
            for item in self._all([body], source.recommend)[0].items:
                return reasons_table(item.reasons)
        raise NotFoundError("this item is in no list of this shopper", found=item_id)

    def close(self) -> None:
        """End the thread that worked."""
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _shoppers(
        self, user_ids: str | Iterable[str] | None, events: Any
    ) -> tuple[ServedRecommender, list[Shopper]]:
        named = None if user_ids is None else [validated(Shopper, user_id=one) for one in _texts(user_ids)]
        if events is None:
            if named is None:
                raise InputError("nobody is named", expected="user_ids, events or both")
            return self._from_log, named
        given = self._given(events)
        return self._parts.recommender(given), given.people if named is None else named

    def _given(self, events: Any) -> GivenEvents:
        return GivenEvents(events, self._parts.config.profile, self._parts.names)

    def _all(
        self, bodies: Sequence[T], answer: Callable[[T], Coroutine[Any, Any, ListAnswer]]
    ) -> list[ListAnswer]:
        async def work() -> list[ListAnswer]:
            return [_whole(await answer(body)) for body in bodies]

        return self._loop.run(work())


def _whole(answer: ListAnswer) -> ListAnswer:
    """The answer; raises for one that a service would have marked as made with something missing."""
    for name in answer.degraded:
        if (kind := BROKEN.get(name)) is not None:
            raise kind("a list could not be made as it should be", found=name)
    return answer


def _texts(values: str | Iterable[str]) -> list[str]:
    """One text or several, whatever holds them; Arrow's own values become Python's."""
    if isinstance(values, str):
        return [values]
    return values.to_pylist() if isinstance(values, pa.Array | pa.ChunkedArray) else list(values)
