"""Learning from a catalog's own texts: examples, losses, and encoders that an objective does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import EncoderConfig, Objective, TrainConfig, TrainMode
from recsys.encoder import TextEncoder
from recsys.errors import EncoderError, InputError
from recsys.evaluation.splits import Split, leave_one_out
from recsys.interaction_log import InteractionLog
from recsys.text import item_text, item_views
from recsys.training.data import TrainingData, Workers
from recsys.training.judge import view_figures
from recsys.training.loop import train
from recsys.training.text_pairs import text_training_data
from recsys.training.tower import Tower
from tests.tiny_encoders import WORDS, tiny_bert, tiny_gpt2, tiny_t5
from tests.unit.item_item.test_models import log_of

GIVEN: dict[str, Any] = {"batch_pairs": 16, "epochs": 4, "patience": 9, "checkpoint_every_steps": 2}


def titles_and_rests(num: int = 100) -> list[tuple[str, str]]:
    """Each item's rest repeats one word of its title, so that there is something to learn."""
    return [(f"{WORDS[n % 60]} {n // 60}", f"for {WORDS[n % 60]} {WORDS[60 + n // 60]}") for n in range(num)]


def nobody(num_items: int) -> Split:
    ids = [f"i{place:03d}" for place in range(num_items)]
    log = InteractionLog.build(ids, [], [], np.empty(0, np.float32), np.empty(0, np.int64))
    return Split(log, np.empty(0, np.int32), sp.csr_matrix((0, num_items), dtype=bool), 0)


def shop_of(
    source: Path, objective: Objective, mode: TrainMode, **more: Any
) -> tuple[Tower, TrainingData, TrainConfig]:
    encoder = EncoderConfig(source=str(source), max_tokens=32)
    config = TrainConfig.model_validate(
        {**GIVEN, "objective": objective, "mode": mode, "max_tokens": 32, **more}
    )
    views = titles_and_rests()
    texts = [". ".join(own) for own in views]
    loaded = TextEncoder.load(encoder)
    vectors = loaded.encode(texts)
    data = text_training_data(texts, views, nobody(len(texts)), config, vectors)
    all_vectors = np.concatenate([vectors, loaded.encode(data.views)])
    return Tower(encoder, config, [*texts, *data.views], all_vectors), data, config


@pytest.mark.parametrize(
    ("objective", "mode"),
    [
        (Objective.TITLE_DESCRIPTION, TrainMode.HEAD),
        (Objective.TITLE_DESCRIPTION, TrainMode.LORA),
        (Objective.DROPOUT_VIEWS, TrainMode.HEAD),
        (Objective.DROPOUT_VIEWS, TrainMode.FULL),
        (Objective.MASKED_LANGUAGE, TrainMode.LORA),
    ],
)
def test_texts_alone_lower_the_loss_and_a_stopped_run_goes_on_to_the_same_end(
    tmp_path: Path, objective: Objective, mode: TrainMode
) -> None:
    source = tiny_bert(tmp_path / "base")
    losses: list[float] = []

    def run(folder: Path, stop_at: int | None) -> np.ndarray:
        tower, data, config = shop_of(source, objective, mode, epochs=4, learning_rate=3e-3)

        def report(figures: dict[str, float]) -> None:
            losses.extend([figures["loss"]] if "loss" in figures else [])
            if stop_at is not None and figures.get("step") == stop_at:
                raise KeyboardInterrupt

        progress = train(tower, data, config, folder, Workers(), report)
        assert len(progress.curve) == 5
        return tower.embed(len(data.frequencies))

    whole = run(tmp_path / "whole", None)
    assert np.mean(losses[-4:]) < np.mean(losses[:4])
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", 5)
    assert run(tmp_path / "cut", None) == pytest.approx(whole, abs=1e-5)


def test_two_passes_of_a_text_differ_and_an_embedding_has_no_dropout(tmp_path: Path) -> None:
    tower, _, _ = shop_of(tiny_bert(tmp_path / "base"), Objective.DROPOUT_VIEWS, TrainMode.FULL)
    plain = tower.embed(4)
    tower.begin(1, 0)
    one = tower(torch.tensor([0, 0]))
    assert not torch.allclose(one[0], one[1])
    tower.begin(1, 0)
    assert torch.equal(tower(torch.tensor([0, 0])), one)
    tower.begin(2, 0)
    assert not torch.equal(tower(torch.tensor([0, 0])), one)
    assert tower.embed(4) == pytest.approx(plain, abs=1e-6)


