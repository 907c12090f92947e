"""How often each key was used today: counted here at once, and with the other machines every moment."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cluster.key_usage import KEPT_DAYS, UsageStore
from recsys.access import ApiKey, DailyQuota, day_of, day_start
from recsys.errors import QuotaError, RecsysError, StoreError
from serve_app.count_files import CountFiles
from serve_app.machine_turn import MachineTurn
from serve_app.refreshing import refresh_for_ever

log = logging.getLogger(__name__)


class UsageWatch:
    """Requests by key and day, and whether a key has any left.

    A request is counted in a file that the machine's replicas share; nothing waits for the database. One
    replica of each machine tells the database what was counted and reads what other machines have, every
    `refresh_s`. While that fails each machine goes on with what it knows, and tells everything later.
    """

    def __init__(
        self,
        store: UsageStore,
        folder: Path,
        refresh_s: float,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        """`folder`: where this machine's counts lie, in memory; they outlive the service."""
        self.now_us = now_us
        """Microseconds since 1970 UTC."""
        self._store, self._refresh_s = store, refresh_s
        self._files, self._turn = CountFiles(folder), MachineTurn(folder / "turn")
        self._cleared_on = -1
        self._uncounted = 0

    def take(self, key: ApiKey, now_us: int) -> int | None:
        """Count a request; the day's total with it, None where it could not be counted and goes on anyway.

        Raises `QuotaError` where the key has none left.
        """
        most = key.quota.requests if key.quota else None
        try:
            total = self._files.count(key.key_id, day_of(now_us)).take(most)
        except OSError as error:
            self._let_through(error)
            return None
        if total is None and key.quota is not None:
            raise _used_up(key.quota, now_us)
        return total

    def used(self, key: ApiKey, now_us: int) -> int | None:
        """The key's requests of the day so far, None where they cannot be told."""
        with suppress(OSError):
            return self._files.count(key.key_id, day_of(now_us)).read().total
        return None

    async def begin(self) -> None:
        """Learn what was counted before; a database that does not answer costs the quota, not the service."""
        try:
            await self.refresh()
        except RecsysError as error:
            log.error("use of keys begins with what this machine has counted: %s", error)

    async def run(self) -> None:
        """Exchange counts for ever, while it is this replica that does so for its machine."""
        await refresh_for_ever(self._step, self._refresh_s, log, "use of keys could not be exchanged")

    async def leave(self) -> None:
        """Tell the rest and let another replica do it from now on; raises `StoreError`."""
        try:
            await self.refresh()
        finally:
            self._turn.let_go()

    async def refresh(self) -> None:
        """Tell the database what is new here, learn what the others have counted; raises `StoreError`."""
        today = day_of(self.now_us())
        try:
            # Files are touched between the waits: a lock of a file does not part threads of one process.
            told = list(self._files.untold(today - 1))
            found = await asyncio.to_thread(self._store.exchange, told, today)
            self._files.note_told(told)
            self._files.learn(found)
        except OSError as error:
            raise _unreadable(error) from error

    async def _step(self) -> None:
        today = day_of(self.now_us())
        self._files.let_go_before(today - 1)
        try:
            if not self._turn.is_mine():
                return
        except OSError as error:
            raise _unreadable(error) from error
        await self.refresh()
        if self._cleared_on != today:
            await asyncio.to_thread(self._store.forget_before, today - KEPT_DAYS + 1)
            self._cleared_on = today

    def _let_through(self, error: OSError) -> None:
        """One line for the first and each thousandth: a line for each would fill the log."""
        if self._uncounted % 1_000 == 0:
            log.error("requests go on uncounted, %d so far: %s", self._uncounted + 1, error)
        self._uncounted += 1


def _used_up(quota: DailyQuota, now_us: int) -> QuotaError:
    tomorrow = day_start(day_of(now_us) + 1)
    return QuotaError(
        "this key's quota of the day is used up",
        expected=f"at most {quota.requests} requests a UTC day, the next from {tomorrow}",
    )


def _unreadable(error: OSError) -> StoreError:
    return StoreError("this machine's counts of keys cannot be read or written", found=str(error))
