"""The network in OpenVINO, on the CPU."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any

import numpy as np
import torch

from recsys.config import EncoderConfig, Precision
from recsys.encoder.folder import EncoderFolder
from recsys.encoder.network import CPU_BATCH_TOKENS
from recsys.encoder.onnx_export import onnx_file

HINTS = {Precision.FP32: "f32", Precision.BF16: "bf16"}


class OpenvinoNetwork:
    """The graph that ONNX Runtime runs as well, compiled for this processor."""

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, config: EncoderConfig, folder: EncoderFolder) -> None:
        import openvino

        settings = {
            "INFERENCE_PRECISION_HINT": HINTS[config.precision],
            "INFERENCE_NUM_THREADS": config.num_threads or torch.get_num_threads(),
            "NUM_STREAMS": 1,
        }
        compiled = openvino.Core().compile_model(str(onnx_file(config, folder)), "CPU", settings)
        # A request serves one caller at a time.
        self._requests: SimpleQueue[Any] = SimpleQueue()
        self._requests.put(compiled.create_infer_request())

    def states(self, ids: np.ndarray, mask: np.ndarray) -> torch.Tensor:
        """`[B, L] int64` token ids and mask -> `[B, L, D] float32` token states."""
        request = self._requests.get()
        try:
            # The result's memory is the request's, which the next call writes again.
            return torch.from_numpy(request.infer([ids, mask])[0].copy())
        finally:
            self._requests.put(request)
