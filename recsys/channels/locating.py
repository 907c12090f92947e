"""Which file of the shop's folder an item's reference means; nothing is fetched from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from recsys.errors import UnreadableFileError
from recsys.workspace import leads_inside

MAX_REFERENCE = 2_000


def reference_of(item: Mapping[str, Any], kind: str) -> str | None:
    """What an `ITEMS` row says of its picture or film; None where it says nothing."""
    if kind == "image":
        return item.get("image_url") or None
    pairs = item.get("attributes") or ()
    return dict(pairs.items() if isinstance(pairs, Mapping) else pairs).get(kind) or None


def locate(reference: str, folder: Path) -> Path:
    """The file or folder behind a path or a web address, inside `folder`.

    Of an address its path is looked up below `folder`, then its last part alone: shops keep copies of
    what they publish. Raises `UnreadableFileError`: `missing_file`, or `outside_folder` for what leads
    elsewhere, by dots or by links.
    """
    for name in _candidates(reference[:MAX_REFERENCE]):
        path = folder / name
        if not leads_inside(path, folder):
            raise UnreadableFileError(
                "outside_folder", expected="a file of the shop's folder", found=reference[:200]
            )
        with suppress(OSError):  # a name longer than any file system has
            path.stat()
            return path
    raise UnreadableFileError("missing_file", expected="a file of the shop's folder", found=reference[:200])


def _candidates(reference: str) -> list[str]:
    if "\0" in reference:
        return []
    if not reference.startswith(("http://", "https://")):
        return [reference]
    try:
        path = unquote(urlsplit(reference).path).lstrip("/")
    except ValueError:
        return []
    return [] if "\0" in path or not path.strip("/") else [path, Path(path).name]
