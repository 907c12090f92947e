"""Late fusion: text and channels side by side in one vector, so that one inner product weighs them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field

from recsys.blend.whitening import Whitening
from recsys.config import CHANNEL_NAME, Config, Share

MAX_SHARE = 0.95
"""What all channels together may take: a new item is found by its text until its picture is there."""
Turn = Literal["raw", "centred"]


class ChannelShare(Config):
    """How much of an item's vector one channel is."""

    name: str = Field(pattern=CHANNEL_NAME)
    """The channel."""
    version: str
    """What made its vectors; a share holds for this space alone."""
    width: int = Field(ge=1)
    """Columns of its vectors."""
    turn: Turn = "raw"
    """Whether the mean of its vectors is taken off first."""
    share: Share = 0.0
    """Share of the squared length, where the category has none of its own."""
    by_category: dict[str, Share] = {}
    """Shares of top categories that had enough events to be told apart."""

    def of(self, categories: Sequence[str | None]) -> np.ndarray:
        """`[N] float64`: the share of each item by its category."""
        return np.array([self.by_category.get(top_category(path), self.share) for path in categories])

    @property
    def is_used(self) -> bool:
        """Whether any item is told by it."""
        return any(share > 0.0 for share in (self.share, *self.by_category.values()))


@dataclass(frozen=True, eq=False)
class ChannelBlock:
    """Vectors of one channel for the items at hand."""

    name: str
    version: str
    vectors: np.ndarray
    """`[N, W] float32`: unit rows; zero rows for items that have nothing here."""

    @property
    def present(self) -> np.ndarray:
        """`[N] bool`: which items have a vector."""
        return np.asarray(np.any(self.vectors != 0.0, axis=1))

    def turned(self, turn: Turn) -> ChannelBlock:
        """The block with its mean taken off where `turn` says so; zero rows stay zero."""
        present = self.present
        if turn == "raw" or not present.any():
            return self
        own = self.vectors[present]
        vectors = np.zeros_like(self.vectors)
        vectors[present] = Whitening.fit(own, turn).apply(own)
        return replace(self, vectors=vectors)


def top_category(path: str | None) -> str:
    """The most general part of a '/'-joined path; "" without one."""
    return (path or "").split("/", 1)[0]


def turned_blocks(
    blocks: Sequence[ChannelBlock], shares: Sequence[ChannelShare], num_items: int
) -> list[ChannelBlock]:
    """The block of each share, turned as it says; zero rows where a channel is gone or of another space."""
    found = {(block.name, block.version): block for block in blocks}
    turned: list[ChannelBlock] = []
    for share in shares:
        block = found.get((share.name, share.version))
        if block is None or block.vectors.shape[1] != share.width:
            empty = np.zeros((num_items, share.width), np.float32)
            block = ChannelBlock(share.name, share.version, empty)
        turned.append(block.turned(share.turn))
    return turned


def fuse(
    text: np.ndarray,
    blocks: Sequence[ChannelBlock],
    shares: Sequence[ChannelShare],
    categories: Sequence[str | None],
) -> np.ndarray:
    """`[sqrt(s_text) text | sqrt(s_1) block_1 | ...]`, `[N, D + sum of widths] float32`.

    `text` is `[N, D]`, unit rows or zero; `blocks` belong to `shares` in order. Where an item has no
    vector in a channel its columns are zero and the other shares are scaled up, so that a row stays as
    long as its text was and an item without pictures is its text to the bit. No shares: `text` itself.
    """
    if not shares:
        return text
    wanted = np.stack([share.of(categories) for share in shares])
    wanted *= np.minimum(1.0, MAX_SHARE / np.maximum(wanted.sum(0), 1e-12))
    said = 1.0 - wanted.sum(0)
    present = wanted * np.stack([block.present for block in blocks])
    total = said + present.sum(0)
    parts = [text * _root(said, total)]
    parts += [block.vectors * _root(own, total) for block, own in zip(blocks, present, strict=True)]
    return np.asarray(np.concatenate(parts, axis=1), np.float32)


def _root(share: np.ndarray, total: np.ndarray) -> np.ndarray:
    """`[N, 1] float32` factors; exactly 1 for a part that stands alone."""
    return np.asarray(np.sqrt(share / total), np.float32)[:, None]
