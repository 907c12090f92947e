"""What a shop does next, by what its workspace holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Holdings:
    """How far a workspace has come."""

    items: int = 0
    events: int = 0
    published: str | None = None
    """The index version that answers; None also where another release wrote it."""
    fitted: bool = False
    """Whether that version has learned from events."""
    damaged: bool = False
    """Whether the published version or the pointer to it cannot be read; the one before is told then."""


def next_step(found: Holdings, workspace: Path) -> str:
    """The next command, ready to be run, and what it is for."""
    where = "" if workspace == Path("workspace") else f" -w {workspace}"
    if not found.items:
        return f"recsys import items catalog.csv{where}  # or first a look: recsys demo"
    if found.published is None:
        return f"recsys embed{where}  # encodes the texts and publishes a first index"
    if found.damaged:
        return f"recsys rollback{where}  # what is published was damaged: back to {found.published}"
    if not found.events:
        return f"recsys import events events.jsonl{where}  # or at once: recsys serve{where}"
    if not found.fitted:
        return f"recsys fit{where}  # learns from {found.events:,} events"
    return f"recsys serve{where}  # answers at http://127.0.0.1:8000, API page at /docs"


def is_workspace(folder: Path, database_url: str | None) -> bool:
    """Whether anything was ever imported there; to ask makes nothing.

    Raises `ConfigError` for an address, which is no folder.
    """
    from recsys.workspace import Workspace

    place = Workspace(folder)
    return bool(database_url) or (place.root / "recsys.db").is_file()


def holdings_of(workspace: Path, database_url: str | None) -> Holdings:
    """What a workspace holds; a folder that is no workspace yet holds nothing, and is left as it is."""
    if not is_workspace(workspace, database_url):
        return Holdings()
    from cluster.database import open_database
    from cluster.event_store import EventStore
    from cluster.item_store import ItemStore
    from cluster.judged_publish import published, published_manifest
    from recsys.workspace import Workspace

    place = Workspace(workspace)
    engine = open_database(database_url or place.database_url)
    manifest = published_manifest(place)
    current, fitted = (manifest.index_version, manifest.blend is not None) if manifest else (None, False)
    damaged = current is not None and current != published(place)
    return Holdings(ItemStore(engine).count(), EventStore(engine).count(), current, fitted, damaged)
