"""Where profiles are read: in this process, or from the partition that owns the shopper."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.profile_store import ProfilePartition, partition_of
from recsys.config import SERVING_LIMITS, DatabaseLimits, ProfileConfig
from recsys.errors import StoreError
from recsys.profile import UserProfile
from serve_app.breaker import CircuitBreaker
from serve_app.replica_call import answered, unanswered
from serve_app.telemetry import Telemetry, carried, continued
from serve_app.work_threads import on_thread

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

READ_THREADS = 4
"""Reads of one partition take turns anyway; a store that hangs keeps no more threads than these."""


class ProfileReader(Protocol):
    """Whoever knows shoppers' profiles."""

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """The profile with every event acked so far; raises `StoreError` when it cannot be had."""


class Guard:
    """A deadline and a breaker around the reads of one store of profiles.

    One that keeps failing is left alone for a while, so that not every list waits out its deadline.
    """

    def __init__(self, store: str, timeout_s: float, breaker: CircuitBreaker) -> None:
        """`store`: what does not answer, as the error says it."""
        self._store, self._timeout_s, self._breaker = store, timeout_s, breaker

    async def read(
        self,
        call: Callable[[], Awaitable[UserProfile]],
        failures: Callable[[], tuple[type[Exception], ...]],
    ) -> UserProfile:
        """What the store answers; raises `StoreError` when it does not, or raises one of `failures`."""
        if not self._breaker.allows():
            raise StoreError(f"{self._store} does not answer", found="failures in a row")
        try:
            found = await asyncio.wait_for(call(), self._timeout_s)
        except TimeoutError as error:
            self._breaker.failed()
            raise StoreError("the profile is late", expected=f"{self._timeout_s:g} s") from error
        except failures() as error:
            self._breaker.failed()
            raise StoreError(f"{self._store} does not answer", found=type(error).__name__) from error
        self._breaker.succeeded()
        return found


class InlineProfiles:
    """Profiles read in this process, straight from the event store, on a few threads of their own."""

    def __init__(self, partition: ProfilePartition, timeout_s: float, breaker: CircuitBreaker) -> None:
        self._partition, self._guard = partition, Guard("the event store", timeout_s, breaker)
        self._threads = ThreadPoolExecutor(READ_THREADS, "profiles")

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """See `ProfileReader`."""
        if (known := self._partition.profile_at_once(user_key, now_us)) is not None:
            return known
        return await self._guard.read(
            lambda: on_thread(self._threads, self._partition.profile, user_key, now_us),
            lambda: (StoreError,),
        )


class ProfileServer:
    """The profile actor of one partition of the shoppers."""

    def __init__(
        self,
        database_url: str,
        config: ProfileConfig,
        telemetry: Telemetry | None = None,
        number: int = 0,
        limits: DatabaseLimits = SERVING_LIMITS,
    ) -> None:
        if telemetry:
            telemetry.start(f"profiles-{number}")
        self._partition = ProfilePartition(EventStore(open_database(database_url, limits)), config)

    @continued("profiles.profile")
    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """The profile of a shopper of this partition."""
        if (known := self._partition.profile_at_once(user_key, now_us)) is not None:
            return known
        return await asyncio.to_thread(self._partition.profile, user_key, now_us)


class RemoteProfiles:
    """Profiles read from the partition that owns the shopper."""

    def __init__(
        self,
        handles: Sequence[DeploymentHandle[Any]],
        timeout_s: float,
        breaker: Callable[[], CircuitBreaker],
    ) -> None:
        self._handles, self._timeout_s = handles, timeout_s
        self._guards = [Guard("the profile partition", timeout_s, breaker()) for _ in handles]

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """See `ProfileReader`."""
        number = partition_of(user_key, len(self._handles))
        handle, context = self._handles[number], carried()

        async def ask() -> UserProfile:
            found: UserProfile = await answered(
                lambda: handle.profile.remote(user_key, now_us, carried=context), self._timeout_s
            )
            return found

        return await self._guards[number].read(ask, unanswered)
