"""The engine: texts in, unit embeddings out, in the given order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from recsys.config import EncoderConfig
from recsys.encoder.backbone import load_backbone, load_tokenizer, position_limit
from recsys.encoder.batches import token_batches
from recsys.encoder.folder import EncoderFolder, verify
from recsys.encoder.pooling import pool, unit_rows
from recsys.encoder.sources import resolve
from recsys.encoder.trained_parts import load_trained, token_states
from recsys.encoder.version import version_of
from recsys.errors import ConfigError, EncoderError

WINDOW_TEXTS = 8192
"""Texts tokenized at a time; bounds memory, not the embeddings."""
CHARS_PER_TOKEN = 64
"""A text is cut to max_tokens times this many characters before the tokenizer sees it."""


class TextEncoder:
    """A loaded encoder. Safe to call from several threads; not meant to be pickled."""

    version: str
    """Name of the embedding space; the same as `encoder_version(config)`."""
    dim: int
    """Width D of the embeddings."""
    max_tokens: int
    """Tokens of a text that count: the config's, or fewer where the network has no more positions."""

    def __init__(
        self,
        config: EncoderConfig,
        folder: EncoderFolder,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
    ) -> None:
        self.version = version_of(folder, config)
        self._config, self._model, self._where = config, model, str(folder.path)
        limit = position_limit(folder.config, tokenizer)
        self.max_tokens = min(config.max_tokens, limit) if limit else config.max_tokens
        self._tokenizer = tokenizer.backend_tokenizer
        self._blank = blank_token(tokenizer)
        self._prepare_tokenizer()
        self._head, self._prompt = load_trained(folder, model)
        self.dim = self._probe()

    @classmethod
    def load(cls, config: EncoderConfig) -> Self:
        """Verify the folder of `config.source`, load it, and try it once.

        Raises `EncoderError` for a refused or broken folder, `ConfigError` for an impossible setting.
        """
        device = _device(config.device)
        if config.num_threads:
            torch.set_num_threads(config.num_threads)
        folder = verify(resolve(config.source))
        tokenizer = load_tokenizer(folder)
        return cls(config, folder, load_backbone(folder, device), tokenizer)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """`[N, D] float32`, unit rows, in the given order; `[0, D]` for no texts.

        A row depends on its own text alone (within 1e-5), whatever else is in the call. An empty
        text has a unit embedding as well. Raises `EncoderError` if the network yields NaN or
        infinity.
        """
        result = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), WINDOW_TEXTS):
            window = texts[start : start + WINDOW_TEXTS]
            distinct = list(dict.fromkeys(window))
            rows = {text: row for row, text in enumerate(distinct)}
            result[start : start + len(window)] = self._encode_distinct(distinct)[
                [rows[text] for text in window]
            ]
        return result

    def _encode_distinct(self, texts: list[str]) -> np.ndarray:
        tokens = self._tokenize(texts)
        result = np.empty((len(texts), self.dim), dtype=np.float32)
        for batch in token_batches(np.array([len(ids) for ids in tokens]), self._config.batch_tokens):
            result[batch] = self._forward([tokens[row] for row in batch]).cpu().numpy()
        if not np.isfinite(result).all():
            raise EncoderError(
                "the encoder yields NaN or infinity", expected="finite vectors", where=self._where
            )
        return result

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        limit = self.max_tokens * CHARS_PER_TOKEN
        # Lone surrogates cannot be written as UTF-8, which the tokenizer needs.
        cut = [text[:limit].encode("utf-8", "replace").decode() for text in texts]
        return [encoding.ids or [self._blank] for encoding in self._tokenizer.encode_batch_fast(cut)]

    @torch.inference_mode()
    def _forward(self, batch: list[list[int]]) -> torch.Tensor:
        longest = max(map(len, batch))
        ids = np.full((len(batch), longest), self._blank, dtype=np.int64)
        mask = np.zeros((len(batch), longest), dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        device = self._model.device
        real = torch.from_numpy(mask).to(device)
        states = token_states(self._model, torch.from_numpy(ids).to(device), real, self._prompt)
        pooled = pool(states, real, self._config.pooling).float()
        return unit_rows(pooled if self._head is None else unit_rows(pooled) @ self._head.T)

    def _prepare_tokenizer(self) -> None:
        specials = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        if self.max_tokens <= specials:
            raise ConfigError(
                "max_tokens leaves no room for text",
                expected=f"more than {specials}",
                found=str(self.max_tokens),
            )
        # Once here rather than per call: a tokenizer may not change while another thread uses it.
        self._tokenizer.enable_truncation(self.max_tokens)
        self._tokenizer.no_padding()
        rows = self._model.get_input_embeddings().num_embeddings
        if self._tokenizer.get_vocab_size(with_added_tokens=True) > rows:
            raise EncoderError(
                "the tokenizer does not fit the weights", expected=f"at most {rows} tokens",
                found=str(self._tokenizer.get_vocab_size(with_added_tokens=True)), where=self._where,
            )  # fmt: skip

    def _probe(self) -> int:
        try:
            return int(self._forward(self._tokenize([""])).shape[1])
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise EncoderError(
                "the network does not turn text into token states", expected="a text encoder",
                found=f"{type(error).__name__}: {error}", where=self._where,
            ) from error  # fmt: skip


def blank_token(tokenizer: PreTrainedTokenizerFast) -> int:
    """Fills padding, and stands alone for a text without tokens; GPT-2-like folders name no padding."""
    for candidate in (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id):
        if candidate is not None:
            return int(candidate)
    return 0


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.split(":")[0] not in ("cpu", "cuda"):
        raise ConfigError("unknown device", expected="auto, cpu or cuda", found=name)
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError("no CUDA device here", expected="device auto or cpu", found=name)
    return torch.device(name)
