"""Embedding the catalog: what is new, encoded here or on Ray actors, every finished unit kept."""

from cluster.embedding.choose import choose_encoding
from cluster.embedding.job import embed_catalog
from cluster.embedding.report import EmbedProgress, EmbedReport

__all__ = ["EmbedProgress", "EmbedReport", "choose_encoding", "embed_catalog"]
