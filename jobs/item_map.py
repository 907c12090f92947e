"""`recsys map`: the items of an index version on a plane."""

from __future__ import annotations

from typing import Any

from recsys.config import RuntimeConfig
from recsys.index import current_version, load_manifest
from recsys.index.item_map import MAX_POINTS, make_map, save_map
from recsys.workspace import Workspace


def run_map(runtime: RuntimeConfig, index_version: str | None, points: int = MAX_POINTS) -> dict[str, Any]:
    """Draw the published version, or the named one; the map lies beside it and is replaced whole.

    Raises `IndexMissingError` for a version that is not there, `IndexCorruptError` for an altered one.
    """
    workspace = Workspace(runtime.workspace)
    name = index_version or current_version(workspace)
    found = make_map(workspace, load_manifest(workspace, name), points)
    save_map(workspace, name, found)
    return {
        "index_version": name,
        "points": found.points.num_rows,
        "agreement": found.agreement,
    }
