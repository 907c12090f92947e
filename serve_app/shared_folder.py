"""Where the replicas of one port of one machine count for each other."""

from __future__ import annotations

import socket
from pathlib import Path

from recsys.config import ServeConfig
from recsys.workspace import Workspace


def shared_folder(workspace: Workspace, config: ServeConfig, what: str) -> Path:
    """The folder for one thing that is counted together: connections, metrics, rates."""
    return workspace.root.absolute() / "serving" / f"{socket.gethostname()}-{config.port}" / what
