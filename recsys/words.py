"""Words of any script: where a script writes no spaces, pairs of neighbouring characters stand for them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003134f]+"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: words stand without spaces between them."""
_WORD = re.compile(r"\w\w+|" + UNSPACED.pattern[:-1])
_SCRIPTS = {
    "latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
    "greek": "\u0370-\u03ff",
    "cyrillic": "\u0400-\u052f",
    "hebrew": "\u0590-\u05ff",
    "arabic": "\u0600-\u06ff\u0750-\u077f",
    "devanagari": "\u0900-\u097f",
    "thai": "\u0e00-\u0e7f",
    "kana": "\u3040-\u30ff",
    "hangul": "\u1100-\u11ff\uac00-\ud7af",
    "han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f",
}
_OF_SCRIPT = {name: re.compile(f"[{characters}]") for name, characters in _SCRIPTS.items()}


def words_of(text: str) -> list[str]:
    """Lower-case words of two characters and more, in order; unspaced runs as their overlapping pairs.

    A lone character of such a script is a word. Text in spaced scripts gives what scikit-learn's
    vectorizers take for words.
    """
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        start = 0
        for run in UNSPACED.finditer(word):
            found += [word[start : run.start()]] if run.start() > start else []
            found += _pairs(run.group())
            start = run.end()
        found += [word[start:]] if start < len(word) else []
    return found


def names(text: str, part: str) -> bool:
    """Whether `text` says `part` already: word by word, or as a piece where words have no spaces."""
    if UNSPACED.search(part):
        return part.casefold() in text.casefold()
    return _word_set(text) >= _word_set(part)


def scripts_of(texts: Iterable[str]) -> dict[str, float]:
    """Share of each script among the letters of some texts, the largest first; empty without letters.

    Chinese is `han`, Japanese `han` and `kana`; a language is not told from another of its script.
    """
    counts = Counter[str]()
    for text in texts:
        counts.update({name: len(pattern.findall(text)) for name, pattern in _OF_SCRIPT.items()})
    total = counts.total()
    return {name: count / total for name, count in counts.most_common() if count}


@lru_cache(maxsize=64)  # a title is looked into once for each attribute
def _word_set(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)] or [run]
