"""The fields a filter may name, the operators each kind of field has, and what a value must be."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum

from recsys.errors import FilterError

Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...] | None

ATTRIBUTE_PREFIX = "attributes."
MAX_VALUES = 1000
"""Most values a list of `in` or `not_in` may have."""


class Op(StrEnum):
    """How a field is compared with the condition's value."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"
    NOT_IN = "not_in"
    EXISTS = "exists"
    UNDER = "under"
    CONTAINS = "contains"


class Kind(StrEnum):
    """What a field holds; the words are what error messages say a value must be."""

    TEXT = "text"
    PATH = "path text"
    NUMBER = "number"
    FLAG = "true or false"
    TIME = "ISO 8601 time"
    ATTRIBUTE = "text or number"


FIELDS = {
    "item_id": Kind.TEXT,
    "title": Kind.TEXT,
    "category": Kind.PATH,
    "brand": Kind.TEXT,
    "price_minor": Kind.NUMBER,
    "currency": Kind.TEXT,
    "available": Kind.FLAG,
    "created_at": Kind.TIME,
    "updated_at": Kind.TIME,
}

_ORDERED = {Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE, Op.IN, Op.NOT_IN, Op.EXISTS}
OPS = {
    Kind.TEXT: _ORDERED | {Op.CONTAINS},
    Kind.PATH: _ORDERED | {Op.CONTAINS, Op.UNDER},
    Kind.NUMBER: _ORDERED,
    Kind.FLAG: {Op.EQ, Op.NE, Op.EXISTS},
    Kind.TIME: _ORDERED,
    Kind.ATTRIBUTE: _ORDERED | {Op.CONTAINS},
}


def kind_of(field: str) -> Kind:
    """What `field` holds; raises `FilterError` for a field that does not exist."""
    if field in FIELDS:
        return FIELDS[field]
    if field.startswith(ATTRIBUTE_PREFIX) and _is_text(field[len(ATTRIBUTE_PREFIX) :]):
        return Kind.ATTRIBUTE
    raise FilterError(
        f"unknown field {field!r}", expected=", ".join([*FIELDS, ATTRIBUTE_PREFIX + "<name>"]), found=field
    )


def check_condition(field: str, op: Op, value: Value) -> None:
    """Raise `FilterError`, naming field, expected and found, unless the three fit together."""
    kind = kind_of(field)
    if op not in OPS[kind]:
        allowed = ", ".join(o for o in Op if o in OPS[kind])
        raise FilterError(f"field {field!r} has no operator {op.value!r}", expected=allowed, found=op.value)
    if op is Op.EXISTS:
        _require(value is None or isinstance(value, bool), field, "true or false", value)
    elif op in (Op.IN, Op.NOT_IN):
        _check_list(field, kind, value)
    elif op in (Op.UNDER, Op.CONTAINS):
        _require(_is_text(value), field, "non-empty text", value)
    else:
        _require(_fits(kind, value), field, kind.value, value)


def _check_list(field: str, kind: Kind, value: Value) -> None:
    if not isinstance(value, tuple):
        raise _misfit(field, f"a list of {kind.value}", value)
    _require(len(value) <= MAX_VALUES, field, f"at most {MAX_VALUES} values", f"{len(value)} values")
    for member in value:
        _require(_fits(kind, member), field, f"a list of {kind.value}", member)
    same = len({isinstance(member, str) for member in value}) <= 1
    _require(same, field, "values of one type", "text and numbers mixed")


def _fits(kind: Kind, value: Value) -> bool:
    if kind in (Kind.TEXT, Kind.PATH):
        return _is_text(value, empty=True)
    if kind is Kind.NUMBER:
        return _is_number(value)
    if kind is Kind.FLAG:
        return isinstance(value, bool)
    if kind is Kind.TIME:
        return isinstance(value, str) and parse_time(value) is not None
    return _is_number(value) or _is_text(value, empty=True)


def _is_text(value: Value, *, empty: bool = False) -> bool:
    """Whether `value` is text that UTF-8 can carry (JSON may smuggle in half a surrogate pair)."""
    if not isinstance(value, str) or not (value or empty):
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _is_number(value: Value) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 time or date as UTC (a time without a zone is UTC), or None when it is not one."""
    try:
        parsed = datetime.fromisoformat(text)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _require(condition: bool, field: str, expected: str, found: Value) -> None:
    if not condition:
        raise _misfit(field, expected, found)


def _misfit(field: str, expected: str, found: Value) -> FilterError:
    if found is None:
        return FilterError(f"field {field!r} is compared with nothing", expected=expected, found="null")
    text = f"{found!r} ({type(found).__name__})"
    return FilterError(f"value of field {field!r} does not fit", expected=expected, found=text[:200])
