"""What an answer says about its items and about those it names as reasons, looked up together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ItemLinks = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Item -> signal -> source item -> value."""


@dataclass(frozen=True, eq=False)
class Details:
    """Of ids that are known; others are absent."""

    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Title, brand, category, `created_at` and attributes of listed and of named items."""
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)
    """`[D] float32` of listed items."""
    links: ItemLinks = field(default_factory=dict)
    """What the named sources say for listed items."""

    def __or__(self, other: Details) -> Details:
        """Both; where both know an id, the other's."""
        return Details(
            {**self.fields, **other.fields},
            {**self.vectors, **other.vectors},
            {**self.links, **other.links},
        )
