"""The vectors of an index version: embeddings looked up, turned, and fused with what channels say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from recsys.blend.whitening import Whitening
from recsys.channels import ChannelShare, ChannelTable, fuse, read_channels
from recsys.embeddings import EmbeddingTable, forget
from recsys.errors import InputError
from recsys.text import item_texts
from recsys.workspace import Workspace


@dataclass(frozen=True, eq=False)
class IndexedVectors:
    """From rows of the catalog to rows of the index."""

    embeddings: EmbeddingTable
    folder: Path
    """Where the embeddings lie."""
    whitening: Whitening
    shares: tuple[ChannelShare, ...]
    channels: tuple[ChannelTable, ...]
    """Of each share, turned as it says."""

    @classmethod
    def of_workspace(
        cls,
        workspace: Workspace,
        encoder_version: str,
        embeddings: EmbeddingTable,
        whitening: Whitening,
        shares: tuple[ChannelShare, ...],
    ) -> IndexedVectors:
        """With the channels of a workspace; one that is gone, or of another space, says nothing."""
        folder = workspace.embeddings(encoder_version)
        known = {(c.record.name, c.record.version): c for c in (read_channels(workspace) if shares else [])}
        channels = [
            known.get((s.name, s.version), ChannelTable.empty(s.name, s.version, s.width)) for s in shares
        ]
        turned = (channel.turned(share.turn) for channel, share in zip(channels, shares, strict=True))
        return cls(embeddings, folder, whitening, shares, tuple(turned))

    def of(self, items: pa.Table) -> np.ndarray:
        """`[n, D] float32` of `ITEMS` rows. Raises `InputError` when a text was not embedded yet."""
        ids = items.column("item_id").to_pylist()
        blocks = [channel.block(ids) for channel in self.channels]
        return fuse(self._texts(items), blocks, self.shares, items.column("category").to_pylist())

    def _texts(self, items: pa.Table) -> np.ndarray:
        hashes = item_texts(items).column("text_hash").to_pylist()
        if missing := self.embeddings.missing(hashes):
            # The next run of `recsys embed` must find out by itself what this one did not know of.
            forget(self.folder)
            raise InputError(
                f"{len(missing)} or more items have no embedding by this encoder",
                expected="a run of `recsys embed` after the last change of the catalog",
            )
        return self.whitening.apply(self.embeddings.lookup(hashes))
