"""Bytes of deleted rows: a database file must not keep them where nobody asks for them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from cluster import byte_search

WAIT_S = 2.0
"""How long one try waits for readers, while writers wait for it."""
PATIENCE_S = 30.0
LEAST_NEEDLE = 8
"""Shorter ones are found in anything."""
REBUILD_BYTES = 2 << 30
"""A larger file is rebuilt only when somebody asks for it: writers wait, about 20 s a gigabyte."""


@dataclass(frozen=True)
class Leftovers:
    """What became of a database file after a deletion."""

    clean: bool
    """Whether none of the needles is in it; what a server keeps (PostgreSQL) is not looked at."""
    rebuilt: bool = False


def wipe(engine: Engine, needles: Sequence[bytes], *, rebuild: bool = False) -> Leftovers:
    """Empty SQLite's log into its file and look for the needles there; rebuild a file that still has one.

    `secure_delete` overwrites what is deleted, but not copies that were left in a page's free space when
    rows moved to another page, nor what a release without it had deleted.
    """
    file = Path(engine.url.database or "")
    if engine.dialect.name != "sqlite" or not file.is_file():
        return Leftovers(clean=True)
    sought = [needle for needle in needles if len(needle) >= LEAST_NEEDLE]
    with closing(sqlite3.connect(file, timeout=WAIT_S, isolation_level=None)) as connection:
        emptied = _patiently(lambda: _empty_log(connection))
        if not rebuild and not _holds_any(file, sought):
            return Leftovers(emptied)
        if not rebuild and file.stat().st_size > REBUILD_BYTES:
            return Leftovers(clean=False)
        rebuilt = _patiently(lambda: _rebuild(connection))
        emptied = _patiently(lambda: _empty_log(connection))
    return Leftovers(emptied and not _holds_any(file, sought), rebuilt)


def _patiently(attempt: Callable[[], bool]) -> bool:
    """Until it succeeds, or patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while not (done := attempt()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return done


def _empty_log(connection: sqlite3.Connection) -> bool:
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _rebuild(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("VACUUM")
    except sqlite3.OperationalError:
        return False
    return True


def _holds_any(file: Path, needles: Sequence[bytes]) -> bool:
    """In a process of its own: closing a file takes away the locks that this process's SQLite has on it."""
    if not needles:
        return False
    files = [str(one) for one in (file, file.with_name(f"{file.name}-wal"))]
    search = [sys.executable, "-S", str(Path(byte_search.__file__)), *files]
    # Not as arguments, which every user of the machine could read.
    said = subprocess.run(search, input=b"\n".join(one.hex().encode() for one in needles), check=False)
    return said.returncode != byte_search.NOTHING
