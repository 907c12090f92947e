"""Work that one replica of a machine does for all of them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class MachineTurn:
    """The first replica that asks has the turn until it ends, however it ends: the kernel lets go for it."""

    def __init__(self, file: Path) -> None:
        """`file`: the same for all of the machine's replicas, in a folder that may not be there yet."""
        self._path, self._file = file, -1

    def is_mine(self) -> bool:
        """Whether this replica has the turn, or takes it now; raises `OSError`."""
        if self._file < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def let_go(self) -> None:
        """Leave the turn to another replica; nothing where it was not had."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
