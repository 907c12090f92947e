"""Items of the built-in shop: texts that hint at an interest, and what they truly are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from recsys.schemas import ITEMS
from recsys.shop.vocabulary import Category, Interest, categories, interests

BRANDS = (
    "Alder & Finch", "Bramholt", "Corvo", "Dunmere", "Elmwick", "Fjordal", "Gantry", "Harrow Lane", "Isola",
    "Juniper Works", "Kestrel", "Lumen Hall", "Marrow & Oak", "Northing", "Osprey Mill", "Pellico",
    "Quillfeather", "Rookery", "Saltmarsh", "Tarn", "Umbra", "Vesper", "Wilder & Co", "Yarrow",
    "Zephyrine", "Copperline",
)  # fmt: skip
COLOURS = ("black", "sand", "forest green", "slate", "rust", "cream", "navy", "ochre")
STYLES = ("classic", "compact", "simple", "heritage", "light", "pro", "studio", "travel")
PLAIN_SHARE = 0.15
"""Items that speak to no interest: every shop has a stock of them."""
SECOND_SHARE = 0.25
"""Items that hint at a second interest."""
VARIANT_SHARE = 0.12
"""Items that are another colour of the one before."""
UNAVAILABLE_SHARE = 0.04
MONTHS_BACK_DAYS = 540

Drawn = list[tuple[Interest, float]]
"""Interests of an item with their weights, the main one first."""

OPENINGS = (
    "A {style} {noun} in {material}.",
    "{material} through and through, finished by hand.",
    "Our {style} {noun}: {material}, built to be repaired.",
    "Good {material} and a {style} cut.",
)
HINTS = (
    "Made with {word} in mind.",
    "A favourite of people who love {word}.",
    "Just right for {word} and what comes after.",
    "Anyone into {word} will reach for it often.",
    "Chosen by customers who talk about {word}.",
)
SECOND_HINTS = ("It also suits {word}.", "Handy for {word}, too.", "Some use it for {word}.")
CLOSINGS = (
    "Comes in {colour}, two-year guarantee.",
    "Weighs {weight} g; colour {colour}.",
    "Ships in recycled card. Shown in {colour}.",
    "Stands up to daily running about, bar to board to case.",
    "Fits any stand, rack or bench; {colour}.",
    "Easy to clean and hard to wear out.",
)


@dataclass(frozen=True)
class Catalog:
    """Items and the truth about them."""

    items: pa.Table
    """`ITEMS`."""
    tastes: np.ndarray
    """`[N, T] float64`: how much of each interest an item truly has, rows sum to at most 1."""
    brands: np.ndarray
    """`[N] int64`: number of the item's brand."""
    price_levels: np.ndarray
    """`[N] float64` in [0, 1]: where the price lies in its category's range."""


def make_catalog(rng: np.random.Generator, num_items: int, now: datetime) -> Catalog:
    """`num_items` items over all categories, older ones first."""
    maker = _Maker(rng, now, num_items)
    rows = [maker.item(number) for number in range(num_items)]
    table = pa.Table.from_pylist(rows, schema=ITEMS)
    return Catalog(table, np.array(maker.tastes), np.array(maker.brands), np.array(maker.price_levels))


class _Maker:
    def __init__(self, rng: np.random.Generator, now: datetime, num_items: int) -> None:
        self._rng, self._now, self._num_items = rng, now, num_items
        self._by_category = {
            category.path: [
                n for n, interest in enumerate(interests()) if category.path in interest.categories
            ]
            for category in categories()
        }
        self._last: dict[str, object] | None = None
        self.tastes: list[np.ndarray] = []
        self.brands: list[int] = []
        self.price_levels: list[float] = []

    def item(self, number: int) -> dict[str, object]:
        if self._last is not None and self._rng.random() < VARIANT_SHARE:
            return self._variant(number, self._last)
        category = categories()[number % len(categories())]
        brand, level = int(self._rng.integers(len(BRANDS))), float(self._rng.beta(1.6, 2.6))
        drawn = self._draw_interests(category)
        self._remember(drawn, brand, level)
        self._last = self._row(number, category, BRANDS[brand], level, drawn)
        return self._last

    def _row(
        self, number: int, category: Category, brand: str, level: float, drawn: Drawn
    ) -> dict[str, object]:
        noun, material = self._pick(category.nouns), self._pick(category.materials)
        style, colour = self._pick(STYLES), self._pick(COLOURS)
        words = {
            "noun": noun, "material": material, "style": style, "colour": colour, "brand": brand,
            "weight": int(self._rng.integers(8, 180)) * 10,
        }  # fmt: skip
        price = category.lowest + level * (category.highest - category.lowest)
        return {
            "item_id": f"item-{number:05d}",
            "title": self._title(brand, style, noun, material, colour, drawn),
            "description": self._description(words, drawn),
            "category": category.path,
            "brand": brand,
            "price_minor": round(price) * 100 - int(self._rng.choice((1, 5, 10, 100))),
            "currency": "EUR",
            "image_url": None,
            "available": bool(self._rng.random() >= UNAVAILABLE_SHARE),
            "attributes": [("colour", colour), ("material", material), ("style", style)],
            "created_at": self._created(number),
            "updated_at": None,
        }

    def _title(
        self,
        brand: str,
        style: str,
        noun: str,
        material: str,
        colour: str,
        drawn: Drawn,
    ) -> str:
        middle = self._pick((material, style, f"{style} {material}", colour))
        # Only some titles say what the item is for; the rest leave it to the description.
        told = f", {self._pick(drawn[0][0].item_words)}" if drawn and self._rng.random() < 0.35 else ""
        return f"{brand} {middle} {noun}{told}"

    def _description(self, words: dict[str, object], drawn: Drawn) -> str:
        parts = [self._pick(OPENINGS)]
        for place, (interest, _) in enumerate(drawn):
            hint = self._pick(HINTS if place == 0 else SECOND_HINTS)
            parts.append(hint.replace("{word}", self._pick(interest.item_words)))
        parts.append(self._pick(CLOSINGS))
        text = " ".join(parts).format(**words)
        return text[0].upper() + text[1:]

    def _variant(self, number: int, of: dict[str, object]) -> dict[str, object]:
        """The same item in another colour: the same truth, nearly the same text."""
        colour = self._pick(COLOURS)
        self.tastes.append(self.tastes[-1])
        self.brands.append(self.brands[-1])
        self.price_levels.append(self.price_levels[-1])
        base = str(of["title"]).removesuffix(")").rsplit(" (", 1)[0]
        return {**of, "item_id": f"item-{number:05d}", "title": f"{base} ({colour})"}

    def _draw_interests(self, category: Category) -> Drawn:
        own = self._by_category[category.path]
        if not own or self._rng.random() < PLAIN_SHARE:
            return []
        first = int(self._rng.choice(own))
        if self._rng.random() >= SECOND_SHARE:
            return [(interests()[first], 1.0)]
        second = int(self._rng.integers(len(interests())))
        return [(interests()[first], 0.7), (interests()[second], 0.3)]

    def _remember(self, drawn: Drawn, brand: int, level: float) -> None:
        taste = np.zeros(len(interests()))
        for interest, weight in drawn:
            taste[interests().index(interest)] += weight
        self.tastes.append(taste)
        self.brands.append(brand)
        self.price_levels.append(level)

    def _created(self, number: int) -> datetime:
        age_days = MONTHS_BACK_DAYS * (1 - number / self._num_items) + float(self._rng.random())
        return self._now - timedelta(days=age_days)

    def _pick(self, choices: tuple[str, ...]) -> str:
        return choices[int(self._rng.integers(len(choices)))]
