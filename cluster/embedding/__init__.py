"""Embedding the catalog: export what is new, encode it on Ray actors, keep every finished unit."""

from cluster.embedding.job import embed_catalog
from cluster.embedding.report import EmbedProgress, EmbedReport

__all__ = ["EmbedProgress", "EmbedReport", "embed_catalog"]
