"""API keys in the shop's database: only digests of their secrets are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Float,
    Integer,
    LargeBinary,
    Table,
    Text,
    insert,
    select,
    update,
)

from cluster.database import METADATA, reading, writing
from recsys.access import ApiKey, DailyQuota, NewKey, RateLimit, Scope, issue_key
from recsys.errors import ConfigError, NotFoundError

KEYS_TABLE = Table(
    "api_keys",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", Text, nullable=False),  # separated by spaces
    Column("created_at", BigInteger, nullable=False),  # microseconds since 1970 UTC, as the next two
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("rate_per_s", Float(53)),
    Column("burst", Integer),
    Column("daily_quota", BigInteger),  # requests a UTC day
)
K = KEYS_TABLE.c


class KeyStore:
    """Keys by id. Thread-safe; every change is durable when it returns."""

    def __init__(self, engine: Engine, now_us: Callable[[], int] = lambda: time.time_ns() // 1_000) -> None:
        self._engine, self._now_us = engine, now_us

    def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        *,
        valid_s: float | None = None,
        rate: RateLimit | None = None,
        quota: DailyQuota | None = None,
    ) -> NewKey:
        """Make and keep a key; its text is in the answer and nowhere else. Raises `ConfigError`."""
        now = self._now_us()
        ends = None if valid_s is None else now + int(valid_s * 1e6)
        made = issue_key(name, frozenset(scopes), now, expires_at_us=ends, rate=rate, quota=quota)
        with writing(self._engine) as connection:
            connection.execute(insert(KEYS_TABLE).values(**_row_of(made.key)))
        return made

    def all(self) -> list[ApiKey]:
        """Every key that was ever made, the oldest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(KEYS_TABLE).order_by(K.created_at, K.key_id))
            return [_key_of(row) for row in rows]

    def get(self, key_id: str) -> ApiKey:
        """One key; raises `NotFoundError`."""
        with reading(self._engine) as connection:
            row = connection.execute(select(KEYS_TABLE).where(K.key_id == key_id)).one_or_none()
        if row is None:
            raise NotFoundError(
                "there is no such key", found=key_id[:40], expected="an id that `keys list` shows"
            )
        return _key_of(row)

    def revoke(self, key_id: str, *, in_s: float = 0.0) -> ApiKey:
        """Put a key out of force now, or in so many seconds; an earlier end that it has stays.

        Raises `NotFoundError`.
        """
        key, at = self.get(key_id), self._now_us() + int(in_s * 1e6)
        if key.revoked_at_us is not None and key.revoked_at_us <= at:
            return key
        with writing(self._engine) as connection:
            connection.execute(update(KEYS_TABLE).where(K.key_id == key_id).values(revoked_at=at))
        return replace(key, revoked_at_us=at)

    def rotate(self, key_id: str, *, overlap_s: float) -> NewKey:
        """A second key of the same name, scopes, rate and quota; the first ends after the overlap.

        Raises `NotFoundError`, and `ConfigError` for a key that is out of force already.
        """
        key = self.get(key_id)
        if not key.in_force(self._now_us()):
            raise ConfigError(
                "a key that is out of force is not rotated", expected="keys create", found=key_id
            )
        left = None if key.expires_at_us is None else (key.expires_at_us - key.created_at_us) / 1e6
        made = self.create(key.name, key.scopes, valid_s=left, rate=key.rate, quota=key.quota)
        self.revoke(key_id, in_s=overlap_s)
        return made


def _row_of(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "digest": key.digest,
        "scopes": " ".join(sorted(key.scopes)),
        "created_at": key.created_at_us,
        "expires_at": key.expires_at_us,
        "revoked_at": key.revoked_at_us,
        "rate_per_s": key.rate.per_s if key.rate else None,
        "burst": key.rate.burst if key.rate else None,
        "daily_quota": key.quota.requests if key.quota else None,
    }


def _key_of(row: Any) -> ApiKey:
    scopes = frozenset(Scope(scope) for scope in row.scopes.split())
    rate = None if row.rate_per_s is None else RateLimit(row.rate_per_s, row.burst)
    quota = None if row.daily_quota is None else DailyQuota(row.daily_quota)
    ends = row.expires_at, row.revoked_at
    return ApiKey(row.key_id, row.name, bytes(row.digest), scopes, row.created_at, *ends, rate, quota)
