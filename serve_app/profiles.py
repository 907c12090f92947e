"""Where profiles are read: in this process, or from the partition that owns the shopper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.profile_store import ProfilePartition, partition_of
from recsys.config import ProfileConfig
from recsys.errors import StoreError
from recsys.profile import UserProfile
from serve_app.breaker import CircuitBreaker
from serve_app.replica_call import answered, unanswered
from serve_app.telemetry import Telemetry, carried, continued

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle


class ProfileReader(Protocol):
    """Whoever knows shoppers' profiles."""

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """The profile with every event acked so far; raises `StoreError` when it cannot be had."""


class InlineProfiles:
    """Profiles read in this process, straight from the event store."""

    def __init__(self, partition: ProfilePartition, timeout_s: float) -> None:
        self._partition, self._timeout_s = partition, timeout_s

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """See `ProfileReader`."""
        if (known := self._partition.profile_at_once(user_key, now_us)) is not None:
            return known
        read = asyncio.to_thread(self._partition.profile, user_key, now_us)
        try:
            return await asyncio.wait_for(read, self._timeout_s)
        except TimeoutError as error:
            raise StoreError("the profile is late", expected=f"{self._timeout_s:g} s") from error


class ProfileServer:
    """The profile actor of one partition of the shoppers."""

    def __init__(
        self, database_url: str, config: ProfileConfig, telemetry: Telemetry | None = None, number: int = 0
    ) -> None:
        if telemetry:
            telemetry.start(f"profiles-{number}")
        self._partition = ProfilePartition(EventStore(open_database(database_url)), config)

    @continued("profiles.profile")
    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """The profile of a shopper of this partition."""
        if (known := self._partition.profile_at_once(user_key, now_us)) is not None:
            return known
        return await asyncio.to_thread(self._partition.profile, user_key, now_us)


class RemoteProfiles:
    """Profiles read from the partition that owns the shopper.

    One that keeps failing is left alone for a while, so that not every list waits out its deadline.
    """

    def __init__(
        self,
        handles: Sequence[DeploymentHandle[Any]],
        timeout_s: float,
        breaker: Callable[[], CircuitBreaker],
    ) -> None:
        self._handles, self._timeout_s = handles, timeout_s
        self._breakers = [breaker() for _ in handles]

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """See `ProfileReader`."""
        number = partition_of(user_key, len(self._handles))
        handle, breaker = self._handles[number], self._breakers[number]
        if not breaker.allows():
            raise StoreError("the profile partition does not answer", found="failures in a row")
        try:
            context = carried()
            found: UserProfile = await answered(
                lambda: handle.profile.remote(user_key, now_us, carried=context), self._timeout_s
            )
        except TimeoutError as error:
            breaker.failed()
            raise StoreError("the profile is late", expected=f"{self._timeout_s:g} s") from error
        except unanswered() as error:
            breaker.failed()
            raise StoreError("the profile partition does not answer", found=type(error).__name__) from error
        breaker.succeeded()
        return found
