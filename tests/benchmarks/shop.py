"""A real data set as the product reads it, with MiniLM's vectors kept between runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.config import EncoderConfig
from recsys.dataset import Dataset
from recsys.text import item_texts, views_of
from tests.benchmarks.noise_and_seeds import read
from tests.benchmarks.protocol import embed, load_items


def with_texts(folder: Path, cache: Path, encoder: EncoderConfig) -> tuple[Dataset, list[tuple[str, str]]]:
    """The shop with real vectors and texts, and title and rest of each item, in the order of its ids."""
    items = load_items(folder)
    shop = read(folder)
    place = {name: row for row, name in enumerate(items.column("item_id").to_pylist())}
    order = np.array([place[name] for name in shop.log.item_ids])
    vectors = embed(items, cache / folder.name, encoder)[order]
    texts = item_texts(items).column("text").to_pylist()
    views = views_of(items)
    made = replace(shop, vectors=vectors, texts=[texts[row] for row in order])
    return made, [views[row] for row in order]
