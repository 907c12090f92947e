"""A shop read from its stores: what fitting and evaluation work on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cluster.event_store import EventStore
from cluster.interactions import read_interactions
from cluster.item_store import ItemStore
from cluster.screening import screen_store
from recsys.channels import read_channels
from recsys.config import EventWeights
from recsys.dataset import Dataset
from recsys.embeddings import read_embeddings
from recsys.errors import InputError
from recsys.robustness import load_robustness
from recsys.text import item_texts, views_of
from recsys.workspace import Workspace


def read_views(item_store: ItemStore) -> list[tuple[str, str]]:
    """Title of every item and what else is said of it (`item_views`), ascending by id."""
    views: list[tuple[str, str]] = []
    for items in item_store.scan():
        views += views_of(items)
    return views


def read_dataset(
    workspace: Workspace,
    item_store: ItemStore,
    event_store: EventStore,
    encoder_version: str,
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
    *,
    needs_events: bool = True,
) -> Dataset:
    """Items ascending by id with texts and vectors, and all events on them but those of screened users.

    Raises `InputError` when a text was not embedded yet, or there is no event and `needs_events`.
    """
    table = read_embeddings(workspace.embeddings(encoder_version))
    ids: list[str] = []
    texts: list[str] = []
    categories: list[str | None] = []
    vectors: list[np.ndarray] = []
    for items in item_store.scan():
        rows = item_texts(items)
        hashes = rows.column("text_hash").to_pylist()
        if missing := table.missing(hashes):
            raise InputError(
                f"{len(missing)} or more items have no embedding by this encoder",
                expected="a run of `recsys embed` after the last change of the catalog",
            )
        ids += items.column("item_id").to_pylist()
        texts += rows.column("text").to_pylist()
        categories += items.column("category").to_pylist()
        vectors.append(table.lookup(hashes))
    if not ids:
        raise InputError("the catalog is empty", expected="a run of `recsys import items FILE`")
    # Both first: of what comes meanwhile nothing is promised.
    last_erasure, events_seq = event_store.last_erasure(), event_store.last_seq()
    screening = screen_store(event_store, load_robustness(workspace).screening)
    log = read_interactions(event_store, ids, EventWeights(), on_progress, screening.marked)
    if len(log) == 0 and needs_events:
        raise InputError(
            "there are no events on the items of the catalog",
            expected="a run of `recsys import events`",
            found=f"{log.unknown_items} events on unknown items, {screening.num_events} of left-out users",
        )
    return Dataset(
        workspace.root.name,
        log,
        np.concatenate(vectors),
        texts,
        categories,
        screening,
        [channel.block(ids) for channel in read_channels(workspace)],
        last_erasure,
        events_seq,
    )
