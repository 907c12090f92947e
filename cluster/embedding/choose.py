"""Which backend and precision embed a workspace's catalog, where that is left open."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

from cluster.embedding.catalog_texts import ItemSource
from cluster.embedding.job import for_actor
from cluster.embedding.local_run import own_threads
from recsys.config import Backend, EmbedConfig, EncoderConfig, Precision, RuntimeConfig
from recsys.encoder import encoder_version
from recsys.encoder.choice import EncodingRecord, settled
from recsys.encoder_record import load_encoding, recorded_choice
from recsys.text import item_texts
from recsys.workspace import Workspace

SAMPLED_BATCHES = 4
"""Batches of items that the measured texts are drawn from."""
Chosen = tuple[EncoderConfig, EncodingRecord | None]


def choose_encoding(
    workspace: Workspace,
    items: ItemSource,
    encoder: EncoderConfig,
    embed: EmbedConfig,
    runtime: RuntimeConfig,
    say: Callable[[str], None] = lambda text: None,
) -> Chosen:
    """`encoder` without `auto`, and what was measured for it if anything was.

    What the workspace has on record stays. Without a record, a catalog of `embed.calibrate_texts` items
    and more is worth a measurement on its own texts, unless the actors run on other machines than this
    one; any other gets what `settled` says.
    """
    left_open = encoder.backend is Backend.AUTO or encoder.precision is Precision.AUTO
    if not left_open:
        return encoder, load_encoding(workspace, encoder_version(encoder))
    if (recorded := recorded_choice(workspace, encoder)) is not None:
        return recorded, load_encoding(workspace, encoder_version(recorded))
    if runtime.address or items.count() < embed.calibrate_texts:
        return settled(encoder), None
    return _measured(workspace, items, encoder, embed, say)


def _measured(
    workspace: Workspace,
    items: ItemSource,
    encoder: EncoderConfig,
    embed: EmbedConfig,
    say: Callable[[str], None],
) -> Chosen:
    from recsys.encoder.calibration import calibrate

    asked = for_actor(encoder, embed).model_copy(update={"export_folder": workspace.exported})
    with own_threads():
        taken, record = calibrate(asked, _sample(items), embed.min_agreement, say)
    return encoder.model_copy(update={"backend": taken.backend, "precision": taken.precision}), record


def _sample(items: ItemSource) -> list[str]:
    """Different texts of the catalog in an order drawn by a fixed seed."""
    batches = islice(items.scan(), SAMPLED_BATCHES)
    texts = [text for batch in batches for text in item_texts(batch).column("text").to_pylist()]
    distinct = list(dict.fromkeys(texts))
    return [distinct[place] for place in np.random.default_rng(0).permutation(len(distinct))]
