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


def wipe(engines: Sequence[Engine], needles: Sequence[bytes], *, rebuild: bool = False) -> Leftovers:
    """Empty SQLite's logs into their files and look for the needles there; rebuild files that still have one.

    `secure_delete` overwrites what is deleted, but not copies that were left in a page's free space when
    rows moved to another page, nor what a release without it had deleted.
    """
    files = sorted({file for engine in engines if (file := _file_of(engine)) is not None})
    emptied = all([_with(file, _empty_log) for file in files])
    sought = [needle for needle in needles if len(needle) >= LEAST_NEEDLE]
    if not rebuild and not _hold_any(files, sought):
        return Leftovers(emptied)
    holding = [file for file in files if rebuild or _hold_any([file], sought)]
    if not rebuild and any(file.stat().st_size > REBUILD_BYTES for file in holding):
        return Leftovers(clean=False)
    rebuilt = all([_with(file, _rebuild) and _with(file, _empty_log) for file in holding])
    return Leftovers(emptied and rebuilt and not _hold_any(holding, sought), rebuilt=bool(holding))


def _file_of(engine: Engine) -> Path | None:
    file = Path(engine.url.database or "")
    return file if engine.dialect.name == "sqlite" and file.is_file() else None


def _with(file: Path, attempt: Callable[[sqlite3.Connection], bool]) -> bool:
    """Until it succeeds on a connection of its own, or patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    with closing(sqlite3.connect(file, timeout=WAIT_S, isolation_level=None)) as connection:
        while not (done := attempt(connection)) and time.monotonic() < deadline:
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


def _hold_any(files: Sequence[Path], needles: Sequence[bytes]) -> bool:
    """In a process of its own: closing a file takes away the locks that this process's SQLite has on it."""
    if not needles or not files:
        return False
    every = [str(one) for file in files for one in (file, file.with_name(f"{file.name}-wal"))]
    # Not as arguments, which every user of the machine could read.
    words = b"\n".join(needle.hex().encode() for needle in needles)
    search = [sys.executable, "-S", "-E", str(Path(byte_search.__file__)), *every]
    return subprocess.run(search, input=words, check=False).returncode != byte_search.NOTHING
