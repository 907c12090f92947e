"""Which column of a file holds which field of the contract."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from recsys.errors import SchemaError

NOT_LETTERS = re.compile(r"[\W_]+")
"""Of any script: names in Chinese must not all come to the same."""


def map_columns(
    found: Sequence[str], aliases: Mapping[str, Sequence[str]], chosen: Mapping[str, str]
) -> dict[str, str]:
    """Contract field -> column name in the file.

    `chosen` wins, and its field takes no other column where that one is absent; then the field's
    own name; then its aliases in order. Letter case and separators do not matter. No column serves
    two fields. Raises `SchemaError` for a chosen field that does not exist.
    """
    if unknown := [field for field in chosen if field not in aliases]:
        raise SchemaError(
            "a column is mapped to a field that does not exist",
            expected=", ".join(aliases),
            found=", ".join(unknown),
        )
    by_key: dict[str, str] = {}
    for name in found:
        by_key.setdefault(column_key(name), name)
    mapped: dict[str, str] = {}
    for field, column in chosen.items():
        if column_key(column) in by_key:
            mapped[field] = by_key[column_key(column)]
    for field, names in aliases.items():
        taken = set(mapped.values())
        free = [by_key[column_key(name)] for name in (field, *names) if column_key(name) in by_key]
        candidates = [name for name in free if name not in taken]
        if field not in chosen and candidates:
            mapped[field] = candidates[0]
    return mapped


def missing_columns(
    found: Sequence[str],
    mapped: Mapping[str, str],
    required: Sequence[Sequence[str]],
    chosen: Mapping[str, str],
) -> str | None:
    """What to say of a file without a required field or a chosen column; None when it has all.

    Of each group in `required` one field is enough.
    """
    lacking = [" or ".join(group) for group in required if not mapped.keys() & set(group)]
    lacking += [column for field, column in chosen.items() if field not in mapped]
    return f"expected {', '.join(lacking)}; found {', '.join(found)}"[:500] if lacking else None


def column_key(name: str) -> str:
    """A column's name without letter case and separators: `Body (HTML)` and `body_html` are one."""
    return NOT_LETTERS.sub("", name.lower()) or name
