"""The network in ONNX Runtime, on the CPU."""

from __future__ import annotations

import numpy as np
import torch

from recsys.config import EncoderConfig
from recsys.encoder.folder import EncoderFolder
from recsys.encoder.network import CPU_BATCH_TOKENS
from recsys.encoder.onnx_export import INPUTS, OUTPUT, onnx_file, session


class OnnxNetwork:
    """An exported graph; torch's own network is not kept in memory."""

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, config: EncoderConfig, folder: EncoderFolder) -> None:
        self._session = session(onnx_file(config, folder), config.num_threads)

    def states(self, ids: np.ndarray, mask: np.ndarray) -> torch.Tensor:
        """`[B, L] int64` token ids and mask -> `[B, L, D] float32` token states."""
        found = self._session.run([OUTPUT], dict(zip(INPUTS, (ids, mask), strict=True)))
        return torch.from_numpy(found[0])
