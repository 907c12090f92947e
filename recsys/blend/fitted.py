"""Everything that fitting adds to an index version."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from recsys.blend.links import ModelLinks
from recsys.blend.settings import FittedBlend
from recsys.blend.whitening import Whitening


@dataclass(frozen=True, eq=False)
class Fitted:
    """Weights, neighbours and the turn of the text space, with where they come from."""

    blend: FittedBlend
    links: ModelLinks
    whitening: Whitening
    data_cutoff: datetime | None = None
    """Newest event behind it."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Figures for the gate."""
    last_erasure: datetime | None = None
    """Newest erasure of a person before the events were read."""
    events_seq: int | None = None
    """Number of the newest event when they were read; None where a version of before does not say."""
