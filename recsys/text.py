"""From a catalog row to the one text that stands for it in the embedding space."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from recsys.schemas import ITEM_TEXTS
from recsys.words import UNSPACED, names

TEXT_TEMPLATE_VERSION = "2"
"""Raised whenever `item_text` gives any other text for the same row."""

MAX_DESCRIPTION_CHARS = 1_000
MAX_ATTRIBUTES = 8
MAX_ATTRIBUTE_CHARS = 80
_COLUMNS = ("title", "category", "brand", "attributes", "description")

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_WORD = re.compile(r"\w+")
# Attributes that identify, locate or price an item say nothing about what it is.
_NOT_MEANING = re.compile(
    r"(?:^|[_\W])(?:ids?|skus?|asin|eans?|upc|gtin\d*|mpn|isbn\d*|barcode|url|uri|link|href|images?|photo|thumbnail|videos?|frames|subtitles?|price"
    r"|currency|cost|stock|quantity|inventory|rank|date|timestamp|created|updated)(?:$|[_\W])",
    re.IGNORECASE,
)


def item_text(item: Mapping[str, Any]) -> str:
    """Title, category, brand, attributes and description of a row of `ITEMS`, as one line.

    Parts are joined by ". ". Left out: prices, ids and addresses; a brand or attribute value the
    title names already; the title repeated at the start of the description. Attributes come in
    the order of their names, at most `MAX_ATTRIBUTES`; the description is cut at a word to
    `MAX_DESCRIPTION_CHARS`. Absent fields are skipped; a row without content gives "".
    """
    return _sentence(_parts(item))


def item_views(item: Mapping[str, Any]) -> tuple[str, str]:
    """The title of a row of `ITEMS`, and all that `item_text` says beside it; either may be ""."""
    title, *rest = _parts(item)
    return title, _sentence(rest)


def _parts(item: Mapping[str, Any]) -> list[str]:
    title = _clean(item.get("title"))
    parts = [title, _category(item.get("category"))]
    parts += [part for part in [_clean(item.get("brand"))] if not names(title, part)]
    return [*parts, _attributes(item.get("attributes"), title), _description(item.get("description"), title)]


def text_hash(text: str) -> str:
    """32 hex digits (BLAKE2b-128) that name `text` wherever embeddings are kept."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def item_texts(items: pa.Table) -> pa.Table:
    """`ITEMS` rows -> `ITEM_TEXTS` rows in the same order; absent optional columns are fine."""
    texts = [item_text(row) for row in _rows(items)]
    return pa.Table.from_arrays(
        [items.column("item_id"), pa.array(texts, pa.string()), pa.array(map(text_hash, texts), pa.string())],
        schema=ITEM_TEXTS,
    )


def views_of(items: pa.Table) -> list[tuple[str, str]]:
    """`item_views` of `ITEMS` rows in the same order; absent optional columns are fine."""
    return [item_views(row) for row in _rows(items)]


def _rows(items: pa.Table) -> list[dict[str, Any]]:
    return items.select([name for name in _COLUMNS if name in items.column_names]).to_pylist()  # type: ignore[no-any-return]  # Arrow's


def cut_at_word(text: str, max_chars: int) -> str:
    """`text` if it fits, else its longest start of whole words within `max_chars` characters.

    A first word longer than that is cut inside, and so is text of a script that writes no spaces.
    """
    if len(text) <= max_chars:
        return text
    if UNSPACED.match(text, max_chars - 1):
        return text[:max_chars].rstrip()
    start, _, _ = text[: max_chars + 1].rpartition(" ")
    return (start or text[:max_chars]).rstrip()


def _clean(value: object) -> str:
    if not isinstance(value, str):
        return ""
    # Cut first: nothing below needs more than a few times the largest part.
    return " ".join(_URL.sub(" ", value[: 4 * MAX_DESCRIPTION_CHARS]).split())


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _category(path: object) -> str:
    return ", ".join(dict.fromkeys(part.strip() for part in _clean(path).split("/") if part.strip()))


def _attributes(attributes: object, title: str) -> str:
    # Arrow maps arrive as lists of pairs, JSON objects as mappings.
    if isinstance(attributes, Mapping):
        attributes = attributes.items()
    pairs = sorted((str(name), _clean(value)) for name, value in attributes or ())  # type: ignore[attr-defined]  # pairs by contract
    told = [
        f"{_short(name.replace('_', ' '))}: {_short(value)}"
        for name, value in pairs
        if value and not _NOT_MEANING.search(name) and not names(title, value)
    ]
    return ", ".join(told[:MAX_ATTRIBUTES])


def _short(part: str) -> str:
    return cut_at_word(_clean(part), MAX_ATTRIBUTE_CHARS)


def _description(value: object, title: str) -> str:
    text = _clean(value)
    if title and text.casefold().startswith(title.casefold()):
        text = text[len(title) :].lstrip(" .,:;!?-–—|")
    if _words(text) == _words(title):
        return ""
    return cut_at_word(text, MAX_DESCRIPTION_CHARS)


def _sentence(parts: Iterable[str]) -> str:
    told = (part for part in parts if part)
    return " ".join(part if part[-1] in ".!?:;" else f"{part}." for part in told).removesuffix(".")
