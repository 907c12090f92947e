"""Parameter-efficient ways to change a backbone: adapters and prompts, by peft."""

from __future__ import annotations

import warnings
from typing import Any

import peft
import torch
from transformers.pytorch_utils import Conv1D

from recsys.config import TrainConfig, TrainMode
from recsys.errors import ConfigError

ATTENTION = ("query", "key", "value", "q", "k", "v", "q_lin", "k_lin", "v_lin", "c_attn")
"""Names of the layers that adapters go to, over the architectures we know."""
ORTHOGONALITY = 0.1
"""Weight of the orthogonality penalty (AdaLoRA, Zhang et al. 2023, arXiv 2303.10512)."""
NO_SCHEDULE = 10**6


def adapted(backbone: Any, config: TrainConfig, num_steps: int = 0) -> Any:
    """The backbone with the trainable parts of `config.mode`; itself for `full`.

    Raises `ConfigError` for an architecture whose attention layers are not known.
    """
    if config.mode is TrainMode.FULL:
        return backbone
    if config.mode is TrainMode.PROMPT:
        prompt = peft.PromptTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=config.rank)
        return _with_adapter(backbone, prompt)
    layers = sorted({name.rsplit(".", 1)[-1] for name, _ in backbone.named_modules()} & set(ATTENTION))
    if not layers:
        raise ConfigError("no attention layer is known to take adapters", expected=", ".join(ATTENTION))
    shared = {
        "target_modules": layers,
        "lora_alpha": 2 * config.rank,
        "lora_dropout": 0.0,
        "fan_in_fan_out": any(isinstance(part, Conv1D) for part in backbone.modules()),  # GPT-2 transposes
    }
    if config.mode is TrainMode.LORA:
        return _with_adapter(backbone, peft.LoraConfig(r=config.rank, **shared))
    total = num_steps or NO_SCHEDULE
    adaptive = peft.AdaLoraConfig(
        init_r=config.rank + (config.rank + 1) // 2, target_r=config.rank, total_step=total,
        tinit=total // 10, tfinal=total // 3, deltaT=max(total // 50, 1), **shared,
    )  # fmt: skip
    return _with_adapter(backbone, adaptive)


def allocate_ranks(backbone: Any, step: int) -> None:
    """Let AdaLoRA take ranks from where they matter least, by its schedule."""
    backbone.base_model.update_and_allocate(step)


def recall_ranks(backbone: Any, step: int) -> None:
    """Tell AdaLoRA which ranks were gone at a step that it goes on from: those whose weight is 0."""
    made = backbone.peft_config["default"]
    if step > made.total_step - made.tfinal:
        made.rank_pattern = {
            name: (value != 0.0).view(-1).tolist()
            for name, value in backbone.base_model.model.named_parameters()
            if "lora_E" in name
        }


def orthogonality(backbone: Any) -> torch.Tensor:
    """Mean distance of AdaLoRA's left and right directions from orthonormal ones, weighed."""
    parts = []
    for name, value in backbone.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            product = value @ value.T if "lora_A" in name else value.T @ value
            parts.append(torch.linalg.norm(product - torch.eye(len(product), device=product.device)))
    return ORTHOGONALITY * torch.stack(parts).mean()


def _with_adapter(backbone: Any, adapter: peft.PeftConfig) -> Any:
    with warnings.catch_warnings():
        # peft 0.21 reads a property under a name that transformers 5.24 has renamed.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return peft.get_peft_model(backbone, adapter)