def test_a_trained_guesser_saves_a_plain_encoder(tmp_path: Path) -> None:
    tower, data, config = shop_of(tiny_bert(tmp_path / "base"), Objective.MASKED_LANGUAGE, TrainMode.FULL)
    train(tower, data, config, tmp_path / "run", Workers(), lambda figures: None)
    after = tower.embed(8)
    tower.save(tmp_path / "out")
    texts = [". ".join(own) for own in titles_and_rests()][:8]
    saved = TextEncoder.load(EncoderConfig(source=str(tmp_path / "out"), max_tokens=32)).encode(texts)
    assert saved == pytest.approx(after, abs=1e-5)


@pytest.mark.parametrize("build", [tiny_t5, tiny_gpt2])
def test_an_encoder_that_hides_no_words_is_refused(tmp_path: Path, build: Any) -> None:
    with pytest.raises(EncoderError, match=r"hides a word|hidden words"):
        shop_of(build(tmp_path / "base"), Objective.MASKED_LANGUAGE, TrainMode.LORA)


@pytest.mark.parametrize("mode", [TrainMode.HEAD, TrainMode.PROMPT])
def test_a_head_cannot_guess_words(mode: TrainMode) -> None:
    with pytest.raises(ValueError, match="masked-language"):
        TrainConfig(objective=Objective.MASKED_LANGUAGE, mode=mode)


VIEWS = st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.sampled_from(["", "x", "y"])), min_size=1)


@settings(deadline=None, max_examples=60)
@given(VIEWS, st.sampled_from([Objective.TITLE_DESCRIPTION, Objective.DROPOUT_VIEWS]))
def test_no_text_is_its_own_negative(views: list[tuple[str, str]], objective: Objective) -> None:
    config = TrainConfig(objective=objective, batch_pairs=2)
    texts = [" ".join(own).strip() for own in views]
    log = log_of([[0, min(1, len(views) - 1)], [0, 0]], len(views))
    question = leave_one_out(log)
    try:
        data = text_training_data(texts, views, question, config, np.zeros((len(views), 2), np.float32))
    except InputError:
        return
    said = [*texts, *data.views]
    for places in (data.pairs.anchors[:, 0], data.pairs.positives):
        own = [said[place] for place in places.tolist()]
        assert all(own)
        assert len(set(own)) == len(own)
        assert len(set(data.items_of(places).tolist())) == len(own)
    assert data.items_of(data.pairs.anchors[:, 0]).tolist() == data.items_of(data.pairs.positives).tolist()


def test_what_judges_is_not_learned_from() -> None:
    views = [(f"t{place}", f"d{place}") for place in range(200)]
    texts = [" ".join(own) for own in views]
    for objective in (Objective.TITLE_DESCRIPTION, Objective.MASKED_LANGUAGE, Objective.DROPOUT_VIEWS):
        config = TrainConfig(objective=objective, mode=TrainMode.LORA)
        data = text_training_data(texts, views, nobody(200), config, np.zeros((200, 2), np.float32))
        learned = set(data.items_of(data.pairs.positives).tolist())
        assert len(data.judged) == 20
        assert not learned & set(data.viewed[data.judged].tolist())
        assert len(learned) == 180


def test_without_events_and_descriptions_nothing_can_judge() -> None:
    views = [(f"t{place}", "") for place in range(200)]
    given_ = [own for own, _ in views], views, nobody(200)
    with pytest.raises(InputError, match="nothing can say whether"):
        text_training_data(*given_, TrainConfig(objective=Objective.DROPOUT_VIEWS), np.zeros((200, 2)))
    with pytest.raises(InputError, match=r"nothing can say|no item has both"):
        text_training_data(*given_, TrainConfig(objective=Objective.TITLE_DESCRIPTION), np.zeros((200, 2)))


def test_titles_that_find_their_own_rest_are_perfect_and_reversed_ones_are_not() -> None:
    own = np.eye(12, dtype=np.float32)
    assert view_figures(own, own) == {"ndcg@10": 1.0, "auc": 1.0}
    assert view_figures(own, 1.0 - own)["auc"] == 0.0
    assert view_figures(own, 1.0 - own)["ndcg@10"] == 0.0


TEXT = st.none() | st.text("ab .-\t!", max_size=12)


@settings(deadline=None)
@given(title=TEXT, category=TEXT, brand=TEXT, description=TEXT)
def test_the_two_views_together_are_the_text(
    title: str | None, category: str | None, brand: str | None, description: str | None
) -> None:
    row = {"title": title, "category": category, "brand": brand, "description": description}
    named, rest = item_views(row)
    whole = item_text(row)
    assert whole.startswith(named.removesuffix("."))
    assert whole.endswith(rest)
    assert len(whole) <= len(named) + len(rest) + 2
