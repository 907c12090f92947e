"""Routes for those who run the shop: health, versions, accounts of lists, stored figures, pages of data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import FastAPI, Path, Query

from recsys.errors import InputError
from recsys.identifiers import MAX_ID_BYTES, id_fault
from recsys.payloads import (
    CatalogPage,
    ExplainedAnswer,
    ExplainRequest,
    HealthAnswer,
    MapAnswer,
    PublishRequest,
    QualityAnswer,
    QuarantineAnswer,
    QuarantinedRows,
    ReleaseAnswer,
    RollbackRequest,
    VersionsAnswer,
)
from serve_app.decision_api import Actor
from serve_app.decisions import ANYBODY
from serve_app.explain_desk import ExplainDesk
from serve_app.health_desk import HealthDesk
from serve_app.index_desk import IndexDesk
from serve_app.map_desk import MapDesk
from serve_app.quality_desk import QualityDesk
from serve_app.quarantine_desk import QuarantineDesk
from serve_app.shop_catalog import ShopCatalog

MOST_ROWS = 200
Rows = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Words = Annotated[str | None, Query(max_length=MAX_ID_BYTES)]
Ids = Annotated[Sequence[Annotated[str, Query(min_length=1, max_length=MAX_ID_BYTES)]], Query(max_length=100)]
Version = Annotated[str | None, Query(max_length=MAX_ID_BYTES, description="Page on: `next` of the answer.")]


def add_health(api: FastAPI, health: HealthDesk, index: IndexDesk, quality: QualityDesk) -> None:
    """Routes of what runs and what may run."""

    @api.get("/v1/health", tags=["operations"])
    async def now() -> HealthAnswer:
        """Index, shards, replicas, rates and times; figures of this machine's replicas since they started."""
        return await health.now()

    @api.get("/v1/index/versions", tags=["operations"])
    async def versions(
        limit: Annotated[int, Query(ge=1, le=50)] = 20, before: Version = None
    ) -> VersionsAnswer:
        """Index versions with what the gate said of them, the newest first."""
        return await index.versions(limit, before)

    @api.post("/v1/index/publish", tags=["operations"])
    async def publish(body: PublishRequest, actor: Actor = ANYBODY) -> ReleaseAnswer:
        """Judge a version and let it answer; returns when every living replica has it."""
        return await index.publish(body.index_version, body.force, actor)

    @api.post("/v1/index/rollback", tags=["operations"])
    async def roll_back(body: RollbackRequest, actor: Actor = ANYBODY) -> ReleaseAnswer:
        """Go back from the published version to the one before it."""
        return await index.roll_back(body.index_version, actor)

    @api.get("/v1/quality", tags=["operations"])
    async def figures(limit: Annotated[int, Query(ge=1, le=500)] = 200) -> QualityAnswer:
        """How good lists were over time, from stored gates and evaluations."""
        return await quality.quality(limit)


def add_accounts(api: FastAPI, explain: ExplainDesk, plane: MapDesk) -> None:
    """Routes that account for what the recommender does."""

    @api.post("/v1/explain", tags=["operations"])
    async def explained(body: ExplainRequest) -> ExplainedAnswer:
        """A list with all contributions, what decided it, and what lost its place and why."""
        return await explain.explained(body)

    @api.get("/v1/index/map", tags=["operations"])
    async def points(offset: Offset = 0, limit: Annotated[int, Query(ge=1, le=5_000)] = 5_000) -> MapAnswer:
        """The published version's items on a plane, as `recsys map` drew them."""
        return await plane.page(offset, limit)


def add_browsing(api: FastAPI, catalog: ShopCatalog, quarantine: QuarantineDesk) -> None:
    """Pages of data."""

    @api.get("/v1/catalog", tags=["operations"])
    async def items(
        after: Words = None, limit: Rows = 50, text: Words = None, category: Words = None, item_id: Ids = ()
    ) -> CatalogPage:
        """Items in the order of their ids; `text` is looked for in titles and ids.

        With `item_id`, once for each, these items alone.
        """
        if item_id:
            return CatalogPage(items=await catalog.some(item_id), total=await catalog.count(), next=None)
        for name, value in (("after", after), ("text", text), ("category", category)):
            if value and (fault := id_fault(value)):
                raise InputError("this cannot be looked for", expected="plain text", found=fault, where=name)
        return await catalog.page(after or "", limit, text, category)

    @api.get("/v1/quarantine", tags=["operations"])
    async def files(offset: Offset = 0, limit: Annotated[int, Query(ge=1, le=50)] = 20) -> QuarantineAnswer:
        """What imports refused, the newest first."""
        return await quarantine.files(offset, limit)

    @api.get("/v1/quarantine/{name}", tags=["operations"])
    async def rows(
        name: Annotated[str, Path(min_length=1, max_length=MAX_ID_BYTES)],
        offset: Offset = 0,
        limit: Rows = 50,
    ) -> QuarantinedRows:
        """Refused rows of one import, with reasons."""
        return await quarantine.rows(name, offset, limit)
