"""One file through its format and the cleaning that every import has."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from recsys.catalog import clean_items
from recsys.config import EventWeights, ImportConfig
from recsys.formats import Recognised, shaped
from recsys.interactions import clean_events
from recsys.reading import Fault, SourceBatch, read_file
from recsys.schemas import Cleaned

EXPORTS = Path(__file__).parents[2] / "exports"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Imported:
    """What became of a file's rows."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """Rows that were taken, without what they do not say."""
    refused: list[tuple[int | None, str]] = field(default_factory=list)
    """Place in the file and reason."""
    details: list[str] = field(default_factory=list)
    seen: Recognised = field(default_factory=Recognised)

    def column(self, name: str) -> dict[str, Any]:
        """One field by item id."""
        return {row["item_id"]: row.get(name) for row in self.rows}

    def attribute(self, name: str) -> dict[str, str | None]:
        """One attribute by item id."""
        return {row["item_id"]: dict(row.get("attributes", ())).get(name) for row in self.rows}


def imported(path: Path | str, kind: Literal["items", "events"], **settings: Any) -> Imported:
    """Read, recognise, shape and clean a file; a name is that of a file of `tests/exports`."""
    config, found = ImportConfig(**settings), Imported()
    file = EXPORTS / path if isinstance(path, str) else path
    for part in shaped(read_file(file, config), kind, config, found.seen):
        if isinstance(part, Fault):
            found.refused.append((part.row, part.reason))
            found.details.append(part.detail)
            continue
        cleaned = _cleaned(part, kind, config)
        found.rows += [{k: v for k, v in row.items() if v is not None} for row in cleaned.good.to_pylist()]
        found.refused += [(row["row"], row["reason"]) for row in cleaned.bad.to_pylist()]
    return found


def _cleaned(part: SourceBatch, kind: str, config: ImportConfig) -> Cleaned:
    if kind == "items":
        return clean_items(part.table, config=config, file="file", rows=part.rows)
    return clean_events(
        part.table,
        known_types=EventWeights().known_types(),
        received_at=NOW,
        config=config,
        file="file",
        rows=part.rows,
        repeatable=True,
    )
