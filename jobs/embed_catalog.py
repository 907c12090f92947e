"""`recsys embed`: the stores of a runtime, one call, a report."""

from __future__ import annotations

from collections.abc import Callable

from cluster.database import open_database
from cluster.embedding import EmbedProgress, EmbedReport, embed_catalog
from cluster.item_store import ItemStore
from jobs.options import database_url_of
from recsys.config import EmbedConfig, EncoderConfig, RuntimeConfig
from recsys.encoder_record import save_encoder_config
from recsys.workspace import Workspace


def run_embed(
    runtime: RuntimeConfig,
    encoder: EncoderConfig,
    embed: EmbedConfig,
    on_progress: Callable[[EmbedProgress], None] = lambda _: None,
) -> EmbedReport:
    """Embed what is new in the runtime's catalog; see `embed_catalog` for what it raises."""
    engine = open_database(database_url_of(runtime))
    try:
        workspace = Workspace(runtime.workspace)
        report = embed_catalog(workspace, ItemStore(engine), encoder, embed, on_progress, runtime=runtime)
        save_encoder_config(workspace, report.encoder_version, encoder)
        return report
    finally:
        engine.dispose()
