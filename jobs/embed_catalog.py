"""`recsys embed`: the stores of a runtime, one call, a report."""

from __future__ import annotations

from collections.abc import Callable

from cluster.database import open_database
from cluster.embedding import EmbedProgress, EmbedReport, choose_encoding, embed_catalog
from cluster.item_store import ItemStore
from cluster.judged_publish import published
from jobs.options import database_url_of
from recsys.config import EmbedConfig, EncoderConfig, RuntimeConfig
from recsys.encoder.coverage import coverage_warning
from recsys.encoder_record import save_encoder_config
from recsys.errors import InputError
from recsys.schemas import ITEMS
from recsys.text import item_texts
from recsys.workspace import Workspace

SAMPLE_ITEMS = 200


def run_embed(
    runtime: RuntimeConfig,
    encoder: EncoderConfig,
    embed: EmbedConfig,
    on_progress: Callable[[EmbedProgress], None] = lambda _: None,
    say: Callable[[str], None] = lambda text: None,
) -> EmbedReport:
    """Embed what is new in the runtime's catalog; see `embed_catalog` for what it raises.

    `auto` for backend or precision is what the workspace has on record, else what `choose_encoding`
    measures or settles; the choice is put on record. Raises `InputError` where there never was an item.
    """
    engine = open_database(database_url_of(runtime))
    try:
        workspace, items = Workspace(runtime.workspace), ItemStore(engine)
        _require_items(workspace, items)
        encoder, encoding = choose_encoding(workspace, items, encoder, embed, runtime, say)
        report = embed_catalog(workspace, items, encoder, embed, on_progress, runtime=runtime)
        save_encoder_config(workspace, report.encoder_version, encoder, encoding)
        if report.embedded and (warning := coverage_warning(encoder, _some_texts(items))):
            say(warning)
        return report
    finally:
        engine.dispose()


def _require_items(workspace: Workspace, items: ItemStore) -> None:
    """A catalog that was emptied is a catalog; one that never was is most often a mistyped folder."""
    if not items.count() and published(workspace) is None:
        raise InputError(
            "there is nothing to embed: the catalog is empty",
            expected="a run of `recsys import items FILE`",
            where=str(workspace.root),
        )


def _some_texts(items: ItemStore) -> list[str]:
    """The texts of the first items; enough to see what language a shop speaks."""
    first = next(items.scan(SAMPLE_ITEMS), ITEMS.empty_table())
    return [text for text in item_texts(first).column("text").to_pylist() if text]
