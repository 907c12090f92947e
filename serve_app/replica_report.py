"""What this replica tells the others of itself: that it lives, what it has loaded, how its versions do."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import uuid

from cluster.confirmed_publish import BEAT_S
from cluster.replica_board import ReplicaBoard, ReplicaState, VersionCounts
from recsys.errors import RecsysError
from serve_app.index_watch import IndexWatch

log = logging.getLogger(__name__)
VERSIONS_COUNTED = 8


class ReplicaReport:
    """Counts requests by index version and reports on a period."""

    def __init__(self, board: ReplicaBoard, watch: IndexWatch) -> None:
        self.board, self._watch = board, watch
        self.replica_id = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._beat = 0
        self._counts: dict[str, VersionCounts] = {}

    def count(self, index_version: str, what: VersionCounts) -> None:
        """Add one answered or failed request."""
        self._counts[index_version] = self._counts.get(index_version, VersionCounts()) + what

    def failed(self) -> None:
        """Count a request that ended in an error of ours, to the version that answers now."""
        if self._watch.ready:
            self.count(self._watch.view.manifest.index_version, VersionCounts(1, failures=1))

    async def send(self) -> None:
        """Report once; raises `StoreError`."""
        self._beat += 1
        self._counts = dict(list(self._counts.items())[-VERSIONS_COUNTED:])
        state = ReplicaState(
            self.replica_id,
            self._beat,
            self._watch.view.manifest.index_version,
            self._watch.prepared,
            dict(self._watch.refused),
            dict(self._counts),
        )
        await asyncio.to_thread(self.board.report, state, time.time_ns() // 1_000)

    async def run(self) -> None:
        """Report for ever; one failed report does not end it."""
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await self.send()
            except RecsysError as error:
                log.warning("a report was not written: %s", error)

    async def leave(self) -> None:
        """Take this replica off the board when it ends in good order."""
        try:
            await asyncio.to_thread(self.board.leave, self.replica_id)
        except RecsysError as error:
            log.warning("the board was not told: %s", error)
