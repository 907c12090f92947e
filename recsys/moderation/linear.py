"""A linear model over words and parts of words, learned from reviewed items; saved without pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from recsys.errors import InputError
from recsys.moderation.classifier import Judgement
from recsys.workspace import replace_file

FEATURES = 2**17
LEAST_EXAMPLES = 10
"""Approved and rejected items, each."""
WEIGHTS, CARD = "weights.safetensors", "model.json"


class LinearTextClassifier:
    """Logistic regression on hashed n-grams: the same text always gives the same score."""

    def __init__(self, weights: np.ndarray, bias: float, label: str, card: dict[str, Any]) -> None:
        self._weights, self._bias, self._label, self.card = weights, bias, label, card

    @classmethod
    def fit(
        cls, texts: Sequence[str], rejected: Sequence[bool], label: str, seed: int = 0
    ) -> LinearTextClassifier:
        """Learn from reviewed texts, with cross-validated precision and recall at .5 in the card.

        Raises `InputError` for fewer than `LEAST_EXAMPLES` of either kind.
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import precision_score, recall_score
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        wanted = np.array(rejected, bool)
        if min(int(wanted.sum()), int((~wanted).sum())) < LEAST_EXAMPLES:
            raise InputError(
                "there are too few reviewed items to learn from",
                expected=f"{LEAST_EXAMPLES} approved and {LEAST_EXAMPLES} rejected",
                found=f"{int((~wanted).sum())} and {int(wanted.sum())}",
            )
        features, model = _features(texts), LogisticRegression(C=10.0, class_weight="balanced", max_iter=500)
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        guessed = cross_val_predict(model, features, wanted, cv=folds)
        model.fit(features, wanted)
        card = {
            "label": label,
            "examples": len(texts),
            "rejected": int(wanted.sum()),
            "precision": float(precision_score(wanted, guessed, zero_division=0.0)),
            "recall": float(recall_score(wanted, guessed)),
        }
        return cls(model.coef_[0].astype(np.float32), float(model.intercept_[0]), label, card)

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """See `PolicyClassifier`."""
        if not texts:
            return []
        scores = 1.0 / (1.0 + np.exp(-(_features(texts) @ self._weights + self._bias)))
        return [Judgement(self._label, float(score)) for score in scores]

    def save(self, folder: Path) -> None:
        """Weights as safetensors, and a card with their hash."""
        content = save({"weights": self._weights, "bias": np.array([self._bias], np.float64)})
        replace_file(folder / WEIGHTS, content)
        card = {**self.card, "sha256": hashlib.sha256(content).hexdigest()}
        replace_file(folder / CARD, json.dumps(card, indent=2).encode())

    @classmethod
    def load(cls, folder: Path) -> LinearTextClassifier:
        """The saved model; raises `InputError` when it is absent or not to the byte what was saved."""
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            content = (folder / WEIGHTS).read_bytes()
        except (OSError, ValueError) as error:
            raise InputError("there is no policy model", found=str(error)[:200], where=folder.name) from error
        found = hashlib.sha256(content).hexdigest()
        if found != card.get("sha256"):
            raise InputError("a policy model was altered", expected=card.get("sha256"), found=found)
        arrays = load(content)
        return cls(arrays["weights"], float(arrays["bias"][0]), str(card["label"]), card)


def _features(texts: Sequence[str]) -> Any:
    """`[N, 2 * FEATURES]` sparse: words and pairs of words, and three to five letters."""
    import scipy.sparse as sp
    from sklearn.feature_extraction.text import HashingVectorizer

    words = HashingVectorizer(n_features=FEATURES, ngram_range=(1, 2), alternate_sign=False)
    letters = HashingVectorizer(
        n_features=FEATURES, analyzer="char_wb", ngram_range=(3, 5), alternate_sign=False
    )
    return sp.hstack([words.transform(texts), letters.transform(texts)]).tocsr()
