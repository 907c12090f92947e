"""Guessing hidden words: the library's head over the network in training, its collator for what is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import DataCollatorForLanguageModeling

from recsys.encoder.backbone import load_masked_head, load_tokenizer
from recsys.encoder.folder import EncoderFolder
from recsys.errors import EncoderError

HIDDEN_SHARE = 0.15
"""Share of a text's words that are to be guessed (Devlin et al. 2019)."""


class MaskedWords(nn.Module):
    """Token ids in, mean cross-entropy of hidden ones out."""

    def __init__(self, folder: EncoderFolder, plain: Any, adapted: Any) -> None:
        """Over `adapted`, whose own network is `plain`. Raises `EncoderError` where no word can be hidden."""
        super().__init__()
        tokenizer = load_tokenizer(folder)
        if tokenizer.mask_token_id is None:
            raise EncoderError(
                "this encoder's tokenizer has no token that hides a word",
                expected="a BERT-like encoder, or --objective title-description or dropout-views",
                where=str(folder.path),
            )
        model: Any = load_masked_head(folder)
        words = plain.get_input_embeddings().weight
        if model.get_output_embeddings().weight is model.get_input_embeddings().weight:
            model.get_output_embeddings().weight = words
        setattr(model, model.base_model_prefix, adapted)
        for name, value in model.named_parameters():
            if not name.startswith(f"{model.base_model_prefix}.") and value is not words:
                value.requires_grad_(True)
        self._model = model
        self._collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=HIDDEN_SHARE)

    def forward(self, tokens: Sequence[Sequence[int]], device: torch.device) -> torch.Tensor:
        """A scalar; 0 where chance hid nothing. Draws from torch's own generator on the CPU."""
        batch = self._collator([{"input_ids": list(own)} for own in tokens])
        given = {name: value.to(device) for name, value in batch.items()}
        labels = given.pop("labels")
        logits = self._model(**given).logits
        hidden = labels >= 0
        if not hidden.any():
            return logits.sum() * 0.0  # type: ignore[no-any-return]  # the library is untyped
        return nn.functional.cross_entropy(logits[hidden].float(), labels[hidden])


def require_dropout(network: nn.Module, folder: EncoderFolder) -> None:
    """Raise `EncoderError` for a network without dropout, to which two views of a text are one."""
    if not any(isinstance(part, nn.Dropout) and part.p > 0.0 for part in network.modules()):
        raise EncoderError(
            "this encoder has no dropout, so that two views of a text would be the same",
            expected="dropout above 0 in its config.json, or --objective title-description",
            where=str(folder.path),
        )
