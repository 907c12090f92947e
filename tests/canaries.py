"""Bait: pickles that leave a mark when somebody runs them, and a port that counts who calls."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Canary:
    """An object whose unpickling makes a folder."""

    mark: Path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)

    @property
    def fired(self) -> bool:
        """Whether somebody ran it."""
        return self.mark.exists()

    @property
    def pickled(self) -> bytes:
        """The payload."""
        return pickle.dumps(self)

    @property
    def script(self) -> str:
        """The same as Python source that runs when it is imported."""
        return f"import os\nos.mkdir({str(self.mark)!r})\n"


class CanaryPort:
    """A port of this machine that nobody has a reason to call."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port = int(listener.getsockname()[1])

    def calls(self) -> int:
        """Connections that wait to be taken; each counts once."""
        count = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    @property
    def uris(self) -> tuple[str, ...]:
        """Places that a server must not let a stranger send it to."""
        here = f"127.0.0.1:{self.port}"
        return (
            f"http://{here}/items.csv",
            f"https://{here}/model",
            f"s3://key:secret@bucket/x?endpoint_override={here}&scheme=http",
            f"hdfs://{here}/x",
            f"//{here}/share",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "/etc/passwd",
            "../../../../etc/passwd",
        )


@contextmanager
def canary_port() -> Iterator[CanaryPort]:
    """The port, open inside the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.setblocking(False)
        yield CanaryPort(listener)
