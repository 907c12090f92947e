"""The network being trained: items in, unit vectors out, and the folder it becomes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from recsys.config import EncoderConfig, Objective, TrainConfig, TrainMode
from recsys.encoder.backbone import load_backbone, load_tokenizer
from recsys.encoder.batches import token_batches
from recsys.encoder.folder import HEAD, PROMPT, EncoderFolder, verify
from recsys.encoder.network import CPU_BATCH_TOKENS
from recsys.encoder.pooling import pool, unit_rows
from recsys.encoder.sources import resolve
from recsys.encoder.text_encoder import blank_token
from recsys.errors import ConfigError
from recsys.training.adapters import adapted, allocate_ranks, orthogonality, recall_ranks
from recsys.training.masked_words import MaskedWords, require_dropout

HEAD_DROPOUT = 0.1
"""Share of a frozen vector's numbers that a head does not see, where views differ by dropout."""


class Tower(nn.Module):
    """Encoder with the trainable parts of one mode. `forward` takes item places `[B]`.

    Mode `head` never runs the backbone: it trains a square layer over vectors that were made before.
    Dropout is off, so that a step depends on nothing but its batch, unless the objective asks for it:
    then on the seed, the step and the worker as well (`begin`).
    """

    def __init__(
        self,
        encoder: EncoderConfig,
        config: TrainConfig,
        texts: Sequence[str],
        vectors: np.ndarray,
        num_steps: int = 0,
    ) -> None:
        """`vectors` `[N, D]` are the encoder's of `texts`; `num_steps` is the length of the training."""
        super().__init__()
        torch.manual_seed(config.seed)
        self._encoder, self.mode, self._objective, self._seed = (
            encoder, config.mode, config.objective, config.seed,
        )  # fmt: skip
        self._folder: EncoderFolder = verify(resolve(encoder.source))
        if self._folder.trained:
            raise ConfigError(
                "an encoder with a head or a prompt cannot be trained further",
                expected="the encoder it was trained from",
                found=", ".join(file.name for file in self._folder.trained),
            )
        self.head: nn.Linear | None = None
        self.scale = nn.Parameter(
            torch.tensor([5.0, 0.0]), requires_grad=config.objective is Objective.CLASSIFIER
        )
        if config.mode is TrainMode.HEAD:
            self.head = nn.Linear(vectors.shape[1], vectors.shape[1], bias=False)
            nn.init.eye_(self.head.weight)
            self._vectors = torch.from_numpy(np.array(vectors, np.float32))
        else:
            plain = load_backbone(self._folder, torch.device("cpu"))
            self.backbone: Any = adapted(plain, config, num_steps)
            self._tokens = _tokens(self._folder, texts, min(config.max_tokens, encoder.max_tokens))
            if config.objective is Objective.MASKED_LANGUAGE:
                self.guesser = MaskedWords(self._folder, plain, self.backbone)
            if config.objective is Objective.DROPOUT_VIEWS:
                require_dropout(plain, self._folder)
        self.eval()

    def begin(self, step: int, rank: int) -> None:
        """Before a step: what chance decides in it is the same whenever it is made."""
        if self._objective in (Objective.DROPOUT_VIEWS, Objective.MASKED_LANGUAGE):
            torch.manual_seed(int(np.random.SeedSequence([self._seed, step, rank]).generate_state(1)[0]))
        self.train(self._objective is Objective.DROPOUT_VIEWS)

    def forward(self, items: torch.Tensor, guess: bool = False) -> torch.Tensor:
        """`[B] int64` places of texts -> `[B, D]` unit rows; with `guess` the loss of their hidden words."""
        if self.head is not None:
            known = nn.functional.dropout(self._vectors[items], HEAD_DROPOUT, self.training)
            return unit_rows(self.head(known.to(self.head.weight.device)))
        batch = [self._tokens[place] for place in items.tolist()]
        if guess:
            loss: torch.Tensor = self.guesser(batch, self.scale.device)
            return loss
        device = self.scale.device
        ids = torch.zeros((len(batch), max(map(len, batch))), dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, own in enumerate(batch):
            ids[row, : len(own)], mask[row, : len(own)] = torch.tensor(own), 1
        ids, mask = ids.to(device), mask.to(device)
        states = self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
        return unit_rows(pool(states[:, -ids.shape[1] :], mask, self._encoder.pooling).float())

    @property
    def item_vectors(self) -> torch.Tensor:
        """`[N, D] float32` that a head is trained over; only in mode `head`."""
        return self._vectors

    def penalty(self) -> torch.Tensor | float:
        """What the mode adds to the loss: AdaLoRA's directions are to stay orthogonal; 0 otherwise."""
        return orthogonality(self.backbone) if self.mode is TrainMode.ADALORA else 0.0

    def allocate(self, step: int) -> None:
        """After a step and before gradients are cleared: AdaLoRA moves ranks to where they help."""
        if self.mode is TrainMode.ADALORA:
            allocate_ranks(self.backbone, step)

    def resume(self, step: int) -> None:
        """After the parameters of a checkpoint were put back."""
        if self.mode is TrainMode.ADALORA:
            recall_ranks(self.backbone, step)

    def trainable(self) -> dict[str, nn.Parameter]:
        """Parameters that change, by name."""
        return {name: value for name, value in self.named_parameters() if value.requires_grad}

    @property
    def num_trainable(self) -> int:
        """Numbers that change."""
        return sum(value.numel() for value in self.trainable().values())

    def embed(self, num_items: int) -> np.ndarray:
        """`[N, D] float32` unit rows of all items."""
        return self.embed_places(np.arange(num_items))

    @torch.no_grad()
    def embed_places(self, places: np.ndarray) -> np.ndarray:
        """`[B, D] float32` unit rows of the texts at `places`, without dropout."""
        if not self.training:
            return self._embedded(places)
        self.eval()
        try:
            return self._embedded(places)
        finally:
            self.train()

    def _embedded(self, places: np.ndarray) -> np.ndarray:
        if self.head is not None:
            return np.asarray(self.forward(torch.from_numpy(places)).cpu().numpy(), np.float32)
        parts = np.empty((len(places), self._width()), np.float32)
        lengths = np.array([len(self._tokens[place]) for place in places.tolist()])
        for batch in token_batches(lengths, self._encoder.batch_tokens or CPU_BATCH_TOKENS):
            parts[batch] = self.forward(torch.from_numpy(places[batch])).cpu().numpy()
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


def _tokens(folder: EncoderFolder, texts: Sequence[str], max_tokens: int) -> list[list[int]]:
    loaded = load_tokenizer(folder)
    blank, tokenizer = blank_token(loaded), loaded.backend_tokenizer
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return [encoding.ids or [blank] for encoding in tokenizer.encode_batch_fast(list(texts))]
