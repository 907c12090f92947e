"""How much of an item's vector each channel is, chosen on held-out events, where they suffice by category."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recsys.blend.histories import Histories
from recsys.blend.making import item_vectors
from recsys.blend.signals import Signals
from recsys.channels.fusion import ChannelBlock, ChannelShare, Turn, top_category
from recsys.dataset import Dataset
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split
from recsys.metrics import noise

SHARES = (0.1, 0.2, 0.35, 0.5, 0.7, 0.85)
TURNS: tuple[Turn, ...] = ("raw", "centred")
LEAST_PAIRS = 50
"""Users whose next item is of a category, from which the category may have a share of its own."""
MOST_CATEGORIES = 12
"""The largest ones; each costs as many rankings as there are shares."""


@dataclass(frozen=True, eq=False)
class _TextAlone:
    """The signal that channels are a part of, as a scorer of its own."""

    signals: Signals

    def scores(self, histories: Histories) -> np.ndarray:
        return self.signals.text_scores(histories)


def choose_channels(data: Dataset, signals: Signals, question: Split) -> Signals:
    """The signals with the shares that earn their place, channel by channel in the order of names.

    A share for all items first: the best of `SHARES` with and without the mean, if its NDCG@10 (text signal
    alone) is above that of nothing by more than the `noise` of the paired difference. Then every category
    with `LEAST_PAIRS` questions may have another one, nothing included, if it gains as much on its own
    questions. Without a channel that helps anywhere the signals come back as they were.
    """
    for block in data.channels:
        if block.present.any():
            signals = _with_channel(data, signals, question, block)
    return signals


def told(shares: Sequence[ChannelShare]) -> str:
    """Shares in words."""
    words = [
        f"{one.name} {one.share:g}" + "".join(f", {name} {own:g}" for name, own in one.by_category.items())
        for one in shares
    ]
    return "; ".join(words) or "none helps beside the texts"


def _with_channel(data: Dataset, signals: Signals, question: Split, block: ChannelBlock) -> Signals:
    trial = _Trial(data, signals, question, block)
    plain = trial.share("raw", 0.0)
    shared = _best(trial, plain, [trial.share(turn, share) for turn in TURNS for share in SHARES], None)
    chosen = shared or plain
    # Where all items together gain nothing, the better turn still has to be found for a category.
    turns: Sequence[Turn] = (chosen.turn,) if shared else TURNS
    for name, rows in _groups(data, question):
        candidates = [
            chosen.model_copy(update={"turn": turn, "by_category": chosen.by_category | {name: share}})
            for turn in (turns if not chosen.is_used else (chosen.turn,))
            for share in (0.0, *SHARES)
        ]
        chosen = _best(trial, chosen, candidates, rows) or chosen
    return trial.signals_with(chosen) if chosen.is_used else signals


def _best(
    trial: _Trial, base: ChannelShare, candidates: Sequence[ChannelShare], rows: np.ndarray | None
) -> ChannelShare | None:
    """The best candidate on the questions at `rows`, None unless it is above `base` by more than noise."""
    before = trial.ndcgs(base, rows)
    values = [trial.ndcgs(candidate, rows) for candidate in candidates]
    best = max(range(len(values)), key=lambda place: values[place].mean())
    gain = values[best] - before
    return candidates[best] if gain.mean() > noise(gain) else None


def _groups(data: Dataset, question: Split) -> Iterator[tuple[str, np.ndarray]]:
    """Top categories with enough questions, the largest first, and the rows whose targets are of each."""
    tops = np.array([top_category(path) for path in data.categories], object)
    rows, columns = question.targets.nonzero()
    names, counts = np.unique(tops[columns].astype(str), return_counts=True)
    for place in np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]:
        own = np.unique(rows[tops[columns] == names[place]])
        if names[place] and len(own) >= LEAST_PAIRS:
            yield str(names[place]), own


@dataclass(frozen=True, eq=False)
class _Trial:
    """One channel beside those that were taken already."""

    data: Dataset
    signals: Signals
    question: Split
    block: ChannelBlock

    def share(self, turn: Turn, share: float) -> ChannelShare:
        """The same share for all items."""
        width = self.block.vectors.shape[1]
        return ChannelShare(
            name=self.block.name, version=self.block.version, width=width, turn=turn, share=share
        )

    def signals_with(self, share: ChannelShare) -> Signals:
        """The signals with this share of the channel."""
        channels = (*self.signals.settings.channels, share)
        settings = self.signals.settings.model_copy(update={"channels": channels})
        return replace(self.signals, settings=settings, vectors=item_vectors(self.data, settings))

    def ndcgs(self, share: ChannelShare, rows: np.ndarray | None) -> np.ndarray:
        """`[B]` NDCG@10 of the text signal alone."""
        asked = self.question if rows is None else self.question.part(rows)
        ranked = rank_split(_TextAlone(self.signals_with(share)), asked, mask_seen=True, with_auc=False)
        return ranked.metrics["ndcg@10"]
