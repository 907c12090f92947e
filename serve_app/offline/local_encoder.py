"""The encoder of an index version in this process, loaded when the first text comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from recsys.encoder_record import load_encoder_config
from recsys.errors import EncoderError
from recsys.index import current_version, load_manifest
from recsys.workspace import Workspace

if TYPE_CHECKING:
    from recsys.encoder import TextEncoder


class LocalEncoder:
    """`TextEncoderClient` without a service: torch and transformers are loaded with the first text."""

    def __init__(self, workspace: Workspace) -> None:
        """Of the published version; raises `IndexMissingError` when there is none."""
        self._workspace = workspace
        self._wanted = load_manifest(workspace, current_version(workspace)).encoder_version
        self._encoder: TextEncoder | None = None
        self._lock = asyncio.Lock()

    async def encode(self, texts: Sequence[str]) -> np.ndarray:
        """`[N, D] float32`, unit rows, in the given order; raises `EncoderError`."""
        async with self._lock:
            return await asyncio.to_thread(self._encode, list(texts))

    def _encode(self, texts: list[str]) -> np.ndarray:
        if self._encoder is None:
            self._encoder = self._load()
        return self._encoder.encode(texts)

    def _load(self) -> TextEncoder:
        from recsys.encoder import TextEncoder

        encoder = TextEncoder.load(load_encoder_config(self._workspace, self._wanted))
        if encoder.version != self._wanted:
            raise EncoderError(
                "texts would be encoded by another encoder than the items",
                expected=self._wanted,
                found=encoder.version,
            )
        return encoder
