"""Units encoded in this process: for a few texts, starting Ray would take longer than the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from cluster.embedding.export import Unit
from cluster.embedding.unit_encoder import UnitEncoder, UnitWorker, unit_row


def encode_here(
    units: list[Unit], actor: dict[str, Any], worker: type[UnitWorker] = UnitEncoder
) -> Iterator[dict[str, Any]]:
    """Outcomes of one worker in this process, as `encode_on_actors` gives them."""
    encoder = worker(**actor)
    for unit in units:
        with own_threads():
            outcome = encoder(pa.Table.from_pylist([unit_row(unit)])).to_pylist()[0]
        yield outcome


@contextmanager
def own_threads() -> Iterator[None]:
    """Give torch its number of threads back at the end: an encoder sets it for the whole process."""
    import torch  # here, since a run with nothing to encode has no use for it

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
