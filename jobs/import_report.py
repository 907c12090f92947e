"""What an import says of itself."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

EXAMPLE_CHARS = 300


@dataclass
class ImportReport:
    """What one import read, kept, mended and refused."""

    files: int = 0
    rows: int = 0
    """Accepted and refused ones; not those of files that could not be read."""
    accepted: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    """By reason; a fault of a whole file counts once."""
    examples: dict[str, str] = field(default_factory=dict)
    """The first refused row or file of each reason: where it stands and what is wrong with it."""
    mended: Counter[str] = field(default_factory=Counter)
    """Put right, by kind."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Rows that are no items, or no events, by design of their format, by reason; not among `rows`."""
    formats: Counter[str] = field(default_factory=Counter)
    """Files by the format they were recognised to have; plain ones are not counted."""
    stored: dict[str, int] = field(default_factory=dict)
    """What the store says of the accepted rows."""
    quarantine_file: Path | None = None
    seconds: float = 0.0
    max_bad_share: float = 1.0

    @property
    def exit_code(self) -> int:
        """1 when there was nothing to read or too much was refused, else 0."""
        bad = sum(self.quarantined.values())
        share = bad / (bad + self.accepted) if bad else 0.0
        nothing = self.files == 0 or (bad > 0 and self.accepted == 0)
        return int(share > self.max_bad_share or nothing)

    def refuse(self, rows: pa.Table) -> None:
        """Count refused rows (`QUARANTINE`); the first of a reason becomes its example."""
        self.quarantined.update(rows.column("reason").to_pylist())
        for row in rows.select(["file", "row", "reason", "detail"]).to_pylist():
            if row["reason"] not in self.examples:
                place = Path(row["file"]).name + (f", row {row['row']:,}" if row["row"] is not None else "")
                detail = row["detail"] or "no more is known"
                self.examples[row["reason"]] = f"{place}: {textwrap.shorten(detail, EXAMPLE_CHARS)}"

    def as_rows(self) -> dict[str, Any]:
        """The report as people and machines read it."""
        return {
            "files": self.files,
            "formats": dict(sorted(self.formats.items())),
            "rows": self.rows,
            "accepted": self.accepted,
            **self.stored,
            "skipped": dict(sorted(self.skipped.items())),
            "mended": dict(sorted(self.mended.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
            **({"for_example": self.examples} if self.examples else {}),
            "quarantine_file": self.quarantine_file,
            "seconds": self.seconds,
            "rows_per_second": self.rows / self.seconds if self.seconds else None,
        }
