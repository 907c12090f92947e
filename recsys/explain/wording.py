"""Words about items that a shopper reads: short titles, and what two items have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

MAX_TITLE_CHARS = 60
MAX_WORDS = 3
_WORD = re.compile(r"[^\W\d_][\w'’-]+")
_EMPTY_WORDS = """
about above all also and any are best both but buy can each every for free from gift great has have her
high his how including into its kit large made many medium mini more most new not off one only other our
out over pack pair pcs per piece pieces premium pro quality sale set small size super than that the their
them these they this those two under use used very via was what when which will with without you your
der die das und mit für von les des pour avec para con una por
"""


def short_title(title: str) -> str:
    """`title` in one line of at most `MAX_TITLE_CHARS` characters, cut at a word where it can be."""
    line = " ".join(title.split())
    if len(line) <= MAX_TITLE_CHARS:
        return line
    whole = line[:MAX_TITLE_CHARS].rpartition(" ")[0]  # the last place is the ellipsis's
    kept = whole if len(whole) >= MAX_TITLE_CHARS // 2 else line[: MAX_TITLE_CHARS - 1]
    return kept.rstrip(" ,;:-–|/(") + "…"


def category_leaf(category: str | None) -> str | None:
    """The most special part of a '/'-joined category path; None when there is none."""
    return next((part.strip() for part in reversed((category or "").split("/")) if part.strip()), None)


def shared_attributes(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """What two items have in common, as the second one spells it: brand, category leaf, title words.

    Compared without regard to case; at most `MAX_WORDS` title words, longest first, none that the
    brand or category already said.
    """
    shared = [
        str(mine)
        for mine, theirs in (
            (other.get("brand"), one.get("brand")),
            (category_leaf(other.get("category")), category_leaf(one.get("category"))),
        )
        if mine and theirs and str(mine).casefold() == str(theirs).casefold()
    ]
    said = {word for text in shared for word in _words(text)}
    known = _words(str(one.get("title") or ""))
    words = {key: word for key, word in _words(str(other.get("title") or "")).items() if key in known}
    fresh = [words[key] for key in sorted(words, key=lambda key: (-len(key), key)) if key not in said]
    return (*dict.fromkeys(shared), *fresh[:MAX_WORDS])


@cache
def _empty_words() -> frozenset[str]:
    return frozenset(_EMPTY_WORDS.split())


@lru_cache(8_192)
def _words(text: str) -> dict[str, str]:
    """Spellings by case-folded word; shared, not to be changed."""
    found: dict[str, str] = {}
    for word in _WORD.findall(text):
        key = word.casefold()
        if len(key) >= 3 and key not in _empty_words():
            found.setdefault(key, word)
    return found
