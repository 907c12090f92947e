"""What pictures bring where they drive behaviour, where they do not, and where many are missing.

    python -m tests.benchmarks.media

A made shop with known truth: pictures of shapes and colours drawn by Pillow, which decide what shoppers of
two categories take; in two others the words do. Pictures are encoded by statistics of their pixels.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from recsys.blend.channel_shares import choose_channels, told
from recsys.blend.histories import Histories
from recsys.blend.making import make_signals
from recsys.blend.settings import SignalSettings
from recsys.blend.signals import Signals
from recsys.channels import ChannelBlock
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split, leave_one_out
from recsys.interaction_log import DAY_US, InteractionLog
from recsys.metrics import mean_interval, paired_difference

CATEGORIES = ("wear", "decor", "tools", "books")
BY_LOOK = {"wear", "decor"}
PER_CATEGORY, USERS, EVENTS, NOISE = 120, 700, 6, 0.25
COLOURS = ((200, 40, 40), (40, 160, 60), (50, 80, 200), (220, 180, 40), (140, 60, 160), (60, 60, 60))
SHAPES, USES, WORDS = 4, 8, 40
PLAIN = SignalSettings(whitening="raw", text_decay=0.9)
CONFIG = FitConfig(split="leave-one-out", num_neighbours=10)
Rng = np.random.Generator


class TextAlone:
    """The signal of item vectors as a scorer."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def scores(self, histories: Histories) -> np.ndarray:
        return self._signals.text_scores(histories)


def draw(colour: int, shape: int, rng: Rng) -> Image.Image:
    """A shape of a colour on a light ground, moved, scaled and speckled by chance."""
    ground = tuple(int(value) for value in rng.integers(200, 256, 3))
    image = Image.new("RGB", (32, 32), ground)
    left, top = (int(value) for value in rng.integers(2, 9, 2))
    right, bottom = left + int(rng.integers(14, 21)), top + int(rng.integers(14, 21))
    fill = tuple(int(np.clip(value + rng.normal(0, 18), 0, 255)) for value in COLOURS[colour])
    pen, middle = ImageDraw.Draw(image), (left + right) // 2
    if shape == 0:
        pen.ellipse((left, top, right, bottom), fill=fill)
    elif shape == 1:
        pen.rectangle((left, top, right, bottom), fill=fill)
    elif shape == 2:
        pen.polygon([(middle, top), (right, bottom), (left, bottom)], fill=fill)
    else:
        for start in range(left, right, 4):
            pen.rectangle((start, top, start + 1, bottom), fill=fill)
    speckled = np.asarray(image, np.float64) + rng.normal(0, 12, (32, 32, 3))
    return Image.fromarray(np.clip(speckled, 0, 255).astype(np.uint8))


