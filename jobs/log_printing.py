"""The service's log files, printed line by line as they grow."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOOK_S = 0.2
SUFFIXES = (".log", ".jsonl")


class LogFollower:
    """Reads what is new in the files of a folder: whole lines only, also over a file's new beginning."""

    def __init__(self, folder: Path) -> None:
        """What is in the folder now is of earlier runs and is not read."""
        self._folder = folder
        self._open: dict[Path, IO[bytes]] = {}
        self._rest: dict[Path, bytes] = {}
        for path in self._paths():
            self._follow(path).seek(0, 2)

    def new_lines(self) -> list[bytes]:
        """Lines written since the last look, with their ends; in order within a file."""
        found: list[bytes] = []
        for path in self._paths():
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                found += self._lines_of(path)
        return found

    def close(self) -> None:
        """Read no more."""
        for file in self._open.values():
            file.close()

    def _lines_of(self, path: Path) -> list[bytes]:
        file = self._open.get(path) or self._follow(path)
        content = file.read()
        if path.stat().st_ino != inode(file):  # the file began anew: the old one is read to its end
            content += file.read()
            file.close()
            content += self._follow(path).read()
        *lines, self._rest[path] = (self._rest.get(path, b"") + content).split(b"\n")
        return [line + b"\n" for line in lines]

    def _follow(self, path: Path) -> IO[bytes]:
        self._open[path] = path.open("rb")
        return self._open[path]

    def _paths(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*") if path.suffix in SUFFIXES)


def inode(file: IO[bytes]) -> int:
    """Which file on the disk is open, whatever its name is by now."""
    return os.fstat(file.fileno()).st_ino


@contextmanager
def printed_log(folder: Path, write: Callable[[bytes], object] | None = None) -> Iterator[None]:
    """Copy lines that are written while the block runs to stdout, from a thread."""
    stopped, follower = threading.Event(), LogFollower(folder)
    put = write or _to_stdout

    def copy() -> None:
        while not stopped.is_set():
            put(b"".join(follower.new_lines()))
            stopped.wait(LOOK_S)

    thread = threading.Thread(target=copy, name="log", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        put(b"".join(follower.new_lines()))
        follower.close()


def _to_stdout(content: bytes) -> None:
    if content:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
