"""Items and embeddings brought into the order every shard has."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa

from recsys.errors import InputError
from recsys.scan.scoring import MAX_NORM, squares_of


def by_item_id(items: pa.Table, embeddings: np.ndarray) -> tuple[pa.Table, np.ndarray]:
    """`items` without description and `embeddings` `[N, D] float32`, both ascending by `item_id`.

    Raises `InputError` when the two differ in number, an id comes twice, or a vector is not
    finite or too long.
    """
    if embeddings.ndim != 2 or len(embeddings) != items.num_rows:
        raise InputError(
            "embeddings do not fit the items", expected=f"[{items.num_rows}, D]", found=str(embeddings.shape)
        )
    ids = items.column("item_id").to_pylist()
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
    if twice := [ids[one] for one, other in pairwise(order.tolist()) if ids[one] == ids[other]]:
        raise InputError("an item comes twice", expected="every item_id once", found=repr(twice[0]))
    check_vectors(embeddings)
    kept = [name for name in items.column_names if name != "description"]
    rows = np.ascontiguousarray(embeddings[order], np.float32)
    return items.select(kept).take(pa.array(order)), rows


def check_vectors(embeddings: np.ndarray) -> None:
    """Raise `InputError` unless every row of `[N, D]` is finite and no longer than `MAX_NORM`."""
    # NaN compares false, so the test is for what is accepted.
    fits = squares_of(embeddings) <= MAX_NORM**2
    if not fits.all():
        raise InputError(
            "an item embedding is not finite or too long",
            expected=f"finite numbers, norm up to {MAX_NORM:g}",
            found=f"row {int(np.flatnonzero(~fits)[0])}",
        )
