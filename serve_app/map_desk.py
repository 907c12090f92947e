"""The map of the published version, a page of points at a time."""

from __future__ import annotations

import asyncio

from recsys.index import current_version, load_manifest
from recsys.index.item_map import ItemMap, load_map
from recsys.payloads import MapAnswer
from recsys.workspace import Workspace

OTHER = "(none)"


class MapDesk:
    """Reads the file each time: it is small, and drawn anew while the service runs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def page(self, offset: int, limit: int) -> MapAnswer:
        """Points from `offset`, by item id; raises `NotFoundError` where nobody has drawn the version."""
        return await asyncio.to_thread(self._page, offset, limit)

    def _page(self, offset: int, limit: int) -> MapAnswer:
        version = current_version(self._workspace)
        items = load_manifest(self._workspace, version).item_count
        return _answer(version, items, load_map(self._workspace, version), offset, limit)


def _answer(version: str, items: int, found: ItemMap, offset: int, limit: int) -> MapAnswer:
    all_of = [name or OTHER for name in found.points.column("category").to_pylist()]
    categories = sorted(set(all_of))
    number = {name: place for place, name in enumerate(categories)}
    shown = found.points.slice(offset, limit)
    return MapAnswer(
        index_version=version,
        items=items,
        points=found.points.num_rows,
        agreement=found.agreement,
        categories=categories,
        item_id=shown.column("item_id").to_pylist(),
        x=[round(value, 4) for value in shown.column("x").to_pylist()],
        y=[round(value, 4) for value in shown.column("y").to_pylist()],
        category=[number[name] for name in all_of[offset : offset + limit]],
    )
