"""What a user asks of the index: a direction in text space, and weights on items they acted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

POPULARITY = "popularity"
EVERYBODY = ""
"""Source of links that count for every user; no item has an empty id."""


@dataclass(frozen=True, eq=False)
class Query:
    """One question; `score(i) = metric(vector, vector_i) + sum of weight * link(source, i)`."""

    vector: np.ndarray
    """`[D] float32`, scaled by the text signal's factor."""
    links: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Signal -> source item -> weight, scaled by the signal's factor."""

    @property
    def is_zero(self) -> bool:
        """Whether it says nothing of its own; what counts for everybody does not count."""
        return not np.any(self.vector) and not any(
            source != EVERYBODY for weights in self.links.values() for source in weights
        )
