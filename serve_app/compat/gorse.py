"""Gorse's REST interface: its lists and its feedback, over this shop's lists and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Path, Query
from starlette.responses import JSONResponse, Response

from recsys.errors import InputError, NotFoundError
from recsys.formats import rows_of
from recsys.formats.gorse import FEEDBACK, MARK
from recsys.identifiers import MAX_ID_BYTES
from recsys.merchandising.scenario import Source
from recsys.payloads import ListAnswer, RecommendRequest, Shopper, SimilarRequest
from recsys.payloads.base import MAX_TEXT
from recsys.payloads.gorse import FeedbackRows, GorseScore, GorseSuccess
from serve_app.compat.asking import asked
from serve_app.service import ShopService

TAG = "gorse"
MOST = 10_000
IdInPath = Annotated[str, Path(min_length=1, max_length=MAX_ID_BYTES)]
CategoryInPath = Annotated[str, Path(min_length=1, max_length=MAX_TEXT)]
Categories = Annotated[
    list[Annotated[str, Query(min_length=1, max_length=MAX_TEXT)]],
    Query(alias="category", max_length=10, description="Items in all of these categories."),
]
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {
        "description": "The request is not valid.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
LATEST = "latest"
SOURCES: Mapping[str, Source] = {"/api/popular": "popular", "/api/latest": "new"}


@dataclass(frozen=True)
class Asked:
    """What every list takes."""

    n: int
    offset: int
    categories: tuple[str, ...]
    user_id: str | None

    @property
    def most(self) -> int:
        """Places that have to be made for it."""
        return self.n + self.offset

    @property
    def filter(self) -> dict[str, Any] | None:
        """Categories as our catalog has them: a path, or one of several that Gorse's import keeps."""
        if not self.categories:
            return None
        return {"all": [_in_category(name) for name in self.categories]}

    def cut(self, answer: ListAnswer) -> list[GorseScore]:
        """The page that was asked for."""
        items = answer.items[self.offset : self.most]
        return [GorseScore(id=item.item_id, score=item.score) for item in items]


def _asked(
    n: Annotated[int, Query(ge=0, le=MOST, description="Items wanted.")] = 10,
    offset: Annotated[int, Query(ge=0, le=MOST, description="Items left out before them.")] = 0,
    within: Categories = [],  # noqa: B006  # FastAPI reads it and makes its own
    had_by: Annotated[
        str | None,
        Query(alias="user-id", max_length=MAX_ID_BYTES, description="Leave out what this user had."),
    ] = None,
) -> Asked:
    return Asked(n, offset, tuple(within), had_by)


Page = Annotated[Asked, Depends(_asked)]


class GorseLists:
    """Its lists as calls of the service."""

    def __init__(self, service: ShopService) -> None:
        self._service = service

    async def recommend(self, user_id: str, page: Asked) -> list[GorseScore]:
        """The user's list."""
        request = asked(
            RecommendRequest, user_id=user_id, n=page.most or 1, filter=page.filter, explain=False
        )
        return page.cut(await self._counted(self._service.lists.recommend(request), page))

    async def neighbors(self, item_id: str, page: Asked) -> list[GorseScore]:
        """Items like one; none where there is no such item."""
        request = asked(SimilarRequest, item_id=item_id, n=page.most or 1, filter=page.filter)
        if page.user_id:
            seen = await self._service.seen(asked(Shopper, user_id=page.user_id))
            request = request.model_copy(update={"exclude": sorted(seen)})
        try:
            return page.cut(await self._counted(self._service.lists.similar(request), page))
        except NotFoundError:
            return []

    async def of_source(self, source: Source, page: Asked) -> list[GorseScore]:
        """The same list for everybody, without what `user-id` has had."""
        request = asked(
            RecommendRequest, user_id=page.user_id, n=page.most or 1, filter=page.filter, explain=False
        )
        return page.cut(await self._counted(self._service.lists.of_source(request, source), page))

    async def _counted(self, listing: Any, page: Asked) -> ListAnswer:
        return await self._service.counted(listing, filtered=bool(page.categories))


def add_gorse(api: FastAPI, service: ShopService) -> None:
    """Add the routes."""
    lists = GorseLists(service)
    _add_recommend(api, lists)
    _add_neighbors(api, lists)
    _add_common(api, lists)

    @api.put("/api/feedback", tags=[TAG], responses=REFUSALS, operation_id="gorse_put_feedback")
    @api.post("/api/feedback", tags=[TAG], responses=REFUSALS)
    async def gorse_feedback(body: FeedbackRows) -> GorseSuccess:
        """Append events; each counts, where Gorse adds to or replaces what it has."""
        ack = await service.writes.put_events(rows_of(FEEDBACK, body))
        return GorseSuccess(row_affected=ack.appended + ack.duplicates)


