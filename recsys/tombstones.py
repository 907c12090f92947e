"""Erased people, known by keyed hashes of their keys alone."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from recsys.history import user_key

ROLES = ("user:", "visitor:")
LABEL = b"recsys secret of erasures\0"
QUOTED = re.compile(r'"((?:[^"\\]|\\.){1,1024})"')
PARTS = (re.compile(r'[^",;|\t\r\n]+'), re.compile(r"[^\s\"',;|(){}\[\]<>=&?/\\]+"))
"""A line without a format may hold an id between separators, spaces inside it, or as a word."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One erased key of a person."""

    person: str
    """`person_hash` of the key."""
    erased_at_us: int
    """When it was asked for, microseconds since 1970 UTC."""
    until_us: int
    """What happened up to then is gone and stays out. Later than `erased_at_us` where a sender's clock was
    ahead: the person's own events said so."""


def secret_id(secret: bytes) -> str:
    """What tells secrets apart and gives nothing of them away: 8 hexadecimal digits."""
    return sha256(LABEL + secret).hexdigest()[:8]


def person_hash(secret: bytes, key: str) -> str:
    """HMAC-SHA-256 of a key (`user:ID`, `visitor:ID`), behind the id of the secret."""
    digest = hmac.digest(secret, key.encode("utf-8", "surrogatepass"), "sha256")
    return f"{secret_id(secret)}:{digest.hex()}"


@dataclass(frozen=True)
class Tombstones:
    """Every erasure that is known. Nobody can list the people in it; one can ask about one person."""

    secrets: Sequence[bytes] = ()
    """As a rule one; more where ledgers of several installations came together."""
    until_us: Mapping[str, int] = field(default_factory=dict)
    """Person -> `Tombstone.until_us`."""
    newest_at_us: int | None = None
    """When the newest of them was asked for."""

    def __bool__(self) -> bool:
        return bool(self.until_us)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.erased_until(key) is not None

    def erased_until(self, key: str) -> int | None:
        """Up to which time a key is erased, or None."""
        if not self.until_us:
            return None
        found = (self.until_us.get(person_hash(secret, key)) for secret in self.secrets)
        return max((until for until in found if until is not None), default=None)

    def cover(self, key: str, at_us: int) -> bool:
        """Whether what happened at `at_us` belongs to an erased person."""
        until = self.erased_until(key)
        return until is not None and at_us <= until


@dataclass(frozen=True)
class NamedPeople:
    """People by their own keys, for as long as an erasure or an export takes."""

    keys: frozenset[str]

    def __contains__(self, key: object) -> bool:
        return key in self.keys


People = Tombstones | NamedPeople


def names_one(people: People, user_id: str | None, visitor_id: str | None) -> bool:
    """Whether a row with these two ids is about one of the people."""
    return any(user_key(*pair) in people for pair in ((user_id, None), (None, visitor_id)) if any(pair))


def is_name_of_one(people: People, word: str) -> bool:
    """Whether a word is the key or the bare id of one of the people."""
    return word in people or any(role + word in people for role in ROLES)


def mentions_one(people: People, text: str) -> bool:
    """Whether a text of unknown form names one of the people, as a word, a cell or a quoted string."""
    return any(is_name_of_one(people, part) for part in _parts(text))


def _parts(text: str) -> Iterator[str]:
    for found in QUOTED.finditer(text):
        yield found[1]
    for form in PARTS:
        for found in form.finditer(text):
            part = found[0].strip(" .:'")
            if part:
                yield part
