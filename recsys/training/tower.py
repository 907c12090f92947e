"""The network being trained: items in, unit vectors out, and the folder it becomes."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
from safetensors.torch import save_file
from torch import nn
from transformers.pytorch_utils import Conv1D

from recsys.config import EncoderConfig, TrainConfig, TrainMode
from recsys.encoder.backbone import load_backbone, load_tokenizer
from recsys.encoder.batches import token_batches
from recsys.encoder.folder import HEAD, PROMPT, EncoderFolder, verify
from recsys.encoder.pooling import pool, unit_rows
from recsys.encoder.sources import resolve
from recsys.encoder.text_encoder import blank_token
from recsys.errors import ConfigError

ATTENTION = ("query", "key", "value", "q", "k", "v", "q_lin", "k_lin", "v_lin", "c_attn")
"""Names of the layers that adapters go to, over the architectures we know."""


class Tower(nn.Module):
    """Encoder with the trainable parts of one mode. `forward` takes item places `[B]`.

    Mode `head` never runs the backbone: it trains a square layer over vectors that were made before.
    Dropout is off, so that a step depends on nothing but its batch.
    """

    def __init__(
        self, encoder: EncoderConfig, config: TrainConfig, texts: Sequence[str], vectors: np.ndarray
    ) -> None:
        super().__init__()
        torch.manual_seed(config.seed)
        self._encoder, self.mode = encoder, config.mode
        self._folder: EncoderFolder = verify(resolve(encoder.source))
        if self._folder.trained:
            raise ConfigError(
                "an encoder with a head or a prompt cannot be trained further",
                expected="the encoder it was trained from",
                found=", ".join(file.name for file in self._folder.trained),
            )
        self.head: nn.Linear | None = None
        self.scale = nn.Parameter(torch.tensor([5.0, 0.0]), requires_grad=config.objective == "classifier")
        if config.mode is TrainMode.HEAD:
            self.head = nn.Linear(vectors.shape[1], vectors.shape[1], bias=False)
            nn.init.eye_(self.head.weight)
            self._vectors = torch.from_numpy(np.array(vectors, np.float32))
        else:
            self.backbone: Any = _adapted(load_backbone(self._folder, torch.device("cpu")), config)
            self._tokens = _tokens(self._folder, texts, min(config.max_tokens, encoder.max_tokens))
        self.eval()

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """`[B] int64` item places -> `[B, D]` unit rows."""
        if self.head is not None:
            return unit_rows(self.head(self._vectors[items].to(self.head.weight.device)))
        batch = [self._tokens[place] for place in items.tolist()]
        device = self.scale.device
        ids = torch.zeros((len(batch), max(map(len, batch))), dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, own in enumerate(batch):
            ids[row, : len(own)], mask[row, : len(own)] = torch.tensor(own), 1
        ids, mask = ids.to(device), mask.to(device)
        states = self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
        return unit_rows(pool(states[:, -ids.shape[1] :], mask, self._encoder.pooling).float())

    def trainable(self) -> dict[str, nn.Parameter]:
        """Parameters that change, by name."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}

    @property
    def num_trainable(self) -> int:
        """Numbers that change."""
        return sum(value.numel() for value in self.trainable().values())

    @torch.no_grad()
    def embed(self, num_items: int) -> np.ndarray:
        """`[N, D] float32` unit rows of all items."""
        if self.head is not None:
            return np.asarray(self.forward(torch.arange(num_items)).cpu().numpy(), np.float32)
        parts = np.empty((num_items, self._width()), np.float32)
        for batch in token_batches(np.array([len(own) for own in self._tokens]), self._encoder.batch_tokens):
            parts[batch] = self.forward(torch.from_numpy(batch)).cpu().numpy()
        return parts

    def save(self, target: Path) -> None:
        """An encoder folder that `recsys embed --encoder` takes; adapters are merged into the weights."""
        target.mkdir(parents=True, exist_ok=True)
        for file in (self._folder.path / "config.json", *self._folder.tokenizer):
            shutil.copy(file, target / file.name)
        if self.mode in (TrainMode.HEAD, TrainMode.PROMPT):
            for file in self._folder.weights:
                shutil.copy(file, target / file.name)
        if self.head is not None:
            save_file({"weight": self.head.weight.detach().cpu().contiguous()}, target / HEAD)
        elif self.mode is TrainMode.PROMPT:
            prompt = self.backbone.get_prompt_embedding_to_save("default")
            save_file({"prompt": prompt.detach().cpu().contiguous()}, target / PROMPT)
        else:
            merged = self.backbone if self.mode is TrainMode.FULL else self.backbone.merge_and_unload()
            merged.cpu().save_pretrained(target, safe_serialization=True)

    @torch.no_grad()
    def _width(self) -> int:
        return int(self.forward(torch.zeros(1, dtype=torch.int64)).shape[1])


def _adapted(backbone: Any, config: TrainConfig) -> Any:
    if config.mode is TrainMode.FULL:
        return backbone
    if config.mode is TrainMode.PROMPT:
        made = peft.PromptTuningConfig(task_type="FEATURE_EXTRACTION", num_virtual_tokens=config.rank)
        return _with_adapter(backbone, made)
    layers = sorted({name.rsplit(".", 1)[-1] for name, _ in backbone.named_modules()} & set(ATTENTION))
    if not layers:
        raise ConfigError("no attention layer is known to take adapters", expected=", ".join(ATTENTION))
    transposed = any(isinstance(module, Conv1D) for module in backbone.modules())  # as GPT-2 stores weights
    if config.mode is TrainMode.ADALORA:
        # AdaLoRA's own rank schedule needs the number of steps; without it the ranks stay as they begin.
        adaptive = peft.AdaLoraConfig(
            init_r=config.rank, target_r=max(config.rank // 2, 1), total_step=10**6, target_modules=layers,
            lora_alpha=2 * config.rank, lora_dropout=0.0, fan_in_fan_out=transposed,
        )  # fmt: skip
        return _with_adapter(backbone, adaptive)
    plain = peft.LoraConfig(
        r=config.rank, lora_alpha=2 * config.rank, target_modules=layers, lora_dropout=0.0,
        fan_in_fan_out=transposed,
    )  # fmt: skip
    return _with_adapter(backbone, plain)


def _with_adapter(backbone: Any, adapter: peft.PeftConfig) -> Any:
    with warnings.catch_warnings():
        # peft 0.21 reads a property under a name that transformers 5.24 has renamed.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return peft.get_peft_model(backbone, adapter)


def _tokens(folder: EncoderFolder, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    loaded = load_tokenizer(folder)
    blank, tokenizer = blank_token(loaded), loaded.backend_tokenizer
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return [encoding.ids or [blank] for encoding in tokenizer.encode_batch_fast(list(texts))]
