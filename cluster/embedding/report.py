"""What an embedding run says while it works and at its end."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class EmbedProgress:
    """Where a run stands."""

    done: int
    """Texts embedded by this run."""
    total: int
    """Texts this run embeds."""
    rate: float
    """Texts a second since encoding began; 0 before the first unit."""
    eta_s: float | None
    """Seconds left by the characters left, since long texts come first; None before the first unit."""


@dataclass(frozen=True)
class EmbedReport:
    """What a run did."""

    encoder_version: str
    dim: int
    items: int
    """Items in the catalog."""
    distinct_texts: int
    """Different texts among them."""
    reused: int
    """Texts whose embedding was there already."""
    embedded: int
    """Texts this run embedded; 0 when nothing was new."""
    broken_units: int
    """Unit files found unusable and renamed to `*.broken`; their texts were embedded anew."""
    seconds: float
    rate: float
    """Embedded texts a second, start-up of Ray and encoders included; 0 when there were none."""
    backend: str
    """Library that ran the network."""
    precision: str
    """Numbers it computed with."""

    def as_rows(self) -> dict[str, Any]:
        """Every field by name, for tables and JSON."""
        return asdict(self) | {"seconds": round(self.seconds, 2), "rate": round(self.rate, 1)}


@dataclass
class Stopwatch:
    """Turns finished work into `EmbedProgress`."""

    total_texts: int
    total_chars: int
    done_texts: int = 0
    done_chars: int = 0
    started: float = field(default_factory=time.monotonic)

    def add(self, texts: int, chars: int) -> EmbedProgress:
        """Progress after one more unit of so many texts and characters."""
        self.done_texts += texts
        self.done_chars += chars
        seconds = max(time.monotonic() - self.started, 1e-9)
        share = self.done_chars / max(1, self.total_chars)
        left_s = seconds * (1 - share) / share if share else None
        return EmbedProgress(self.done_texts, self.total_texts, self.done_texts / seconds, left_s)
