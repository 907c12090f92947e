"""Classifiers: words in disguise, a model learned from reviews, reviews that stay decided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.errors import InputError
from recsys.moderation.classifier import Judgement, KeywordClassifier, PolicyWords, Thresholds
from recsys.moderation.linear import WEIGHTS, LinearTextClassifier
from recsys.moderation.review import Review, ReviewState
from recsys.moderation.scan import reviews_of


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A handgun for sale", "weapons"),
        ("HANDGUN", "weapons"),
        ("h4ndgun, cheap", "weapons"),
        ("P.I.S.T.O.L of steel", "weapons"),
        ("pïstol", "weapons"),
        ("water pistol for children", ""),
        ("water pistol and a rifle", "weapons"),
        ("pistolero hat", ""),
        ("brass knuckles", "weapons"),
        ("", ""),
        ("a lamp", ""),
    ],
)
def test_words_are_found_in_disguise_and_allowed_phrases_are_not(text: str, label: str) -> None:
    (found,) = KeywordClassifier().judge([text])
    assert found.label == label
    assert (found.score > 0.0) is bool(label)


def test_more_hits_are_surer_and_a_shop_has_its_own_words() -> None:
    own = KeywordClassifier({"fish": PolicyWords(words=("eel", "pike"), score=0.6)})
    one, two = own.judge(["an eel", "an eel and a pike"])
    assert one.score == pytest.approx(0.6)
    assert two.score == pytest.approx(0.84)
    assert two.evidence == ("eel", "pike")


def texts(count: int, seed: int) -> tuple[list[str], list[bool]]:
    """Texts of which those about knives are rejected."""
    rng = np.random.default_rng(seed)
    nouns = ["lamp", "chair", "knife", "dagger", "cup", "blade"]
    chosen = [str(rng.choice(nouns)) for _ in range(count)]
    rows = [
        f"a {rng.choice(['fine', 'old', 'new'])} {noun} of {rng.choice(['oak', 'steel'])}" for noun in chosen
    ]
    return rows, [noun in ("knife", "dagger", "blade") for noun in chosen]


def test_a_model_learns_from_reviews_and_is_saved_without_pickle(tmp_path: Path) -> None:
    model = LinearTextClassifier.fit(*texts(200, 1), "knives")
    assert model.card["precision"] > 0.9
    assert model.card["recall"] > 0.9
    asked, wanted = texts(50, 2)
    found = [one.score > 0.5 for one in model.judge(asked)]
    assert np.mean(np.array(found) == np.array(wanted)) > 0.9
    model.save(tmp_path)
    again = LinearTextClassifier.load(tmp_path)
    assert again.judge(asked) == model.judge(asked)
    content = bytearray((tmp_path / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(InputError, match="altered"):
        LinearTextClassifier.load(tmp_path)
    with pytest.raises(InputError):
        LinearTextClassifier.load(tmp_path / "absent")
    with pytest.raises(InputError, match="too few"):
        LinearTextClassifier.fit(["a"] * 20, [True] + [False] * 19, "x")
    assert model.judge([]) == []


class Sure:
    """Doubts what it is told to."""

    def __init__(self, scores: dict[str, float]) -> None:
        self._scores = scores

    def judge(self, texts: list[str]) -> list[Judgement]:
        return [Judgement("p", self._scores.get(text, 0.0)) for text in texts]


def test_doubts_become_reviews_and_decisions_stay_until_the_text_changes() -> None:
    rows = [("a", "bad", "1"), ("b", "odd", "1"), ("c", "fine", "1")]
    sure = Sure({"bad": 0.95, "odd": 0.6})
    made = dict(reviews_of(rows, [sure, Sure({})], {}, Thresholds()))  # type: ignore[list-item]
    assert {name: one.state for name, one in made.items()} == {
        "a": ReviewState.HELD,
        "b": ReviewState.PENDING,
    }
    decided = {"a": made["a"].decided(False), "b": made["b"].decided(True)}
    assert list(reviews_of(rows, [sure], decided, Thresholds())) == []  # type: ignore[list-item]
    changed = [("a", "now fine", "2"), ("b", "still odd", "2")]
    again = dict(reviews_of(changed, [sure], decided, Thresholds()))  # type: ignore[list-item]
    assert {name: one.state for name, one in again.items()} == {"a": ReviewState.HELD}
    assert again["a"].label == "text changed after a rejection"
    assert Review.model_validate(again["a"].model_dump(mode="json")) == again["a"]
