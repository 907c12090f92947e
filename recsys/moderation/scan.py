"""Items that a classifier doubts, as reviews; what was decided about the same text stays decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from recsys.moderation.classifier import Judgement, PolicyClassifier, Thresholds
from recsys.moderation.review import Review, ReviewState

CHANGED = "text changed after a rejection"


def reviews_of(
    items: Iterable[tuple[str, str, str]],
    classifiers: Sequence[PolicyClassifier],
    known: Mapping[str, Review],
    thresholds: Thresholds,
) -> Iterator[tuple[str, Review]]:
    """Reviews to be written for `(item_id, text, text_hash)`: new doubts, and old ones with another text.

    The surest classifier speaks for an item. An item whose text was judged before is passed over, and
    so is one that nobody doubts; a rejected item with a new text that nobody doubts waits for a look.
    """
    batch = [row for row in items if row[0] not in known or known[row[0]].text_hash != row[2]]
    if not batch:
        return
    texts = [text for _, text, _ in batch]
    judged = [classifier.judge(texts) for classifier in classifiers]
    for number, (item_id, _, text_hash) in enumerate(batch):
        surest = max((one[number] for one in judged), key=lambda one: one.score, default=Judgement("", 0.0))
        state = _state(surest.score, known.get(item_id), thresholds)
        if state is not None:
            yield (
                item_id,
                Review(
                    item_id=item_id,
                    text_hash=text_hash,
                    state=state,
                    label=surest.label if surest.score >= thresholds.review else CHANGED,
                    score=surest.score,
                    evidence=surest.evidence,
                ),
            )


def _state(score: float, before: Review | None, thresholds: Thresholds) -> ReviewState | None:
    if score >= thresholds.hold:
        return ReviewState.HELD
    if before is not None and before.state is ReviewState.REJECTED:
        return ReviewState.HELD
    return ReviewState.PENDING if score >= thresholds.review else None
