"""The network in PyTorch, on CPU or CUDA."""

from __future__ import annotations

import numpy as np
import torch

from recsys.config import EncoderConfig, Precision
from recsys.encoder.backbone import load_backbone
from recsys.encoder.folder import EncoderFolder
from recsys.encoder.network import CPU_BATCH_TOKENS, CUDA_BATCH_TOKENS
from recsys.encoder.trained_parts import load_prompt, token_states
from recsys.errors import ConfigError

DTYPES = {
    Precision.FP32: torch.float32,
    Precision.BF16: torch.bfloat16,
    Precision.FP16: torch.float16,
}


class TorchNetwork:
    """The reference that other backends are compared with."""

    def __init__(self, config: EncoderConfig, folder: EncoderFolder, device: torch.device) -> None:
        if config.precision is Precision.FP16 and device.type != "cuda":
            raise ConfigError("fp16 needs a CUDA device", expected="precision bf16 or fp32 on a CPU")
        if config.num_threads:
            torch.set_num_threads(config.num_threads)
        self._device = device
        self.model = load_backbone(folder, device).to(DTYPES[config.precision])
        self.prompt = load_prompt(folder, self.model)
        self.batch_tokens = CUDA_BATCH_TOKENS if device.type == "cuda" else CPU_BATCH_TOKENS

    @torch.inference_mode()
    def states(self, ids: np.ndarray, mask: np.ndarray) -> torch.Tensor:
        """`[B, L] int64` token ids and mask -> `[B, L, D] float32` token states on the network's device."""
        return token_states(self.model, self._moved(ids), self._moved(mask), self.prompt).float()

    def _moved(self, values: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(values)
        if self._device.type != "cuda":
            return tensor
        # From pinned memory the copy runs beside the pass before it.
        return tensor.pin_memory().to(self._device, non_blocking=True)
