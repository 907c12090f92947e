"""The finished embedding units of one encoder: reading, checking, looking up by text hash."""

from recsys.embeddings.memory import forget, known_hashes
from recsys.embeddings.table import EmbeddingTable, read_embeddings
from recsys.embeddings.units import find_sorted, hash_array, read_unit, unit_files

__all__ = [
    "EmbeddingTable",
    "find_sorted",
    "forget",
    "hash_array",
    "known_hashes",
    "read_embeddings",
    "read_unit",
    "unit_files",
]
