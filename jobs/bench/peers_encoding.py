"""What a user would encode with instead: the plain padded loop, and sentence-transformers as it comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

Encode = Callable[[list[str]], np.ndarray]
"""Texts -> `[N, D] float32` unit rows in their order."""

LOOP_BATCH = 64


def padded_loop(folder: Path, max_tokens: int) -> Encode:
    """The original method: batches of 64 as the texts come, each text padded to `max_tokens`, mean pooled."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    @torch.inference_mode()
    def encode_batch(texts: list[str]) -> np.ndarray:
        batch = tokenizer(
            texts, padding="max_length", truncation=True, max_length=max_tokens, return_tensors="pt"
        )
        states, mask = network(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
        pooled = (states * mask).sum(dim=1) / mask.sum(dim=1)
        return np.asarray(torch.nn.functional.normalize(pooled).numpy())

    def encode(texts: list[str]) -> np.ndarray:
        starts = range(0, len(texts), LOOP_BATCH)
        return np.concatenate([encode_batch(texts[start : start + LOOP_BATCH]) for start in starts])

    return encode


def sentence_transformer(folder: Path, max_tokens: int) -> Encode:
    """`SentenceTransformer(folder).encode` with its own batch of 32; the folder asks for mean and norm."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    model.max_seq_length = max_tokens

    def encode(texts: list[str]) -> np.ndarray:
        return np.asarray(model.encode(texts, show_progress_bar=False), np.float32)

    return encode
