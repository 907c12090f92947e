"""Shares are found where a channel says what shoppers want, and only there."""

from __future__ import annotations

import numpy as np

from recsys.blend.channel_shares import choose_channels, told
from recsys.blend.fit_shop import Parent, fit_shop
from recsys.blend.histories import histories_of
from recsys.blend.making import make_signals
from recsys.blend.settings import FittedBlend, SignalSettings
from recsys.channels.fusion import ChannelBlock
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.splits import leave_one_out
from recsys.interaction_log import DAY_US, InteractionLog

CONFIG = FitConfig(split="leave-one-out", num_trials=1, num_neighbours=10)
PLAIN = SignalSettings(whitening="raw", text_decay=0.9)
ITEMS, USERS = 80, 240


def shop(seed: int = 0) -> Dataset:
    """Half of the items are clothes, bought by look, half are tools, bought by their texts."""
    rng = np.random.default_rng(seed)
    look, words = rng.integers(0, 5, ITEMS), rng.integers(0, 5, ITEMS)
    categories = ["wear/any" if item < ITEMS // 2 else "tools" for item in range(ITEMS)]
    wear = np.arange(ITEMS) < ITEMS // 2
    users, items = [], []
    for user in range(USERS):
        own = wear if user % 2 else ~wear
        drives, taste = (look if user % 2 else words), rng.integers(0, 5)
        liked = np.flatnonzero(own & (drives == taste))
        chosen = rng.permutation(liked)[:5]
        users += [f"u{user:03}"] * len(chosen)
        items += [f"i{item:03}" for item in chosen.tolist()]
    log = InteractionLog.build(
        [f"i{item:03}" for item in range(ITEMS)], users, items, np.ones(len(users), np.float32),
        np.arange(len(users), dtype=np.int64) * DAY_US,
    )  # fmt: skip
    return Dataset(
        "looks", log, of_groups(words, rng), ["x"] * ITEMS, categories,
        channels=[ChannelBlock("image", "v", of_groups(look, rng))],
    )  # fmt: skip


def of_groups(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    vectors = np.eye(5)[groups] + 0.2 * rng.normal(size=(len(groups), 5))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_pictures_count_where_they_drive_and_texts_where_those_do() -> None:
    data = shop()
    split = leave_one_out(data.log)
    known = Dataset("known", split.train, data.vectors, data.texts, data.categories, channels=data.channels)
    signals = choose_channels(known, make_signals(known, PLAIN, CONFIG), split)
    (share,) = signals.settings.channels
    of_wear, of_tools = share.of(["wear/any", "tools"])
    assert of_wear >= 0.5 > 0.2 >= of_tools
    assert "wear" in told(signals.settings.channels) or share.share >= 0.5
    assert signals.vectors.shape == (ITEMS, 10)


def test_noise_gets_no_share() -> None:
    data = shop()
    rng = np.random.default_rng(5)
    noise = of_groups(rng.integers(0, 5, ITEMS), rng)
    split = leave_one_out(data.log)
    known = Dataset(
        "noise", split.train, data.vectors, data.texts, ["one"] * ITEMS,
        channels=[ChannelBlock("noise", "v", noise)],
    )  # fmt: skip
    before = make_signals(known, PLAIN, CONFIG)
    chosen = choose_channels(known, before, split)
    assert chosen is before
    assert told(chosen.settings.channels) == "none helps beside the texts"


def test_a_channel_without_any_picture_changes_nothing() -> None:
    data = shop()
    empty = ChannelBlock("image", "v", np.zeros((ITEMS, 5), np.float32))
    with_it = Dataset("empty", data.log, data.vectors, data.texts, data.categories, channels=[empty])
    signals = make_signals(with_it, PLAIN, CONFIG)
    assert choose_channels(with_it, signals, leave_one_out(data.log)) is signals


def test_a_fitted_shop_uses_the_pictures_it_has() -> None:
    data = shop()
    gone = np.random.default_rng(1).random(ITEMS) < 0.5
    (block,) = data.channels
    data.channels[0].vectors[gone] = 0.0
    said: list[str] = []
    fitted = fit_shop(data, CONFIG, Parent(FittedBlend(settings=PLAIN)), said.append)
    (share,) = fitted.blend.settings.channels
    assert (share.name, share.width) == (block.name, 5)
    assert any(text.startswith("channels: image") for text in said)
    signals = make_signals(data, fitted.blend.settings, CONFIG)
    plain = make_signals(data, fitted.blend.settings.model_copy(update={"channels": ()}), CONFIG)
    assert (signals.vectors[gone, : plain.vectors.shape[1]] == plain.vectors[gone]).all()
    assert np.isfinite(signals.text_scores(histories_of(data.log, np.arange(9, dtype=np.int32)))).all()
