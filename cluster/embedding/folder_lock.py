"""One embedding run at a time in a folder, and no rubbish from runs that died."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recsys.errors import OverloadedError

LOCK_FILE = ".lock"


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold the folder and clear its temporary files; the lock ends with the process, however it ends.

    Raises `OverloadedError` while another run holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OverloadedError(
                "another run is embedding with this encoder", expected="one run at a time", where=str(folder)
            ) from error
        for rubbish in folder.glob(".unit-*"):
            rubbish.unlink(missing_ok=True)
        yield
