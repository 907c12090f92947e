"""The engine: texts in, unit embeddings out, in the given order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from recsys.config import EncoderConfig
from recsys.encoder.backbone import load_tokenizer, position_limit
from recsys.encoder.batches import token_batches
from recsys.encoder.choice import settled
from recsys.encoder.folder import EncoderFolder, verify
from recsys.encoder.network import Network, open_network
from recsys.encoder.pooling import pool, unit_rows
from recsys.encoder.sources import resolve
from recsys.encoder.tokens import Tokens, blank_token
from recsys.encoder.trained_parts import load_head
from recsys.encoder.version import require_content, version_of
from recsys.errors import EncoderError

__all__ = ["TextEncoder", "blank_token"]

WINDOW_TEXTS = 4096
"""Texts tokenized at a time; bounds memory, not the embeddings."""
_NETWORK_FAULTS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


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
        network: Network,
        tokenizer: PreTrainedTokenizerFast,
    ) -> None:
        self.version = version_of(folder, config)
        self._pooling, self._network, self._where = config.pooling, network, str(folder.path)
        self._batch_tokens = config.batch_tokens or network.batch_tokens
        limit = position_limit(folder.config, tokenizer)
        self.max_tokens = min(config.max_tokens, limit) if limit else config.max_tokens
        self._tokens = Tokens(tokenizer, self.max_tokens)
        self._require_vocabulary(folder)
        self._head = load_head(folder)
        self.dim = self._probe()

    @classmethod
    def load(cls, config: EncoderConfig) -> Self:
        """Verify the folder of `config.source`, load it, and try it once.

        `auto` for backend or precision is what `settled` says. Raises `EncoderError` for a refused or
        broken folder or a network that the backend cannot run, `ConfigError` for an impossible setting
        or a backend that is not installed.
        """
        config = settled(config)
        folder = verify(resolve(config.source))
        require_content(folder, config)
        tokenizer = load_tokenizer(folder)
        return cls(config, folder, open_network(config, folder), tokenizer)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """`[N, D] float32`, unit rows, in the given order; `[0, D]` for no texts.

        A row depends on its own text alone, whatever else is in the call: within 1e-5 in fp32, in
        another precision within its rounding. An empty text has a unit embedding as well. Raises
        `EncoderError` if the network yields NaN or infinity.
        """
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        distinct = list(rows)
        windows = [distinct[start : start + WINDOW_TEXTS] for start in range(0, len(distinct), WINDOW_TEXTS)]
        found = [self._encode_tokens(tokens) for tokens in self._tokens.ahead(windows)]
        vectors = np.concatenate([np.empty((0, self.dim), np.float32), *found])
        return vectors if len(distinct) == len(texts) else vectors[[rows[text] for text in texts]]

    def _encode_tokens(self, tokens: list[list[int]]) -> np.ndarray:
        batches = list(token_batches(np.array([len(ids) for ids in tokens]), self._batch_tokens))
        # Joined before they are fetched: a GPU goes on while the next batch is put together.
        joined = torch.cat([self._forward([tokens[row] for row in batch]) for batch in batches])
        result = np.empty((len(tokens), self.dim), dtype=np.float32)
        result[np.concatenate(batches)] = joined.cpu().numpy()
        if not np.isfinite(result).all():
            raise EncoderError(
                "the encoder yields NaN or infinity", expected="finite vectors", where=self._where
            )
        return result

    @torch.inference_mode()
    def _forward(self, batch: list[list[int]]) -> torch.Tensor:
        longest = max(map(len, batch))
        ids = np.full((len(batch), longest), self._tokens.blank, dtype=np.int64)
        mask = np.zeros((len(batch), longest), dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        states = self._network.states(ids, mask)
        pooled = pool(states, torch.from_numpy(mask).to(states.device), self._pooling)
        if self._head is None:
            return unit_rows(pooled)
        return unit_rows(unit_rows(pooled) @ self._head.T.to(pooled.device))

    def _require_vocabulary(self, folder: EncoderFolder) -> None:
        rows = folder.config.get("vocab_size")
        if isinstance(rows, int) and self._tokens.vocabulary > rows:
            raise EncoderError(
                "the tokenizer does not fit the weights", expected=f"at most {rows} tokens",
                found=str(self._tokens.vocabulary), where=self._where,
            )  # fmt: skip

    def _probe(self) -> int:
        try:
            return int(self._forward(self._tokens.of([""])).shape[1])
        except _NETWORK_FAULTS as error:
            raise EncoderError(
                "the network does not turn text into token states", expected="a text encoder",
                found=f"{type(error).__name__}: {error}", where=self._where,
            ) from error  # fmt: skip
