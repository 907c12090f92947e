"""One line of JSON for every request of a simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson


@dataclass(frozen=True)
class Visit:
    """One request and what came of it."""

    number: int
    at_s: float
    """Since the simulation began."""
    user: str
    status: int
    """Of HTTP; 0: no answer."""
    latency_ms: float
    index_version: str
    recommendation_id: str
    item_ids: tuple[str, ...]
    degraded: tuple[str, ...]
    variant: str
    clicks: int
    purchases: int
    expected_clicks: float
    """Of the list, by the shopper's true liking."""
    expected_purchases: float
    best_purchases: float
    """Expected of the best list there is for this shopper, of items that the shopper has not met yet."""

    @property
    def failed(self) -> bool:
        """Whether it was no answer."""
        return self.status != 200


class VisitLog:
    """Appends visits to a file; what is there is kept."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, visit: Visit) -> None:
        """Write one line."""
        self._file.write(orjson.dumps(asdict(visit)) + b"\n")


def read_visits(path: Path) -> Iterator[Visit]:
    """The visits of a log in order; a last line that was cut off is left out."""
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for line in lines:
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            row["item_ids"], row["degraded"] = tuple(row["item_ids"]), tuple(row["degraded"])
            yield Visit(**row)
