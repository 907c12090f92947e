"""What does it cost that no pair of items counts unless enough different users stand behind it?

Everything is fitted anew under each number, on the validation (with --once under the first alone, and its
settings and weights kept); the test is asked once for each, and the differences are paired over its users.
Text vectors are hashed words unless an encoder is named. With --alone nothing is fitted: behaviour and
transitions of the default settings each answer by themselves.

    python -m tests.benchmarks.min_users --data ../shared/data/office --split leave-one-out
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.blend.blended import Blended
from recsys.blend.fit import fit_blend
from recsys.blend.making import make_signals
from recsys.blend.settings import Blend, FittedBlend, SignalSettings
from recsys.config import EncoderConfig, FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split, validation_and_test
from recsys.metrics import paired_difference
from tests.benchmarks.noise_and_seeds import read
from tests.benchmarks.protocol import embed, load_items


def with_encoder(data: Dataset, folder: Path, cache: Path) -> Dataset:
    """The shop with the default encoder's vectors."""
    items = load_items(folder)
    place = {item_id: row for row, item_id in enumerate(items.column("item_id").to_pylist())}
    vectors = embed(items, cache / folder.name, EncoderConfig())
    return replace(data, vectors=vectors[[place[item_id] for item_id in data.log.item_ids]])


def lists(
    data: Dataset, test: Split, config: FitConfig, blend: FittedBlend
) -> tuple[dict[bool, np.ndarray], str]:
    """NDCG@10 of each asked user, by whether seen items are hidden; and how many links there are."""
    settings = blend.settings.model_copy(update={"min_users": config.min_users})
    blend = blend.model_copy(update={"settings": settings})
    signals = make_signals(replace(data, log=test.train), blend.settings, config)
    found = {}
    for hidden in (True, False):
        asked = test.unseen_only() if hidden else test
        ranked = rank_split(Blended(signals, blend.blend(not hidden)), asked, hidden, with_auc=False)
        found[hidden] = ranked.metrics["ndcg@10"]
    return found, f"{signals.behaviour.nnz:,} | {signals.transition.nnz:,}"


def alone(data: Dataset, test: Split, config: FitConfig, ridge: float) -> dict[str, np.ndarray]:
    """NDCG@10 of each asked user by the behaviour and by the transition signal, seen items hidden."""
    settings = SignalSettings(min_users=config.min_users, ridge=ridge)
    signals = make_signals(replace(data, log=test.train), settings, config)
    blends = {name: Blend.model_validate({"text": 0.0, name: 1.0}) for name in ("behaviour", "transition")}
    asked = test.unseen_only()
    return {
        name: rank_split(Blended(signals, blend), asked, True, with_auc=False).metrics["ndcg@10"]
        for name, blend in blends.items()
    }


def print_alone(data: Dataset, test: Split, split: str, numbers: Sequence[int]) -> None:
    """One row for each ridge and number."""
    print("| ridge | least users | behaviour | less the first (95 %) | transitions | less the first (95 %) |")
    print("|---|---|---|---|---|---|")
    for ridge in (8.0, 2.5):
        first: dict[str, np.ndarray] = {}
        for least in numbers:
            found = alone(data, test, FitConfig(split=split, min_users=least), ridge)
            first, cells = first or found, []
            for name, values in found.items():
                gap = paired_difference(values, first[name], 0)
                shown = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" if found is not first else ""
                cells.append(f"{values.mean():.4f} | {shown}")
            print(f"| {ridge:g} | {least} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="temporal")
    parser.add_argument("--least", type=int, nargs="+", default=(1, 2, 3, 5))
    parser.add_argument("--trials", type=int, default=FitConfig().num_trials)
    parser.add_argument("--choosing-users", type=int, default=FitConfig().max_users)
    parser.add_argument(
        "--encoder-cache", type=Path, help="use the default encoder, and keep its vectors here"
    )
    parser.add_argument("--alone", action="store_true", help="fit nothing: two signals by themselves")
    parser.add_argument("--once", action="store_true", help="fit once, under the first number")
    asked = parser.parse_args()
    data = read(asked.data)
    if asked.encoder_cache:
        data = with_encoder(data, asked.data, asked.encoder_cache)
    validation, test = validation_and_test(data.log, asked.split, 7.0)
    print(f"{data.log.num_items:,} items, {data.log.num_users:,} users, {len(data.log):,} events")
    if asked.alone:
        print_alone(data, test, asked.split, asked.least)
        return
    print("| least users | links | of transitions | seen hidden | less the first (95 %) | repeats | same |")
    print("|---|---|---|---|---|---|---|")
    first: dict[bool, np.ndarray] = {}
    blend: FittedBlend | None = None
    for least in asked.least:
        config = FitConfig(
            split=asked.split, num_trials=asked.trials, max_users=asked.choosing_users, min_users=least
        )
        if blend is None or not asked.once:
            blend = fit_blend(validation, data, config, lambda text: None)
        found, links = lists(data, test, config, blend)
        first = first or found
        cells = []
        for hidden in (True, False):
            gap = paired_difference(found[hidden], first[hidden], 0)
            shown = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" if found is not first else ""
            cells.append(f"{found[hidden].mean():.4f} | {shown}")
        print(f"| {least} | {links} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
