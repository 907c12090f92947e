"""The encoder actor: one unit file in, one finished unit file out."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cluster.embedding.export import Unit
from recsys.config import EncoderConfig
from recsys.errors import EncoderError, RecsysError
from recsys.schemas import text_embeddings
from recsys.workspace import replace_file

if TYPE_CHECKING:
    from recsys.encoder import TextEncoder


MAX_ATTEMPTS = 4
"""A unit on which so many actors died is refused: Ray alone would send it again for ever."""


class UnitWorker:
    """Stateful class of the Ray Data plan; what it encodes with is built once an actor, at its first unit."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def __call__(self, units: pa.Table) -> pa.Table:
        """Rows of (unit, num_texts, num_chars) -> the same with `fault`, empty for a finished unit.

        A fault is told as data, so that the driver raises it as the error it is; only deaths of
        the process are left to Ray, which sends the unit again.
        """
        faults = [self._outcome(Path(unit)) for unit in units.column("unit").to_pylist()]
        return units.append_column("fault", pa.array(faults, pa.list_(pa.string())))

    def _outcome(self, unit: Path) -> list[str]:
        try:
            # A unit that is sent again after a death may have landed before it.
            if not (self._folder / unit.name).exists():
                count_attempt(unit)
                self.embed(unit, pq.read_table(unit, partitioning=None))
        except RecsysError as error:
            return [error.what, error.expected, error.found, error.where]
        except OSError as error:
            return ["an embedding unit cannot be written", "", str(error), unit.name]
        return []

    def embed(self, unit: Path, rows: pa.Table) -> None:
        """Write the finished unit of these rows (`UNIT_INPUT`); raises `RecsysError`, `OSError`."""
        raise NotImplementedError


class UnitEncoder(UnitWorker):
    """Texts in, their embeddings out."""

    def __init__(self, config: EncoderConfig, encoder_version: str, dim: int, folder: str) -> None:
        super().__init__(folder)
        self._config, self._version, self._dim = config, encoder_version, dim

    def embed(self, unit: Path, rows: pa.Table) -> None:
        """Encode the texts of a unit."""
        vectors = self._encoder.encode(rows.column("text").to_pylist())
        replace_file(self._folder / unit.name, unit_bytes(rows.column("text_hash"), vectors, self._version))

    @cached_property
    def _encoder(self) -> TextEncoder:
        # Here, since the driver imports this module too and has no use for torch.
        from recsys.encoder import TextEncoder

        encoder = TextEncoder.load(self._config)
        if (encoder.version, encoder.dim) != (self._version, self._dim):
            raise EncoderError(
                "the encoder on this node is another one", expected=f"{self._version}, {self._dim} wide",
                found=f"{encoder.version}, {encoder.dim} wide", where=self._config.source,
            )  # fmt: skip
        return encoder


def unit_row(unit: Unit) -> dict[str, Any]:
    """The row of a unit that `UnitEncoder` takes."""
    return {"unit": str(unit.file), "num_texts": unit.num_texts, "num_chars": unit.num_chars}


def count_attempt(unit: Path) -> None:
    """Note one more try of a unit; raises `EncoderError` after `MAX_ATTEMPTS`."""
    attempts = unit.with_suffix(".attempts")
    with attempts.open("ab") as file:
        file.write(b".")
    if attempts.stat().st_size > MAX_ATTEMPTS:
        raise EncoderError(
            "encoder actors die on this unit, perhaps for want of memory; what was finished is kept",
            expected=f"success within {MAX_ATTEMPTS} attempts",
            where=unit.name,
        )


def unit_bytes(hashes: pa.ChunkedArray | pa.Array, vectors: np.ndarray, encoder_version: str) -> bytes:
    """A finished unit as Parquet with page checksums. Raises `EncoderError` on NaN or infinity."""
    if not np.isfinite(vectors).all():
        raise EncoderError(
            "an embedding unit has NaN or infinity", expected="finite vectors", where=encoder_version
        )
    dim = vectors.shape[1]
    embedding = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), dim)
    versions = pa.array([encoder_version] * len(vectors), pa.string())
    table = pa.Table.from_arrays([hashes, embedding, versions], schema=text_embeddings(dim))
    sink = pa.BufferOutputStream()
    # Random floats do not compress; a dictionary pays for the repeated version alone.
    pq.write_table(
        table, sink, compression="none", use_dictionary=["encoder_version"], write_page_checksum=True
    )
    return bytes(sink.getvalue())
