"""The actor for pictures and films: paths of one unit in, vectors out, the bad ones told apart."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cluster.embedding.unit_encoder import UnitWorker, unit_bytes
from recsys.channels.frames import even_frames, mean_vector
from recsys.channels.images import open_image
from recsys.config import ChannelConfig
from recsys.errors import EncoderError, UnreadableFileError
from recsys.workspace import replace_file

if TYPE_CHECKING:
    from PIL import Image

    from recsys.channels.image_encoder import ImageEncoder

REFUSED_SUFFIX = ".refused.json"
IMAGES_AT_ONCE = 64
"""Unpacked pictures held at a time."""


class MediaUnits(UnitWorker):
    """Files in, vectors of those that can be read out; why the others cannot lies beside the unit."""

    def __init__(self, config: ChannelConfig, encoder_version: str, dim: int, folder: str) -> None:
        super().__init__(folder)
        self._config, self._version, self._dim = config, encoder_version, dim

    def embed(self, unit: Path, rows: pa.Table) -> None:
        """Encode what can be opened; a unit without one such file leaves no finished unit."""
        refused: dict[str, list[str]] = {}
        hashes: list[str] = []
        vectors: list[np.ndarray] = []
        waiting: list[tuple[str, list[Image.Image]]] = []
        pairs = zip(rows.column("text_hash").to_pylist(), rows.column("text").to_pylist(), strict=True)
        for content_hash, path in pairs:
            try:
                waiting.append((content_hash, self._pictures(Path(path))))
            except UnreadableFileError as error:
                refused[content_hash] = [error.what, f"expected {error.expected}; found {error.found}"]
            if sum(len(pictures) for _, pictures in waiting) >= IMAGES_AT_ONCE:
                self._take(waiting, hashes, vectors)
        self._take(waiting, hashes, vectors)
        replace_file(unit.with_suffix(REFUSED_SUFFIX), json.dumps(refused).encode())
        if hashes:
            found = unit_bytes(pa.array(hashes), np.stack(vectors), self._version)
            replace_file(self._folder / unit.name, found)

    def _take(
        self,
        waiting: list[tuple[str, list[Image.Image]]],
        hashes: list[str],
        vectors: list[np.ndarray],
    ) -> None:
        encoded = self._encoder.encode([picture for _, pictures in waiting for picture in pictures])
        start = 0
        for content_hash, pictures in waiting:
            own = encoded[start : start + len(pictures)]
            start += len(pictures)
            hashes.append(content_hash)
            vectors.append(own[0] if len(own) == 1 else mean_vector(own))
        waiting.clear()

    def _pictures(self, path: Path) -> list[Image.Image]:
        if self._config.kind == "video":
            return even_frames(path, self._config.limits)
        return [open_image(path, self._config.limits)]

    @cached_property
    def _encoder(self) -> ImageEncoder:
        from recsys.channels.image_encoder import ImageEncoder  # the driver has no use for torch

        encoder = ImageEncoder.load(self._config.encoder)
        if encoder.dim != self._dim:
            raise EncoderError(
                "the image encoder on this node is another one", expected=f"{self._dim} wide",
                found=f"{encoder.dim} wide", where=self._config.encoder.source,
            )  # fmt: skip
        return encoder
