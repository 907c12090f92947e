"""Evaluates a filter over an item table, one column operation per condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recsys.errors import SchemaError
from recsys.filters.fields import ATTRIBUTE_PREFIX, Kind, Op, Scalar, kind_of, parse_time
from recsys.filters.nodes import AllOf, AnyOf, Condition, Node, Not

INT64_LIMIT = 2**63
_COMPARE: dict[Op, Callable[[Any, Any], Any]] = {
    Op.EQ: pc.equal,
    Op.NE: pc.not_equal,
    Op.LT: pc.less,
    Op.LE: pc.less_equal,
    Op.GT: pc.greater,
    Op.GE: pc.greater_equal,
}
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"


def evaluate(node: Node, items: pa.Table) -> np.ndarray:
    """`[N] bool`: which rows pass `node`; nulls as the language says."""
    if isinstance(node, AllOf):
        return _combine(np.logical_and, node.parts, items, empty=True)
    if isinstance(node, AnyOf):
        return _combine(np.logical_or, node.parts, items, empty=False)
    if isinstance(node, Not):
        return np.asarray(~evaluate(node.part, items))
    return _condition(node, items)


def _combine(operation: np.ufunc, parts: Sequence[Node], items: pa.Table, *, empty: bool) -> np.ndarray:
    result = np.full(items.num_rows, empty)
    for part in parts:
        operation(result, evaluate(part, items), out=result)
    return result


def _condition(condition: Condition, items: pa.Table) -> np.ndarray:
    column, op = _column(condition.field, items), condition.op
    if op is Op.EXISTS:
        return _to_mask(column.is_null() if condition.value is False else column.is_valid())
    if op is Op.UNDER:
        path = str(condition.value).rstrip("/")
        return _to_mask(pc.or_(pc.equal(column, path), pc.starts_with(column, pattern=path + "/")))
    if op is Op.CONTAINS:
        return _to_mask(pc.match_substring(column, pattern=str(condition.value), ignore_case=True))
    kind = kind_of(condition.field)
    if op in (Op.IN, Op.NOT_IN):
        assert isinstance(condition.value, tuple)
        return _membership(kind, column, condition.value, negated=op is Op.NOT_IN)
    assert condition.value is not None
    assert not isinstance(condition.value, tuple)
    return _comparison(kind, column, op, condition.value)


def _column(field: str, items: pa.Table) -> pa.ChunkedArray:
    name = "attributes" if field.startswith(ATTRIBUTE_PREFIX) else field
    if name not in items.column_names:
        raise SchemaError(
            f"a filter names {field!r}", expected=f"column {name}", found=", ".join(items.column_names)
        )
    column = items.column(name)
    if name == "attributes":
        return pc.map_lookup(column, pa.scalar(field[len(ATTRIBUTE_PREFIX) :], pa.string()), "last")
    return column


def _comparison(kind: Kind, column: pa.ChunkedArray, op: Op, value: Scalar) -> np.ndarray:
    if kind is Kind.NUMBER:
        column, value = _integer_sides(column, value)
    elif kind is Kind.TIME:
        column, value = column.cast(pa.int64()), _microseconds(value)
    elif kind is Kind.ATTRIBUTE and not isinstance(value, str):
        column, value = _as_numbers(column), float(value) + 0.0
    return _to_mask(_COMPARE[op](column, pa.scalar(value)))


def _membership(
    kind: Kind, column: pa.ChunkedArray, values: Sequence[Scalar], *, negated: bool
) -> np.ndarray:
    if kind is Kind.NUMBER:
        whole = [int(v) for v in values if float(v).is_integer()]
        allowed = pa.array([v for v in whole if -INT64_LIMIT <= v < INT64_LIMIT], pa.int64())
    elif kind is Kind.TIME:
        column, allowed = column.cast(pa.int64()), pa.array([_microseconds(v) for v in values], pa.int64())
    elif values and not isinstance(values[0], str):
        column, allowed = _as_numbers(column), pa.array([float(v) + 0.0 for v in values], pa.float64())
    else:
        allowed = pa.array(values, pa.string())
    found = _to_mask(pc.is_in(column, value_set=allowed))
    return np.asarray(_to_mask(column.is_valid()) & ~found) if negated else found


def _integer_sides(column: pa.ChunkedArray, value: Scalar) -> tuple[pa.ChunkedArray, int | float]:
    """Column and value of one type so that the comparison is exact over all of int64."""
    number = int(value) if float(value).is_integer() else float(value)
    if isinstance(number, int) and -INT64_LIMIT <= number < INT64_LIMIT:
        return column, number
    beyond = float(np.copysign(np.inf, number)) if isinstance(number, int) else number
    return column.cast(pa.float64(), safe=False), beyond


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts as float64; null where a text is not a decimal number."""
    trimmed = pc.utf8_trim_whitespace(column)
    is_number = pc.match_substring_regex(trimmed, pattern=_NUMBER)
    digits = pc.replace_substring_regex(trimmed, pattern=r"^\+", replacement="")
    numbers = pc.if_else(is_number, digits, pa.scalar(None, pa.string())).cast(pa.float64())
    return pc.add(numbers, pa.scalar(0.0))  # -0.0 becomes 0.0: set membership tells the two apart


def _microseconds(value: Scalar) -> int:
    time = parse_time(str(value))
    assert time is not None
    return int(np.datetime64(time.replace(tzinfo=None), "us").astype(np.int64))


def _to_mask(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.fill_null(False).to_numpy(), dtype=bool)
