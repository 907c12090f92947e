"""A local Ray that no other machine or user can reach, since whoever reaches Ray runs code."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ray._private import ray_constants  # noqa: PLC2701  # there is no public switch

AUTH_MODE, TOKEN, TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
OWNER_ONLY = 0o600


@contextmanager
def only_for_this_machine() -> Iterator[None]:
    """A Ray that is started inside the block listens on loopback alone; its token is its owner's alone.

    Ray 2.60 starts on every interface on Linux, on loopback on other systems; the switch between the two
    is this constant, whose variable counts only before Ray is imported. A local Ray asks for a token by
    itself unless an operator has set `RAY_AUTH_MODE`, but writes it where everybody may read it.
    """
    if os.environ.get(AUTH_MODE, "token") == "token":
        _require_private_token()
    among_machines = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = among_machines


def _require_private_token() -> None:
    """Have a token that only its owner reads; one that Ray itself has written before is closed."""
    if os.environ.get(TOKEN):
        return
    path = Path(os.environ.get(TOKEN_PATH) or Path.home() / ".ray" / "auth_token")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(OWNER_ONLY)
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
