"""Which texts may break a policy: what a classifier is, and one by words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import Field

from recsys.config import Config, Share

LOOKALIKES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"})
_JOINED = re.compile(r"(?<=\b\w)[.\-_*](?=\w\b)")
"""Signs between single letters, as in `w.e.e.d`."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a classifier says of one text."""

    label: str
    """Policy that may be broken; empty: none."""
    score: float
    """How surely, 0 to 1."""
    evidence: tuple[str, ...] = ()
    """Words that told it."""


class PolicyClassifier(Protocol):
    """Whoever judges texts."""

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """One judgement a text, in order."""


class PolicyWords(Config):
    """Words of one policy."""

    words: tuple[str, ...]
    """Words or phrases that break it."""
    allowed: tuple[str, ...] = ()
    """Phrases in which they do not: `water pistol`."""
    score: Share = 0.9
    """How surely one hit breaks it."""


BUILT_IN: Mapping[str, PolicyWords] = {
    "weapons": PolicyWords(
        words=("pistol", "rifle", "handgun", "ammunition", "silencer", "switchblade", "brass knuckles"),
        allowed=("water pistol", "toy pistol", "nerf rifle", "glue pistol", "noise silencer"),
    ),
    "drugs": PolicyWords(words=("cocaine", "heroin", "methamphetamine", "lsd"), allowed=("heroin chic",)),
    "adult": PolicyWords(words=("porn", "pornographic", "sex toy"), score=0.8),
    "tobacco": PolicyWords(words=("cigarettes", "chewing tobacco", "vape liquid"), score=0.7),
}
"""A start; a shop gives its own."""


class KeywordClassifier:
    """Finds whole words and phrases, whatever their case, accents, or signs put between the letters."""

    def __init__(self, policies: Mapping[str, PolicyWords] | None = None) -> None:
        found = BUILT_IN if policies is None else policies
        self._policies = [
            (name, _pattern(one.words), _pattern(one.allowed), one.score) for name, one in found.items()
        ]

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """The surest policy that each text breaks; of equally sure ones the first."""
        return [self._one(plain(text)) for text in texts]

    def _one(self, text: str) -> Judgement:
        best = Judgement("", 0.0)
        for label, words, allowed, score in self._policies:
            left = allowed.sub(" ", text) if allowed else text
            hits = tuple(dict.fromkeys(words.findall(left))) if words else ()
            # Each further word makes it surer: independent doubts multiply.
            sure = 1.0 - (1.0 - score) ** len(hits)
            if sure > best.score:
                best = Judgement(label, sure, hits[:20])
        return best


def plain(text: str) -> str:
    """Folded for comparison: no case, accents, look-alike signs or signs between single letters."""
    decomposed = unicodedata.normalize("NFKD", text)
    letters = "".join(one for one in decomposed if not unicodedata.combining(one))
    joined = _JOINED.sub("", letters.casefold())
    return " ".join(
        word.translate(LOOKALIKES) if any(map(str.isalpha, word)) else word for word in joined.split()
    )


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    choices = "|".join(re.escape(plain(word)) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"\b(?:{choices})\b")


class Thresholds(Config):
    """What follows from a judgement."""

    hold: Share = Field(default=0.85)
    """From here on an item is not shown until somebody has looked."""
    review: Share = Field(default=0.5)
    """From here on somebody should look, and it is shown meanwhile."""
