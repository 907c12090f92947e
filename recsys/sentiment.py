"""How favourable a review's text sounds, for reviews that come without stars."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

MAX_CHARS = 1_000
"""Only this many characters are read: the analyser's time grows with the square of the length."""


def sentiment(text: str) -> float:
    """Polarity of `text` in [-1, 1]; 0 is neutral, empty, or nothing the lexicon knows.

    Rules and lexicon are VADER's: they know **English** words, emoticons and emoji, negation and
    emphasis, but neither irony nor other languages, which come out near 0. Of a text longer than
    `MAX_CHARS` the first and the last part are read, where reviews state their verdict.
    """
    text = text.strip()
    return _polarity(_cut(text)) if text else 0.0


def _cut(text: str) -> str:
    half = MAX_CHARS // 2
    return text if len(text) <= MAX_CHARS else f"{text[:half]} {text[-half:]}"


@lru_cache(maxsize=4_096)  # a profile is rebuilt on every read, its reviews stay
def _polarity(text: str) -> float:
    return float(_analyzer().polarity_scores(text)["compound"])


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    # Imported on first use: reading the lexicon takes longer than all of `import recsys`.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
