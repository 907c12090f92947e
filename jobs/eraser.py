"""The eraser of a shop, from its runtime settings."""

from __future__ import annotations

from cluster.database import open_database
from cluster.erasure import Eraser
from cluster.serving_database import open_serving_database, serving_url
from jobs.options import database_url_of
from recsys.config import RuntimeConfig
from recsys.workspace import Workspace


def eraser_of(runtime: RuntimeConfig) -> Eraser:
    """The eraser of a shop."""
    workspace = Workspace(runtime.workspace)
    serving = open_serving_database(serving_url(workspace, runtime.database_url))
    return Eraser(workspace, open_database(database_url_of(runtime)), serving)
