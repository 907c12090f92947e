"""What a key may still do: its rate, and its quota of the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recsys.access import ApiKey, RateLimit, seconds_left
from recsys.errors import OverloadedError, QuotaError
from serve_app.metrics import Metrics
from serve_app.shared_bucket import SharedBucket
from serve_app.usage_watch import UsageWatch

# The IETF's draft "RateLimit header fields for HTTP" as it was up to its version 06. Gateways and libraries
# of clients know these names, and each is one plain number; later versions pack all into one structured
# field that few can read. The last is in seconds, as `Retry-After` is.
LIMIT, REMAINING, RESET = "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"
QUOTA_HEADERS = (LIMIT, REMAINING, RESET)


@dataclass(frozen=True)
class Verdict:
    """Whether a request goes on, and what its answer says of the key's quota."""

    refusal: OverloadedError | None = None
    """None: it goes on."""
    wait_s: float = 0.0
    """After a refusal: when there is room again."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Empty for keys without a quota."""


class KeyLimits:
    """Rates, kept together by a machine's replicas, and quotas, kept together by all machines."""

    def __init__(self, usage: UsageWatch, folder: Path, metrics: Metrics) -> None:
        """In `folder` the replicas of a machine keep the rates."""
        self._usage, self._folder, self._refused = usage, folder, metrics.key_refusals
        self._buckets: dict[str, SharedBucket] = {}

    def admit(self, key: ApiKey) -> Verdict:
        """Take one request of the key's rate, and where it passes that count it for the day."""
        now_us = self._usage.now_us()
        if key.rate is not None and (wait_s := self._bucket(key, key.rate).take()) > 0.0:
            self._refused.labels("rate").inc()
            refusal = OverloadedError(
                "this key's rate is used up", expected=f"{key.rate.per_s:g} requests a second"
            )
            used = self._usage.used(key, now_us) if key.quota else None
            return Verdict(refusal, wait_s, _told(key, used, now_us))
        try:
            used = self._usage.take(key, now_us)
        except QuotaError as error:
            self._refused.labels("quota").inc()
            used_up = key.quota.requests if key.quota else None
            return Verdict(error, seconds_left(now_us), _told(key, used_up, now_us))
        return Verdict(headers=_told(key, used, now_us))

    def _bucket(self, key: ApiKey, rate: RateLimit) -> SharedBucket:
        bucket = self._buckets.get(key.key_id)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[key.key_id] = SharedBucket(self._folder / f"{key.key_id}.rate", rate)
        return bucket


def _told(key: ApiKey, used: int | None, now_us: int) -> dict[str, str]:
    """Nothing where the key has no quota, or nobody knows what is left of it."""
    if key.quota is None or used is None:
        return {}
    values = key.quota.requests, key.quota.left(used), seconds_left(now_us)
    return {name: str(value) for name, value in zip(QUOTA_HEADERS, values, strict=True)}
