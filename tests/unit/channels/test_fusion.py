from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recsys.blend.settings import FittedBlend, SignalSettings
from recsys.blend.whitening import Whitening
from recsys.channels.fusion import ChannelBlock, ChannelShare, fuse, turned_blocks

N, D, W = 12, 5, 3
CATEGORIES = ["wear/coats", "tools", None, "wear"] * 3


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def share(value: float, name: str = "image", **more: object) -> ChannelShare:
    return ChannelShare.model_validate(
        {"name": name, "version": "v", "width": W, "share": value} | dict(more)
    )


def block(rng: np.random.Generator, missing: np.ndarray | None = None, name: str = "image") -> ChannelBlock:
    vectors = unit(rng.normal(size=(N, W)))
    if missing is not None:
        vectors[missing] = 0.0
    return ChannelBlock(name, "v", vectors)


@pytest.fixture
def text(rng: np.random.Generator) -> np.ndarray:
    return unit(rng.normal(size=(N, D)))


def test_an_item_without_a_picture_is_its_text_to_the_bit(text: np.ndarray, rng: np.random.Generator) -> None:
    missing = np.arange(N) % 3 == 0
    fused = fuse(text, [block(rng, missing)], [share(0.4)], CATEGORIES)
    assert (fused[missing, :D] == text[missing]).all()
    assert (fused[missing, D:] == 0).all()


def test_where_no_item_has_a_picture_lists_are_those_of_text(
    text: np.ndarray, rng: np.random.Generator
) -> None:
    fused = fuse(text, [block(rng, np.ones(N, bool))], [share(0.4, by_category={"wear": 0.8})], CATEGORIES)
    users = rng.normal(size=(4, N)).astype(np.float32)
    plain, with_channel = users @ text @ text.T, users @ fused @ fused.T
    assert (np.argsort(-plain, axis=1) == np.argsort(-with_channel, axis=1)).all()


def test_a_share_of_nothing_is_text_and_no_share_is_text_itself(
    text: np.ndarray, rng: np.random.Generator
) -> None:
    assert (fuse(text, [block(rng)], [share(0.0)], CATEGORIES)[:, :D] == text).all()
    assert fuse(text, [], [], CATEGORIES) is text


def test_the_inner_product_is_the_weighted_sum(text: np.ndarray, rng: np.random.Generator) -> None:
    pictures, sounds = block(rng), block(rng, name="sound")
    fused = fuse(text, [pictures, sounds], [share(0.3), share(0.2, "sound")], CATEGORIES)
    said = 0.5 * text @ text.T + 0.3 * pictures.vectors @ pictures.vectors.T
    said += 0.2 * sounds.vectors @ sounds.vectors.T
    np.testing.assert_allclose(fused @ fused.T, said, atol=1e-6)


def test_a_category_has_its_own_share_by_its_top(text: np.ndarray, rng: np.random.Generator) -> None:
    fused = fuse(text, [block(rng)], [share(0.1, by_category={"wear": 0.64})], CATEGORIES)
    lengths = np.square(fused[:, D:]).sum(axis=1)
    np.testing.assert_allclose(lengths[:4], [0.64, 0.1, 0.1, 0.64], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    wanted=st.lists(st.floats(0, 1), min_size=2, max_size=2),
    gone=hnp.arrays(bool, (2, N)),
    order=st.permutations(range(N)),
)
def test_rows_stay_of_unit_length_and_their_order_is_irrelevant(
    wanted: list[float], gone: np.ndarray, order: list[int]
) -> None:
    rng = np.random.default_rng(3)
    text = unit(rng.normal(size=(N, D)))
    blocks = [block(rng, gone[0]), block(rng, gone[1], "sound")]
    shares = [share(wanted[0]), share(wanted[1], "sound")]
    fused = fuse(text, blocks, shares, CATEGORIES)
    np.testing.assert_allclose(np.linalg.norm(fused, axis=1), 1.0, atol=1e-5)
    moved = [ChannelBlock(one.name, one.version, one.vectors[order]) for one in blocks]
    assert (fuse(text[order], moved, shares, [CATEGORIES[place] for place in order]) == fused[order]).all()
    assert np.isfinite(fused).all()


def test_turning_keeps_missing_items_missing_and_takes_the_mean_off(rng: np.random.Generator) -> None:
    missing = np.arange(N) == 4
    vectors = unit(rng.normal(size=(N, W)) + 5.0)
    vectors[missing] = 0.0
    turned = ChannelBlock("image", "v", vectors).turned("centred")
    assert not turned.present[4]
    assert turned.present.sum() == N - 1
    mean = vectors[~missing].mean(0)
    np.testing.assert_allclose(turned.vectors[0], unit((vectors[0] - mean)[None])[0], atol=1e-5)


def test_a_channel_that_is_gone_or_of_another_space_says_nothing(rng: np.random.Generator) -> None:
    of_before = ChannelBlock("image", "older", block(rng).vectors)
    (found,) = turned_blocks([of_before], [share(0.4)], N)
    assert found.vectors.shape == (N, W)
    assert not found.present.any()


def test_settings_without_channels_are_written_as_before_there_were_any() -> None:
    assert "channels" not in FittedBlend().model_dump_json()
    kept = SignalSettings(channels=(share(0.2),))
    assert SignalSettings.model_validate_json(kept.model_dump_json()) == kept


def test_a_text_is_padded_and_a_live_item_keeps_its_picture(
    text: np.ndarray, rng: np.random.Generator
) -> None:
    whitening = Whitening("raw", np.zeros(D, np.float32), np.eye(D, dtype=np.float32), padding=W)
    assert whitening.apply(text).shape == whitening.queries(text).shape == (N, D + W)
    fused = fuse(text, [block(rng)], [share(0.4)], CATEGORIES)
    again = whitening.with_channels_of(whitening.apply(text)[3], fused[3])
    np.testing.assert_allclose(again, fused[3], atol=1e-6)
