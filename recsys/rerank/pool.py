"""The candidates of one list with everything that arranging them needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

Fields = Mapping[str, Any]
DAY_US = 86_400_000_000
COLOURS = (
    "black white grey gray silver gold beige brown red orange yellow green blue navy purple violet pink rose "
    "cream sand slate rust ochre olive teal turquoise ivory charcoal forest light dark multicolor multicolour"
)
SIZES = "xs s m l xl xxl xxxl small medium large extra mini size"
VARIANT_WORDS = frozenset([*COLOURS.split(), *SIZES.split()])
"""Words that tell variants of one product apart."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Candidates, best first."""

    item_ids: tuple[str, ...]
    scores: np.ndarray
    """`[K]`, descending."""
    vectors: np.ndarray
    """`[K, D] float32`, unit rows; a zero row is like nothing."""
    fields: Sequence[Fields]
    """Title, category, brand, created_at, attributes; empty where unknown."""

    def __len__(self) -> int:
        """Candidates."""
        return len(self.item_ids)

    def relevance(self) -> np.ndarray:
        """Scores brought to [0, 1] within the pool, `[K] float64`; all 1 where they are equal."""
        scores = np.asarray(self.scores, np.float64)
        low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 0.0)
        return np.ones(len(scores)) if high <= low else (scores - low) / (high - low)

    def categories(self) -> list[str]:
        """Top level of each category path; empty where there is none."""
        return [top_category(row) for row in self.fields]

    def ages_days(self, now_us: int) -> np.ndarray:
        """Days since each item came, never below 0, `[K] float64`; infinite where it is not known."""
        ages = np.array([_age_us(row.get("created_at"), now_us) for row in self.fields], np.float64)
        return np.asarray(np.maximum(ages, 0.0) / DAY_US)


def top_category(row: Fields) -> str:
    """First step of an item's category path; empty where there is none."""
    return str(row.get("category") or "").split("/", 1)[0]


def variant_key(row: Fields) -> str | None:
    """What variants of one product have in common; None where nothing tells.

    The attribute `variant_of` when an item has it, else brand, category and title without words of
    colour and size.
    """
    attributes = dict(row.get("attributes") or {})
    if parent := attributes.get("variant_of"):
        return f"={parent}"
    if not (title := row.get("title")):
        return None
    own = {word for name in ("color", "colour", "size") for word in _words(str(attributes.get(name, "")))}
    words = [word for word in _words(str(title)) if word not in VARIANT_WORDS and word not in own]
    kept = " ".join(words)
    return f"{row.get('brand') or ''}|{row.get('category') or ''}|{kept}" if kept else None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _age_us(created: Any, now_us: int) -> float:
    if created is None:
        return float("inf")
    if isinstance(created, datetime):
        return now_us - created.timestamp() * 1e6
    return float(now_us - int(created))
