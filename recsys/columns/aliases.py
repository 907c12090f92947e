"""Which column of a file holds which field of the contract."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from recsys.errors import SchemaError

NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def map_columns(
    found: Sequence[str], aliases: Mapping[str, Sequence[str]], chosen: Mapping[str, str]
) -> dict[str, str]:
    """Contract field -> column name in the file.

    `chosen` wins and must exist; then the field's own name; then its aliases in order. Letter case
    and separators do not matter. No column serves two fields. Raises `SchemaError` for a chosen
    field or column that does not exist.
    """
    by_key: dict[str, str] = {}
    for name in found:
        by_key.setdefault(_key(name), name)
    mapped: dict[str, str] = {}
    for field, column in chosen.items():
        if field not in aliases or _key(column) not in by_key:
            raise SchemaError(
                f"the mapping {field}={column} does not fit",
                expected=f"a field of {', '.join(aliases)} and a column of {', '.join(found)}",
            )
        mapped[field] = by_key[_key(column)]
    for field, names in aliases.items():
        taken = set(mapped.values())
        free = [by_key[_key(name)] for name in (field, *names) if _key(name) in by_key]
        candidates = [name for name in free if name not in taken]
        if field not in mapped and candidates:
            mapped[field] = candidates[0]
    return mapped


def _key(name: str) -> str:
    return NOT_LETTERS.sub("", name.lower())
