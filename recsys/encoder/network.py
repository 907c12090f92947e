"""What the engine asks of whatever runs a network: token ids in, token states out."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from recsys.config import Backend, EncoderConfig
from recsys.encoder.choice import require_installed
from recsys.encoder.folder import EncoderFolder
from recsys.errors import ConfigError

CPU_BATCH_TOKENS = 1024
"""Padded tokens of one pass on a CPU: activations of more leave its caches."""
CUDA_BATCH_TOKENS = 16_384
"""Padded tokens of one pass on a GPU, which smaller ones would leave idle."""


class Network(Protocol):
    """A loaded network. Safe to call from several threads."""

    batch_tokens: int
    """Padded tokens of one pass that suit the device."""

    def states(self, ids: np.ndarray, mask: np.ndarray) -> torch.Tensor:
        """`[B, L] int64` token ids and mask (1 real, 0 padding) -> `[B, L, D] float32` token states."""
        ...


def open_network(config: EncoderConfig, folder: EncoderFolder) -> Network:
    """The network of a verified folder on the backend of `config`, which is settled.

    Raises `EncoderError` for weights that do not fit or a network that the backend cannot run,
    `ConfigError` for an absent library and an impossible device.
    """
    require_installed(config.backend)
    device = device_of(config.device)
    if config.backend is Backend.TORCH:
        from recsys.encoder.torch_network import TorchNetwork

        return TorchNetwork(config, folder, device)
    if config.device.startswith("cuda"):
        raise ConfigError(f"backend {config.backend} runs on the CPU", expected="backend torch on CUDA")
    if config.backend is Backend.ONNX:
        from recsys.encoder.onnx_network import OnnxNetwork

        return OnnxNetwork(config, folder)
    from recsys.encoder.openvino_network import OpenvinoNetwork

    return OpenvinoNetwork(config, folder)


def device_of(name: str) -> torch.device:
    """The device that `auto`, `cpu` or `cuda` names. Raises `ConfigError`."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.split(":")[0] not in ("cpu", "cuda"):
        raise ConfigError("unknown device", expected="auto, cpu or cuda", found=name)
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError("no CUDA device here", expected="device auto or cpu", found=name)
    return torch.device(name)
