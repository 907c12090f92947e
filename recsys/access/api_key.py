"""An API key: `rk_ID_SECRET`, of which only a digest is kept."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

from recsys.access.daily_quota import DailyQuota
from recsys.access.scope import Scope
from recsys.errors import ConfigError

SHAPE = re.compile(r"rk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}")
NOBODY = b"\0" * 32
"""Digest to compare with where no such key exists, so that both cases take the same time."""


@dataclass(frozen=True)
class RateLimit:
    """Requests a second in the long run, and how many may come at once."""

    per_s: float
    burst: int

    def __post_init__(self) -> None:
        if not (0.0 < self.per_s <= 1e6 and 1 <= self.burst <= 10**6):
            raise ConfigError(
                "a rate is not usable",
                expected="more than 0 requests a second and a burst of at least 1",
                found=f"{self.per_s:g} a second, burst {self.burst}",
            )


@dataclass(frozen=True)
class ApiKey:
    """What is stored of a key. Times are microseconds since 1970 UTC."""

    key_id: str
    name: str
    """For people: who uses it. Also the name under which decisions made with it are logged."""
    digest: bytes = field(repr=False)
    """SHA-256 of the secret, which has 256 random bits: no slow hash is needed against guessing."""
    scopes: frozenset[Scope]
    created_at_us: int
    expires_at_us: int | None = None
    revoked_at_us: int | None = None
    rate: RateLimit | None = None
    """None: no limit of its own."""
    quota: DailyQuota | None = None
    """None: as many a day as come."""

    def admits(self, secret: str, now_us: int) -> bool:
        """Whether the secret is this key's and the key is in force; takes the same time for any secret."""
        same = hmac.compare_digest(self.digest, digest_of(secret))
        return same and self.in_force(now_us)

    def in_force(self, now_us: int) -> bool:
        """Neither expired nor revoked; a revocation in the future is one that a rotation has planned."""
        ends = (at for at in (self.expires_at_us, self.revoked_at_us) if at is not None)
        return all(now_us < at for at in ends)


@dataclass(frozen=True)
class NewKey:
    """A key that was just made, with the text that is shown once and never again."""

    key: ApiKey
    text: str = field(repr=False)


def issue_key(
    name: str,
    scopes: frozenset[Scope],
    now_us: int,
    *,
    expires_at_us: int | None = None,
    rate: RateLimit | None = None,
    quota: DailyQuota | None = None,
) -> NewKey:
    """A new key from the system's randomness. Raises `ConfigError` for a name or scopes that cannot be."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            "a key's name is not usable",
            expected="1 to 80 letters, digits, spaces or ._-, beginning with a letter or digit",
            found=ascii(name[:100]),
        )
    if not scopes:
        raise ConfigError("a key without a scope opens nothing", expected=", ".join(Scope))
    if expires_at_us is not None and expires_at_us <= now_us:
        raise ConfigError("a key would have expired before its first use", expected="an end in the future")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey(key_id, name, digest_of(secret), scopes, now_us, expires_at_us, None, rate, quota)
    return NewKey(key, f"rk_{key_id}_{secret}")


def secret_parts(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text, or None for what is no key."""
    match = SHAPE.fullmatch(text)
    return (match[1], match[2]) if match else None


def digest_of(secret: str) -> bytes:
    """What is kept of a secret."""
    return sha256(secret.encode()).digest()
