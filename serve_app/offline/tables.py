"""Answers as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from recsys.payloads import ListAnswer, Reason

REASONS = pa.schema(
    [
        ("kind", pa.string()),
        ("text", pa.string()),
        ("item_id", pa.string()),
        ("share", pa.float64()),
        ("contribution", pa.float64()),
    ]
)


def lists_table(asked_as: str, asked: Sequence[str], answers: Sequence[ListAnswer]) -> pa.Table:
    """Lists under each other; the column `asked_as` says whose each one is.

    `rank int32` begins at 1 in each list, `score float64`, `reason` is the strongest one, null where there
    is none. A list without items has no rows.
    """
    schema = pa.schema(
        [
            (asked_as, pa.string()),
            ("rank", pa.int32()),
            ("item_id", pa.string()),
            ("score", pa.float64()),
            ("reason", pa.string()),
        ]
    )
    rows = [
        (name, rank, item.item_id, item.score, item.reasons[0].text if item.reasons else None)
        for name, answer in zip(asked, answers, strict=True)
        for rank, item in enumerate(answer.items, 1)
    ]
    return _table(rows, schema)


def reasons_table(reasons: Iterable[Reason]) -> pa.Table:
    """Reasons, the strongest first (`REASONS`)."""
    rows = [(one.kind, one.text, one.item_id, one.share, one.contribution) for one in reasons]
    return _table(rows, REASONS)


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
