"""A secret that is stated in the environment, where no file of it may lie."""

from __future__ import annotations

import os

from recsys.errors import ConfigError

LEAST_CHARS = 32


def stated_secret(variable: str, what: str) -> bytes | None:
    """The secret that an environment variable holds; None without it. Raises `ConfigError` as below."""
    said = os.environ.get(variable)
    return None if said is None else checked_secret(said, what, variable)


def checked_secret(said: str, what: str, where: str) -> bytes:
    """A secret without the space around it; raises `ConfigError`, which does not name it, when too short."""
    text = said.strip()
    if len(text) < LEAST_CHARS:
        raise ConfigError(
            f"{what} is too short",
            expected=f"{LEAST_CHARS} characters or more, such as `openssl rand -hex 32` prints",
            found=f"{len(text)} characters",
            where=where,
        )
    return text.encode()
