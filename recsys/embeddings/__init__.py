"""The finished embedding units of one encoder: reading, checking, looking up by text hash."""

from recsys.embeddings.table import EmbeddingTable, read_embeddings
from recsys.embeddings.units import find_sorted, hash_array, read_hashes, read_unit, unit_files

__all__ = [
    "EmbeddingTable",
    "find_sorted",
    "hash_array",
    "read_embeddings",
    "read_hashes",
    "read_unit",
    "unit_files",
]