def pixel_statistics(image: Image.Image) -> np.ndarray:
    """Mean colours of a grid, saturated hues, and slopes of brightness: what hands can make of a picture."""
    pixels = np.asarray(image, np.float64) / 255.0
    grid = pixels.reshape(4, 8, 4, 8, 3).mean((1, 3)).ravel() - pixels.mean()
    hue, saturation, _ = (np.asarray(band, np.float64) / 255.0 for band in image.convert("HSV").split())
    hues = np.histogram(hue, 12, (0, 1), weights=saturation)[0] / 100.0
    across, down = np.gradient(pixels.mean(2))
    slopes = (
        np.histogram(np.arctan2(down, across), 8, (-np.pi, np.pi), weights=np.hypot(down, across))[0] / 10.0
    )
    return np.concatenate([grid, 4 * hues, 4 * slopes])


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def traits(rng: Rng) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Category, colour, shape and use of each item, as numbers."""
    category = np.repeat(np.arange(len(CATEGORIES)), PER_CATEGORY)
    size = len(category)
    colour, shape = rng.integers(0, len(COLOURS), size), rng.integers(0, SHAPES, size)
    return category, colour, shape, rng.integers(0, USES, size)


def make_shop(seed: int) -> Dataset:
    """Items with pictures and texts, and shoppers whose taste is a look or a use, by category."""
    rng = np.random.default_rng(seed)
    category, colour, shape, use = traits(rng)
    size = len(category)
    pictures = [draw(int(c), int(s), rng) for c, s in zip(colour, shape, strict=True)]
    look = np.stack([pixel_statistics(picture) for picture in pictures])
    words = np.zeros((size, len(CATEGORIES) + USES + WORDS))
    words[np.arange(size), category] = 1.0
    words[np.arange(size), len(CATEGORIES) + use] = 1.0
    for row in words:
        row[len(CATEGORIES) + USES + rng.integers(0, WORDS, 3)] = 0.6
    names = [CATEGORIES[one] for one in category]
    # A taste is a colour of two of the four shapes: ten items of a category, more than a shopper takes.
    log = shop_log(category, 2 * colour + shape // 2, use, rng)
    block = ChannelBlock("image", "pixel-statistics", unit(look))
    return Dataset(f"seed {seed}", log, unit(words), [""] * size, names, channels=[block])


def shop_log(category: np.ndarray, look: np.ndarray, use: np.ndarray, rng: Rng) -> InteractionLog:
    """Events: mostly of one taste in one category, the rest of anything."""
    users: list[str] = []
    items: list[int] = []
    for user in range(USERS):
        own = int(rng.integers(len(CATEGORIES)))
        drives = look if CATEGORIES[own] in BY_LOOK else use
        taste = rng.choice(np.unique(drives[category == own]))
        liked = rng.permutation(np.flatnonzero((category == own) & (drives == taste)))
        near = np.flatnonzero(category == own)
        for place in range(EVENTS):
            strays = rng.random() < NOISE or place >= len(liked)
            users.append(f"u{user:04}")
            items.append(int(rng.choice(near) if strays else liked[place]))
    times = np.arange(len(items), dtype=np.int64) * DAY_US
    ids = [f"i{number:04}" for number in range(len(category))]
    return InteractionLog.build(
        ids, users, [ids[item] for item in items], np.ones(len(items), np.float32), times
    )


def without_pictures(data: Dataset, share: float, seed: int) -> Dataset:
    """The same shop with a share of its pictures gone."""
    (block,) = data.channels
    vectors = block.vectors.copy()
    vectors[np.random.default_rng([seed, 9]).random(len(vectors)) < share] = 0.0
    return replace(data, channels=[replace(block, vectors=vectors)])


def measure(data: Dataset) -> tuple[dict[str, np.ndarray], np.ndarray, list[str]]:
    """NDCG@10 of each test user by method, whether looks drive the target, and the chosen shares."""
    asked, test = leave_one_out(data.log, 2).unseen_only(), leave_one_out(data.log).unseen_only()
    known = replace(data, log=asked.train)
    base = make_signals(known, PLAIN, CONFIG)
    one = choose_channels(replace(known, categories=[None] * len(data.categories)), base, asked)
    own = choose_channels(known, base, asked)
    final = replace(data, log=test.train)
    signals = {
        "text alone": make_signals(final, PLAIN, CONFIG),
        "one share": make_signals(final, one.settings, CONFIG),
        "shares by category": make_signals(final, own.settings, CONFIG),
    }
    (block,) = data.channels
    alone = replace(signals["text alone"], vectors=block.turned("centred").vectors)
    signals = {"text alone": signals["text alone"], "image alone": alone, **signals}
    found = {name: ndcg(one, test) for name, one in signals.items()}
    targets = np.array([data.categories[row.indices[0]] in BY_LOOK for row in test.targets])
    return found, targets, [told(one.settings.channels), told(own.settings.channels)]


def ndcg(signals: Signals, split: Split) -> np.ndarray:
    return rank_split(TextAlone(signals), split, mask_seen=True, with_auc=False).metrics["ndcg@10"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    shops = [make_shop(seed) for seed in range(parser.parse_args().seeds)]
    print("| missing | method | NDCG@10 | less text alone [95 %] | looks drive | words drive |")
    print("|---|---|---|---|---|---|")
    notes: list[str] = []
    for missing in (0.0, 0.3, 0.6):
        parts = [measure(without_pictures(shop, missing, seed)) for seed, shop in enumerate(shops)]
        by_look = np.concatenate([part[1] for part in parts])
        values = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
        for name, own in values.items():
            less = [
                paired_difference(own[rows], values["text alone"][rows]) for rows in (..., by_look, ~by_look)
            ]
            shown = [f"{one.mean:+.4f} [{one.low:+.4f}, {one.high:+.4f}]" for one in less]
            print(
                f"| {missing:.0%} | {name} | {mean_interval(own).mean:.4f} | {' | '.join(shown)} |",
                flush=True,
            )
        gain = paired_difference(values["shares by category"], values["one share"])
        notes.append(
            f"missing {missing:.0%}: by category less one share "
            f"{gain.mean:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]; "
            f"shares of seed 0: one {parts[0][2][0]}; by category {parts[0][2][1]}"
        )
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