def _add_recommend(api: FastAPI, lists: GorseLists) -> None:
    ids = {"tags": [TAG], "responses": REFUSALS, "response_model": list[str]}

    @api.get("/api/recommend/{user_id}", **ids)  # type: ignore[arg-type]  # FastAPI types each option
    async def gorse_recommend(
        user_id: IdInPath,
        page: Page,
        version: Annotated[str, Header(alias="X-API-Version")] = "",
        write_back: Annotated[str | None, Query(alias="write-back-type")] = None,
    ) -> Response:
        """The user's list as ids, or with scores where `X-API-Version` is 2."""
        if write_back:
            raise InputError(
                "what is shown is not written back", expected="POST /api/feedback", where="write-back-type"
            )
        return _ids(await lists.recommend(user_id, page), version)

    @api.get("/api/recommend/{user_id}/{category}", **ids)  # type: ignore[arg-type]
    async def gorse_recommend_category(
        user_id: IdInPath,
        category: CategoryInPath,
        page: Page,
        version: Annotated[str, Header(alias="X-API-Version")] = "",
    ) -> Response:
        """The user's list of one category."""
        return _ids(await lists.recommend(user_id, _within(page, category)), version)


def _add_neighbors(api: FastAPI, lists: GorseLists) -> None:
    @api.get(
        "/api/item/{item_id}/neighbors/", tags=[TAG], responses=REFUSALS, operation_id="gorse_neighbors_"
    )
    @api.get("/api/item/{item_id}/neighbors", tags=[TAG], responses=REFUSALS)
    async def gorse_neighbors(item_id: IdInPath, page: Page) -> list[GorseScore]:
        """Items like one item."""
        return await lists.neighbors(item_id, page)

    @api.get("/api/item/{item_id}/neighbors/{category}", tags=[TAG], responses=REFUSALS)
    async def gorse_neighbors_category(
        item_id: IdInPath, category: CategoryInPath, page: Page
    ) -> list[GorseScore]:
        """Items of one category like one item."""
        return await lists.neighbors(item_id, _within(page, category))

    @api.get("/api/item-to-item/{name}/{item_id}", tags=[TAG], responses=REFUSALS)
    async def gorse_item_to_item(name: str, item_id: IdInPath, page: Page) -> list[GorseScore]:
        """Items like one item, whatever the list is called."""
        return await lists.neighbors(item_id, page)


def _add_common(api: FastAPI, lists: GorseLists) -> None:
    """Lists that are the same for everybody."""

    @api.get("/api/non-personalized/{name}", tags=[TAG], responses=REFUSALS)
    async def gorse_non_personalized(name: str, page: Page) -> list[GorseScore]:
        """`latest` are the newest items; any other name is what is popular."""
        return await lists.of_source("new" if name == LATEST else "popular", page)

    for path, source in SOURCES.items():
        _add_source(api, lists, path, source)


def _add_source(api: FastAPI, lists: GorseLists, path: str, source: Source) -> None:
    name = path.rsplit("/", 1)[-1]

    @api.get(path, tags=[TAG], responses=REFUSALS, operation_id=f"gorse_{name}", summary=f"Gorse {name}")
    async def of_source(page: Page) -> list[GorseScore]:
        """Items that are the same for everybody."""
        return await lists.of_source(source, page)

    @api.get(f"{path}/{{category}}", tags=[TAG], responses=REFUSALS, operation_id=f"gorse_{name}_category")
    async def of_category(category: CategoryInPath, page: Page) -> list[GorseScore]:
        """Those of one category."""
        return await lists.of_source(source, _within(page, category))


def _within(page: Asked, category: str) -> Asked:
    return Asked(page.n, page.offset, (*page.categories, category), page.user_id)


def _in_category(name: str) -> dict[str, Any]:
    return {
        "any": [
            {"field": "category", "op": "under", "value": name},
            {"field": "attributes.categories", "op": "contains", "value": f"{MARK}{name}{MARK}"},
        ]
    }


def _ids(found: Sequence[GorseScore], version: str) -> Response:
    if version.strip() == "2":
        return JSONResponse([one.model_dump(by_alias=True) for one in found])
    return JSONResponse([one.id for one in found])
