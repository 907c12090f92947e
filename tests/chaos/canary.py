"""Payloads that leave a mark when they are ever run, and a listener that counts who connects."""

from __future__ import annotations

import os
import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Mark:
    """A pickle of this creates a file wherever it is loaded."""

    path: Path

    def __reduce__(self) -> tuple[Any, ...]:
        """Code that runs on loading."""
        return os.mkdir, (str(self.path),)

    @property
    def pickled(self) -> bytes:
        """The payload."""
        return pickle.dumps(self)

    @property
    def source(self) -> str:
        """The payload as Python."""
        return f"import os\nos.mkdir({str(self.path)!r})\n"

    @property
    def fired(self) -> bool:
        """Whether it ran; it can run again afterwards."""
        if not self.path.exists():
            return False
        self.path.rmdir()
        return True


@dataclass
class Listener:
    """Counts connections to a port of its own."""

    port: int
    connections: list[str] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener until the block ends."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        found = Listener(int(door.getsockname()[1]))

        def accept() -> None:
            while True:
                try:
                    connection, address = door.accept()
                except OSError:
                    return
                found.connections.append(str(address))
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield found
        door.shutdown(socket.SHUT_RDWR)
