"""Text vectors that need no encoder, for benchmarks of what events alone decide."""

from __future__ import annotations

import zlib
from collections import Counter

import numpy as np
import pyarrow as pa

from recsys.text import item_texts

DIM = 256


def hashed_words(items: pa.Table) -> np.ndarray:
    """`[N, DIM] float32` unit rows in the order of ids: signed hashes of words, the rare ones more."""
    texts = item_texts(items).column("text").to_pylist()
    by_id = dict(zip(items.column("item_id").to_pylist(), texts, strict=True))
    words = [set(by_id[item_id].lower().split()) for item_id in sorted(by_id)]
    common = Counter(word for own in words for word in own)
    found = np.zeros((len(words), DIM), np.float32)
    for row, own in enumerate(words):
        for word in sorted(own):
            code = zlib.crc32(word.encode())
            found[row, code % DIM] += (1 if code & 65_536 else -1) * np.log(len(words) / common[word] + 1.0)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9))
