"""What a catalog's own texts say to an encoder: examples without anybody's events."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from recsys.config import Objective, TrainConfig
from recsys.errors import InputError
from recsys.evaluation.splits import Split
from recsys.training.data import TrainingData
from recsys.training.pairs import Pairs, require_pairs

LEAST_JUDGES, MOST_JUDGES, JUDGE_SHARE = 10, 500, 0.1


def text_training_data(
    texts: Sequence[str],
    views: Sequence[tuple[str, str]],
    question: Split,
    config: TrainConfig,
    vectors: np.ndarray,
) -> TrainingData:
    """Examples of an objective on the texts of `N` items, each different text once.

    `views` are title and rest of every item. `question` judges; where it asks nobody, a tenth of the
    items that have both a title and a rest are kept from learning and judge by them. Raises `InputError`
    for too few examples, and where neither events nor such items can judge.
    """
    both = _first_of_equals([v if all(v) else ("", "") for v in views])
    judges = np.empty(0, np.int32) if len(question.users) else _judges(len(both), config.seed)
    learned = np.setdiff1d(np.arange(len(both)), judges)
    views_are_read = config.objective is Objective.TITLE_DESCRIPTION or len(judges) > 0
    if config.objective is Objective.TITLE_DESCRIPTION:
        if not len(both):
            raise InputError(
                "no item has both a title and a description",
                expected="items with both, or --objective dropout-views or masked-language",
            )
        pairs = _drawn(len(texts) + 2 * learned, len(texts) + 2 * learned + 1, config)
    else:
        own = np.setdiff1d(_first_of_equals([(text,) for text in texts]), both[judges])
        pairs = _drawn(own, own, config)
    require_pairs(pairs, config.batch_pairs)
    kept = tuple(part for place in both.tolist() for part in views[place]) if views_are_read else ()
    said = "\0".join([*texts, *kept]).encode() + vectors.tobytes() + judges.tobytes()
    return TrainingData(
        pairs,
        question,
        sp.csr_matrix((len(texts), len(texts)), dtype=np.float32),
        np.zeros(len(texts)),
        hashlib.sha256(said).hexdigest(),
        both.astype(np.int32) if views_are_read else np.empty(0, np.int32),
        kept,
        judges,
    )


def _first_of_equals(rows: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Ascending places of the first row with each part; a row with an empty part, or one had before, is out.

    Equal texts of two items would be each other's negatives.
    """
    had: tuple[set[str], ...] = tuple(set() for _ in range(len(rows[0]) if rows else 0))
    kept = []
    for place, row in enumerate(rows):
        if all(row) and not any(part in known for part, known in zip(row, had, strict=True)):
            kept.append(place)
            for part, known in zip(row, had, strict=True):
                known.add(part)
    return np.array(kept, np.int64)


def _judges(num: int, seed: int) -> np.ndarray:
    size = min(int(num * JUDGE_SHARE), MOST_JUDGES)
    if size < LEAST_JUDGES:
        raise InputError(
            "nothing can say whether the training helps",
            expected="events to hold out, or "
            f"{round(LEAST_JUDGES / JUDGE_SHARE)} items with a title and a description",
            found=f"no event that can be held out, {num} such items",
        )
    drawn = np.random.default_rng(seed).choice(num, size, replace=False)
    return np.sort(drawn).astype(np.int32)


def _drawn(anchors: np.ndarray, positives: np.ndarray, config: TrainConfig) -> Pairs:
    """At most `max_pairs` of them, drawn by seed."""
    kept = np.arange(len(anchors))
    if len(kept) > config.max_pairs:
        kept = np.sort(np.random.default_rng(config.seed).choice(len(kept), config.max_pairs, replace=False))
    return Pairs(anchors[kept, None].astype(np.int32), positives[kept].astype(np.int32))
