"""Text as shops keep it (HTML, entities, mojibake, odd spaces) made plain."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\ufeff\ufffe\uffff]")
SPACE = re.compile(r"\s+")
BLOCKS = frozenset({"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt"})
BLOCKS |= {"fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"}
BLOCKS |= {"li", "main", "nav", "ol", "option", "p", "pre", "section", "table", "tbody", "td", "tfoot"}
BLOCKS |= {"th", "thead", "tr", "ul"}
DROPPED = ("script", "style", "template", "noscript", "iframe", "object")
ROUNDS = 5
"""Markup escaped more deeply than this is cut out rather than read."""
RAW_PER_CHAR = 20
"""Raw characters looked at for one that may be kept."""


def clean_text(raw: str, max_chars: int) -> str:
    """`raw` as plain text of at most `max_chars`: no tags, entities, control characters, double spaces.

    Scripts and styles go with their content, block tags part words, text is cut at a word. Cleaning
    what is clean changes nothing.
    """
    return cut_at_word(plain_text(raw, max_chars), max_chars)


def plain_text(raw: str, max_chars: int) -> str:
    """As `clean_text`, not cut yet: longer than `max_chars` when something is to be cut."""
    text = raw[: max_chars * RAW_PER_CHAR]
    for _ in range(ROUNDS):
        plain = _plain(text)
        if plain == text:
            return plain
        text = plain
    return SPACE.sub(" ", ENTITY.sub(" ", TAG.sub(" ", text))).strip()


def cut_at_word(text: str, max_chars: int) -> str:
    """The beginning of `text` up to `max_chars`, at the last space when there is one in its second half."""
    if len(text) <= max_chars:
        return text
    end = text.rfind(" ", max_chars // 2, max_chars + 1)
    return text[: end if end > 0 else max_chars].rstrip()


def has_markup(raw: str) -> bool:
    """Whether `clean_text` would find tags or entities."""
    return bool(TAG.search(raw) or ENTITY.search(raw))


def _plain(text: str) -> str:
    if not text.isascii():
        text = _mender()(text)
    if TAG.search(text):
        text = _without_tags(text)
    if ENTITY.search(text):
        text = html.unescape(text)
    return SPACE.sub(" ", CONTROL.sub(" ", text)).strip()


@cache
def _mender() -> Callable[[str], str]:
    """Mends mojibake; quotes and wide letters are how a shop writes."""
    # ftfy and lxml are imported by what cleans, since a shard's process never does.
    import ftfy

    settings = ftfy.TextFixerConfig(unescape_html=False, uncurl_quotes=False, fix_character_width=False)
    return partial(ftfy.fix_text, config=settings)


def _without_tags(text: str) -> str:
    import lxml.html
    from lxml.etree import ParserError

    try:
        root = lxml.html.fragment_fromstring(CONTROL.sub(" ", text), create_parent="div")
    except (ParserError, ValueError):
        return TAG.sub(" ", text)
    return TAG.sub(" ", "".join(_texts(root)))


def _texts(root: HtmlElement) -> Iterator[str]:
    """Only read: a tree may hold characters, from references, that lxml lets nobody write back."""
    from lxml.etree import iterwalk

    walk = iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        if event == "start" and element.tag in DROPPED:
            walk.skip_subtree()
        elif event == "start":
            yield (" " if element.tag in BLOCKS else "") + (element.text or "")
        else:
            yield (" " if element.tag in BLOCKS else "") + (element.tail or "")
