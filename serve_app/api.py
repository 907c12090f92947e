"""The routes: parse, one call, answer. Everything else is in the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel
from starlette.types import ASGIApp

from recsys.identifiers import MAX_ID_BYTES
from recsys.payloads import (
    DeleteAck,
    EmbedAnswer,
    EmbedRequest,
    EventsAck,
    EventsBatch,
    IndexAnswer,
    ItemsAck,
    ItemsBatch,
    ListAnswer,
    ListsAnswer,
    ListsRequest,
    Problem,
    ProfileAnswer,
    RankRequest,
    RecommendRequest,
    SearchRequest,
    SimilarRequest,
)
from serve_app.access_gate import AccessGate
from serve_app.api_description import describe_keys
from serve_app.catalog_api import add_catalog
from serve_app.compat import add_interfaces
from serve_app.console_page import add_console
from serve_app.decision_api import add_decisions, add_evidence, add_loop
from serve_app.explain_desk import ExplainDesk
from serve_app.health_desk import HealthDesk
from serve_app.index_desk import IndexDesk
from serve_app.key_limits import QUOTA_HEADERS, KeyLimits
from serve_app.map_desk import MapDesk
from serve_app.metrics import RequestTimer
from serve_app.operator_api import add_accounts, add_browsing, add_health
from serve_app.privacy_api import Kind, add_privacy
from serve_app.problems import install_handlers
from serve_app.quality_desk import QualityDesk
from serve_app.quarantine_desk import QuarantineDesk
from serve_app.request_guard import RequestGuard
from serve_app.request_log import RequestLog
from serve_app.route_scopes import scopes_of
from serve_app.service import ShopService
from serve_app.shared_folder import shared_folder
from serve_app.shop_catalog import ShopCatalog
from serve_app.single_values import once_each
from serve_app.store_page import add_store

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        404: "No such user, item or route.",
        405: "The route has other methods; see Allow.",
        409: "What was to be changed has been changed meanwhile.",
        413: "The body is too large.",
        422: "The request is not valid; `field` names the part.",
        429: "Too much load, or the key's rate or quota is used up; see Retry-After.",
        503: "A part of the service is not available; see Retry-After.",
    }.items()
}
CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "PUT", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type", "If-Match", "X-Actor", "X-API-Key", "X-Request-Id"],
    "expose_headers": ["Retry-After", "X-Request-Id", *QUOTA_HEADERS],
    "max_age": 600,
}
"""Keys travel in a header that pages set themselves: no cookies, so no credentials."""
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "No key in force came with the request."},
    403: {"model": Problem, "description": "The key does not have the route's scope."},
}
IdInPath = Annotated[str, Path(min_length=1, max_length=MAX_ID_BYTES)]


def create_api(service: ShopService, behind_proxy: bool = False) -> FastAPI:
    """The ASGI application over a service; starts and stops it with its own lifespan.

    `behind_proxy` says that requests come through Serve's own.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    # The API's page must work where there is no internet: its scripts are served from here.
    api = FastAPIOffline(
        redoc_url=None,
        title="Recommender",
        version=version("recsys-on-ray"),
        description="What should this person see next, and why.",
        lifespan=lifespan,
        dependencies=[Depends(once_each)],
        responses=PROBLEMS | (REFUSALS if service.keys else {}),
    )
    install_handlers(api)
    _add_lists(api, service)
    _add_writes(api, service)
    _add_views(api, service)
    add_decisions(api, service.decisions)
    add_loop(api, service.loop)
    add_evidence(api, service.evidence)
    add_privacy(api, service.privacy)
    catalog = ShopCatalog(service.writes.items)
    add_catalog(api, catalog)
    _add_operators(api, service, catalog)
    add_interfaces(api, service)
    _add_pages(api, service)
    _add_guards(api, service, behind_proxy)
    return api


def _add_operators(api: FastAPI, service: ShopService, catalog: ShopCatalog) -> None:
    workspace, board = service.workspace, service.report.board
    health = HealthDesk(service.watch, board, service.metrics, service.placement)
    index = IndexDesk(workspace, board, service.decisions.store)
    add_health(api, health, index, QualityDesk(workspace, service.loop.store))
    add_accounts(api, ExplainDesk(service.lists), MapDesk(workspace))
    add_browsing(api, catalog, QuarantineDesk(workspace))


def _add_pages(api: FastAPI, service: ShopService) -> None:
    """The pages that are wanted; `/` leads to the first of them."""
    pages = []
    if service.shoppers is not None:
        add_store(api, service.shoppers)
        pages.append("store")
    if service.config.console:
        add_console(api)
        pages.append("console")
    if pages:

        @api.get("/", include_in_schema=False)
        async def front_door(request: Request) -> Response:
            return RedirectResponse(f"{request.scope.get('root_path', '')}/{pages[0]}/")


