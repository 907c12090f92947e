"""What a person may ask of a shop, done in a thread: be forgotten, see everything."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine

from cluster.erasure import Eraser
from cluster.person_export import PersonExport, key_of
from recsys.config import ProfileConfig
from recsys.payloads import ErasureAnswer, ExportAnswer
from recsys.privacy.names import PLAIN, Names
from recsys.workspace import Workspace


class PrivacyDesk:
    """Erasure and export over one shop's stores; one erasure at a time in a replica.

    Nothing has to be told to other replicas: profiles follow the tombstones as they follow events, and
    answers that are on their way into the log are dropped by it.
    """

    def __init__(
        self,
        workspace: Workspace,
        engine: Engine,
        serving: Engine,
        profile: ProfileConfig,
        names: Names = PLAIN,
    ) -> None:
        self._names = names
        self._eraser = Eraser(workspace, engine, serving)
        self._export = PersonExport(workspace, engine, serving, profile)
        self._turn = asyncio.Lock()

    async def erase(self, user_id: str, kind: str) -> ErasureAnswer:
        """Erase somebody, known or not; raises `StoreError`."""
        async with self._turn:
            counts = await asyncio.to_thread(self._eraser.erase, key_of(user_id, kind, self._names))
        return ErasureAnswer(**counts.as_rows())

    async def export(self, user_id: str, kind: str) -> ExportAnswer:
        """Every record of somebody; raises `NotFoundError` where there is none, `StoreError`."""
        return ExportAnswer(**await asyncio.to_thread(self._export.of, key_of(user_id, kind, self._names)))
