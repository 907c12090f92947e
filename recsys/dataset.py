"""A shop as arrays: what is fitted, trained and evaluated on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from recsys.channels.fusion import ChannelBlock
from recsys.interaction_log import InteractionLog
from recsys.robustness.screening import Screening


@dataclass(frozen=True, eq=False)
class Dataset:
    """Events and items, the latter in the order of `log.item_ids`."""

    label: str
    log: InteractionLog
    vectors: np.ndarray
    """`[N, D] float32` unit text vectors as the encoder gave them."""
    texts: Sequence[str]
    """`N` item texts."""
    categories: Sequence[str | None]
    """`N` '/'-joined paths."""
    screening: Screening = field(default_factory=Screening)
    """Users whose events are not in `log`, since a machine speaks."""
    channels: Sequence[ChannelBlock] = ()
    """What is known of the same items beside their texts, by name."""
    last_erasure: datetime | None = None
    """Newest erasure of a person before the events were read; None where nobody was erased."""
    events_seq: int = 0
    """Number of the newest event when they were read."""
