"""The keys as requests are checked against them, kept current in memory."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from cluster.key_store import KeyStore
from recsys.access import ApiKey, secret_parts
from recsys.access.api_key import NOBODY
from serve_app.refreshing import refresh_for_ever

log = logging.getLogger(__name__)
STRANGER = ApiKey("", "nobody", NOBODY, frozenset(), 0)


class KeyWatch:
    """All keys, read again every `refresh_s`: a revocation is in force in every replica after that time."""

    def __init__(
        self,
        store: KeyStore,
        refresh_s: float,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self._store, self._refresh_s, self._now_us = store, refresh_s, now_us
        self._keys: dict[str, ApiKey] = {}

    async def refresh(self) -> None:
        """Read all keys; raises `StoreError`."""
        self._keys = {key.key_id: key for key in await asyncio.to_thread(self._store.all)}

    async def run(self) -> None:
        """Refresh for ever. While the store does not answer, the keys that were read last stay in force."""
        await refresh_for_ever(self.refresh, self._refresh_s, log, "keys could not be read")

    def key_of(self, text: str) -> ApiKey | None:
        """The key behind a text, when it is in force. An unknown id takes the time of a known one."""
        key_id, secret = secret_parts(text) or ("", "")
        key = self._keys.get(key_id, STRANGER)
        return key if key.admits(secret, self._now_us()) else None

    @property
    def num_in_force(self) -> int:
        """Keys that open something now."""
        now = self._now_us()
        return sum(key.in_force(now) for key in self._keys.values())
