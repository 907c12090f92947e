"""Addresses that carry a password, which must not stand where others read."""

from __future__ import annotations

import re

PASSWORD = re.compile(r"://[^:/@\s]*:[^@\s]+@|[?&][a-z_]*(password|secret)[a-z_]*=", re.IGNORECASE)
"""Before the host, or among the parameters. One too many is refused rather than one too few."""


def holds_password(text: str) -> bool:
    """Whether a text holds an address with a password: of a database, a queue, a store of objects."""
    return PASSWORD.search(text) is not None
