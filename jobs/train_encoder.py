"""`recsys train`: fine-tune the encoder on what shoppers did."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from cluster.database import open_database
from cluster.dataset import read_dataset, read_views
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.runtime import ResourceRequest, connect
from cluster.trainer import TrainingTask, TrainReport, run_training
from cluster.training_curves import require_trackers
from jobs.options import database_url_of
from jobs.publish_index import newest_encoder_version
from recsys.blend.fit_shop import held_out
from recsys.config import EncoderConfig, FitConfig, RuntimeConfig, TrainConfig, TrainMode
from recsys.dataset import Dataset
from recsys.encoder import TextEncoder
from recsys.encoder_record import load_encoder_config
from recsys.errors import ConfigError, InputError
from recsys.evaluation.splits import COLD_SHARE, Split, cold_items, validation_and_test, without_items
from recsys.interaction_log import InteractionLog
from recsys.item_item import cooccurrence
from recsys.privacy.ledger import BudgetLedger, Spending
from recsys.privacy.settings import load_privacy
from recsys.training.checkpoint import checkpoints
from recsys.training.data import TrainingData
from recsys.training.model_card import read_card, write_card
from recsys.training.pairs import next_item_pairs, require_pairs
from recsys.training.private import PrivacyPlan
from recsys.training.text_pairs import text_training_data
from recsys.workspace import Workspace


@dataclass(frozen=True)
class TrainingResult:
    """The encoder that came out, or the one that was there already."""

    folder: Path
    run: Path
    num_pairs: int
    unknown_items: int
    report: TrainReport | None
    """None when this very training had ended before."""

    def curve(self) -> Sequence[Mapping[str, float]]:
        """Validation figures by epoch, of an earlier run from its card."""
        return self.report.curve if self.report else (read_card(self.folder) or {}).get("curve", ())

    def as_rows(self) -> dict[str, Any]:
        """The result as people and machines read it."""
        rows: dict[str, Any] = {"encoder": str(self.folder), "curves": str(self.run), "pairs": self.num_pairs}
        rows["events_of_unknown_items"] = self.unknown_items
        if self.report is None:
            return rows | {"trained": "nothing to do: this training had ended before"}
        before, best = self.report.curve[0], max(self.report.curve, key=lambda row: row["ndcg@10"])
        return rows | {
            "steps": self.report.steps,
            "trainable_parameters": self.report.num_trainable,
            "ndcg@10_before": before["ndcg@10"],
            "ndcg@10_best": best["ndcg@10"],
            "best_epoch": int(best["epoch"]),
            "pair_auc_before": before["auc"],
            "pair_auc_best_epoch": best["auc"],
            "loss_first": self.report.losses[0] if self.report.losses else None,
            "loss_last": self.report.losses[-1] if self.report.losses else None,
            "seconds": self.report.seconds,
            "peak_mb": self.report.peak_mb,
            "machines": self.report.machines,
        }


def run_train(
    runtime: RuntimeConfig,
    config: TrainConfig,
    fit: FitConfig,
    encoder_version: str | None,
    name: str | None,
    on_progress: Callable[[dict[str, float]], None] = lambda figures: None,
    say: Callable[[str], None] = lambda text: None,
) -> TrainingResult:
    """Train, resume, or find that it was done; the encoder's folder.

    Raises `InputError` for too few pairs, `ConfigError` for a name that another training has.
    """
    require_trackers(config.trackers)
    workspace = Workspace(runtime.workspace)
    version = encoder_version or newest_encoder_version(workspace)
    engine = open_database(database_url_of(runtime))
    items, alone = ItemStore(engine), config.objective.from_texts
    shop = read_dataset(workspace, items, EventStore(engine), version, needs_events=not alone)
    views = read_views(items) if alone else ()
    data = training_data(shop, config, fit, say, views)
    digest = data.digest(config)
    name = name or f"{config.mode.value}-{config.objective}-{digest[:8]}"
    if not name or "/" in name or name.startswith("."):
        raise InputError("a name is a plain folder name", found=repr(name))
    run, target = workspace.root / "runs" / name, workspace.encoders / name
    if (card := read_card(target)) and checkpoints(run / "checkpoints"):
        if card.get("digest") != digest:
            raise ConfigError("another training has this name", expected="a new --name", found=name)
        return TrainingResult(target, run, len(data.pairs), shop.log.unknown_items, None)
    privacy = booked(workspace, config, data)
    building, encoder = workspace.encoders / f".{name}", load_encoder_config(workspace, version)
    shutil.rmtree(building, ignore_errors=True)
    task = TrainingTask(
        encoder, config, [*shop.texts, *data.views], with_views(encoder, config, shop, data, say), data, run,
        building,
    )  # fmt: skip
    with connect(runtime, request=ResourceRequest(config.num_workers, 0.5)):
        report = run_training(task, on_progress)
    asked: dict[str, Any] = {"split": fit.split, "holdout_days": fit.holdout_days, "digest": digest}
    asked |= privacy
    asked["last_erasure"] = shop.last_erasure.isoformat() if shop.last_erasure else None
    write_card(building, _facts(version, config, data, shop.log, report) | asked, report.curve)
    shutil.rmtree(target, ignore_errors=True)
    building.rename(target)
    return TrainingResult(target, run, len(data.pairs), shop.log.unknown_items, report)


def with_views(
    encoder: EncoderConfig,
    config: TrainConfig,
    shop: Dataset,
    data: TrainingData,
    say: Callable[[str], None],
) -> np.ndarray:
    """Vectors of items, and of their views where a head learns from vectors."""
    if config.mode is not TrainMode.HEAD or not data.views:
        return shop.vectors
    say(f"encoding {len(data.views):,} titles and descriptions")
    return np.concatenate([shop.vectors, TextEncoder.load(encoder).encode(data.views)])


def booked(workspace: Workspace, config: TrainConfig, data: TrainingData) -> dict[str, Any]:
    """What a private training costs, paid before it begins; a killed one is paid again."""
    if config.dp_epsilon is None:
        return {}
    plan = PrivacyPlan.of(config, len(np.unique(data.pairs.users)))
    at = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {name: value for name, value in asdict(plan).items() if name not in ("epsilon", "delta")}
    spending = Spending(at, "fine-tuning", plan.epsilon, plan.delta, facts)
    BudgetLedger(workspace.privacy).spend(spending, load_privacy(workspace).popularity.epsilon_budget)
    return {"privacy_unit": "user", "epsilon": plan.epsilon, "delta": plan.delta, **facts}


def training_data(
    shop: Dataset,
    config: TrainConfig,
    fit: FitConfig,
    say: Callable[[str], None] = lambda text: None,
    views: Sequence[tuple[str, str]] = (),
) -> TrainingData:
    """Pairs from before the held-out events, which judge every epoch; for some objectives from `views` alone.

    With `config.as_evaluated` neither the test period of an evaluation nor its cold items are seen.
    """
    question = _question(shop, config, fit, say).sample(config.max_questions, config.seed)
    if config.objective.from_texts:
        return text_training_data(shop.texts, views, question, config, shop.vectors)
    log = question.train
    pairs = next_item_pairs(
        log,
        config.history,
        config.window_days,
        config.max_pairs_per_user,
        # A draw among all pairs would make one user's depend on how many others have.
        sys.maxsize if config.dp_epsilon is not None else config.max_pairs,
        config.seed,
    )
    require_pairs(pairs, config.batch_pairs)
    frequencies = np.bincount(log.items, minlength=log.num_items).astype(np.float64)
    origin = hashlib.sha256("\0".join(shop.texts).encode() + shop.vectors.tobytes()).hexdigest()
    return TrainingData(pairs, question, cooccurrence(log), frequencies, origin)


def _question(shop: Dataset, config: TrainConfig, fit: FitConfig, say: Callable[[str], None]) -> Split:
    """Held-out events; nobody is asked where there are none and none are needed."""
    try:
        if not config.as_evaluated:
            return held_out(shop, fit, say)
        question, _ = validation_and_test(shop.log, fit.split, fit.holdout_days)
        return without_items(question, cold_items(shop.log.item_ids, COLD_SHARE))
    except InputError as error:
        if not config.objective.from_texts:
            raise
        say(f"{error}; titles and descriptions judge instead")
        nobody = sp.csr_matrix((0, shop.log.num_items), dtype=bool)
        return Split(shop.log, np.empty(0, np.int32), nobody, 0)


def _facts(
    version: str, config: TrainConfig, data: TrainingData, log: InteractionLog, report: TrainReport
) -> dict[str, Any]:
    newest = int(data.question.train.occurred_at_us.max(initial=0))
    return {
        "base_encoder_version": version,
        "mode": config.mode.value,
        "objective": config.objective,
        "learned_from": "texts" if config.objective.from_texts else "events",
        "judged_by": "held-out events" if len(data.question.users) else "titles finding their descriptions",
        "data_cutoff": datetime.fromtimestamp(newest / 1e6, UTC).isoformat(),
        "events": len(data.question.train),
        "users": log.num_users,
        "pairs": len(data.pairs),
        "trainable_parameters": report.num_trainable,
        "steps": report.steps,
        "seconds": round(report.seconds, 1),
        "peak_mb": round(report.peak_mb),
        "config": config.model_dump(mode="json"),
        "licence": "that of the base encoder",
    }
