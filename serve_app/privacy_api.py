"""Routes of what a person may ask of a shop. Both belong to the scope `erase`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import FastAPI, Path, Query

from recsys.identifiers import MAX_ID_BYTES
from recsys.payloads import ErasureAnswer, ExportAnswer
from serve_app.privacy_desk import PrivacyDesk

UserId = Annotated[str, Path(min_length=1, max_length=MAX_ID_BYTES)]
Kind = Annotated[
    Literal["user", "visitor"],
    Query(description="`user`: with the visitors who turned out to be this user; `visitor`: one alone."),
]


def add_privacy(api: FastAPI, desk: PrivacyDesk) -> None:
    """Both routes."""

    @api.delete("/v1/users/{user_id}", tags=["privacy"])
    async def erase(user_id: UserId, kind: Kind = "user") -> ErasureAnswer:
        """Forget a person everywhere. Answers 200 with zeros for somebody unknown, and when repeated."""
        return await desk.erase(user_id, kind)

    @api.get("/v1/users/{user_id}/export", tags=["privacy"])
    async def export(user_id: UserId, kind: Kind = "user") -> ExportAnswer:
        """Every record of one person, and of nobody else."""
        return await desk.export(user_id, kind)