def _add_guards(api: FastAPI, service: ShopService, behind_proxy: bool) -> None:
    """What stands in front of the routes, the innermost first."""
    config = service.config
    if service.keys is not None:
        describe_keys(api)
        folder = shared_folder(service.workspace, config, "rates")
        limits = KeyLimits(service.usage, folder, service.metrics)
        api.add_middleware(AccessGate, keys=service.keys, limits=limits)
    api.add_middleware(RequestTimer, metrics=service.metrics)
    api.add_middleware(RequestLog, behind_proxy=behind_proxy)
    _stand_in_front(api, service, behind_proxy)
    scopes_of(api)  # a route without a scope must not get as far as its first request


def _stand_in_front(api: FastAPI, service: ShopService, behind_proxy: bool) -> None:
    """Turn away outside of everything: what FastAPI itself does and a line in the log cost more than that.

    Only the words for browsers come later still: a page may read an answer, `Retry-After` included, only
    where it names the page's origin, and an answer of the guard or for a crash is one, too.
    """
    config, built = service.config, api.build_middleware_stack
    counted = service.metrics.seconds.labels("unknown", "503")

    def guarded() -> ASGIApp:
        guard = RequestGuard(
            built(),
            max_body_bytes=config.max_body_bytes,
            max_requests=config.max_ongoing_requests + config.max_queued_requests,
            calm_requests=config.max_ongoing_requests,
            max_wait_s=config.max_wait_s,
            behind_proxy=behind_proxy,
            on_turned_away=lambda: counted.observe(0.0),
        )
        if not config.cors_origins:
            return guard
        return CORSMiddleware(guard, allow_origins=config.cors_origins, **CORS)

    setattr(api, "build_middleware_stack", guarded)  # noqa: B010  # middlewares that are added stand further in


def _add_lists(api: FastAPI, service: ShopService) -> None:
    @api.post("/v1/recommend", tags=["lists"], response_model=ListAnswer)
    async def recommend(body: RecommendRequest) -> Response:
        """What this shopper should see next, with reasons from the shopper's own items."""
        return _as_json(
            await service.counted(service.lists.recommend(body), filtered=body.filter is not None)
        )

    @api.post("/v1/similar", tags=["lists"], response_model=ListAnswer)
    async def similar(body: SimilarRequest) -> Response:
        """Items like one item."""
        return _as_json(await service.counted(service.lists.similar(body), filtered=body.filter is not None))

    @api.post("/v1/lists", tags=["lists"], response_model=ListsAnswer)
    async def lists(body: ListsRequest) -> Response:
        """Several lists of one page, of one index version and without repeats."""
        return _as_json(await service.lists.lists(body))

    @api.post("/v1/rank", tags=["lists"], response_model=ListAnswer)
    async def rank(body: RankRequest) -> Response:
        """The caller's own items in this shopper's order."""
        return _as_json(await service.counted(service.lists.rank(body), filtered=True))

    @api.post("/v1/embed", tags=["lists"])
    async def embed(body: EmbedRequest) -> EmbedAnswer:
        """Texts as unit vectors, by the encoder behind the index version that answers."""
        return await service.embed(body.texts)

    @api.post("/v1/search", tags=["lists"], response_model=ListAnswer)
    async def search(body: SearchRequest) -> Response:
        """Free text to items, by meaning."""
        return _as_json(await service.counted(service.lists.search(body), filtered=body.filter is not None))


def _as_json(answer: BaseModel) -> Response:
    """Written once by Pydantic's own writer; FastAPI would validate the finished answer again first."""
    return Response(answer.model_dump_json(), media_type="application/json")


def _add_writes(api: FastAPI, service: ShopService) -> None:
    @api.post("/v1/items:batch", tags=["writes"])
    async def put_items(body: ItemsBatch) -> ItemsAck:
        """Insert or change items; recommendable within seconds, no re-indexing needed."""
        return await service.writes.put_items(body.items)

    @api.delete("/v1/items/{item_id}", tags=["writes"])
    async def delete_item(item_id: IdInPath) -> DeleteAck:
        """Delete an item; it is not returned again."""
        return await service.writes.delete_item(item_id)

    @api.post("/v1/events:batch", tags=["writes"])
    async def put_events(body: EventsBatch) -> EventsAck:
        """Append events; answered only when they are durable."""
        return await service.writes.put_events(body.events)


def _add_views(api: FastAPI, service: ShopService) -> None:
    @api.get("/v1/users/{user_id}/profile", tags=["views"])
    async def profile(user_id: IdInPath, kind: Kind = "user") -> ProfileAnswer:
        """What is believed about a shopper, and from which events."""
        return await service.profile(user_id, kind)

    @api.get("/v1/index", tags=["views"])
    async def index() -> IndexAnswer:
        """The index version that answers now."""
        return await service.index()

    @api.get("/healthz", tags=["operations"])
    async def healthz() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "ok"}

    @api.get("/readyz", tags=["operations"])
    async def readyz(response: Response) -> dict[str, str]:
        """Whether lists can be answered now."""
        response.status_code = 200 if service.ready else 503
        return {"status": "ready" if service.ready else "loading"}

    @api.get("/metrics", tags=["operations"], response_class=Response)
    def metrics() -> Response:
        """Metrics of this machine's replicas in Prometheus' format."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")
