"""Which public keys this process believes. They come from its operator, never from the workspace it reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recsys.errors import ConfigError
from recsys.signing.keys import PREFIX, key_id, parse_public

TRUSTED_KEYS = "RECSYS_TRUSTED_KEYS"
"""Public keys, or files with one on each line, with commas between. Several: while a key is replaced."""


def trusted_keys() -> Mapping[str, Ed25519PublicKey]:
    """Trusted keys by `key_id`; empty when none are configured: then hashes alone are checked.

    Raises `ConfigError` for a list that is there and cannot be understood, rather than trust nothing and
    so check nothing.
    """
    listed = os.environ.get(TRUSTED_KEYS, "").strip()
    if not listed:
        return {}
    keys = [parse_public(text) for part in listed.split(",") for text in _texts(part.strip())]
    if not keys:
        raise ConfigError(f"{TRUSTED_KEYS} names no key", expected="at least one", found=repr(listed[:80]))
    return {key_id(key): key for key in keys}


def _texts(part: str) -> Iterator[str]:
    if not part or part.startswith(PREFIX):
        yield from [part] if part else []
        return
    try:
        lines = Path(part).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(
            "a file of trusted keys cannot be read", expected=f"{PREFIX}... or a file", found=part[:200]
        ) from error
    yield from (line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
