"""`recsys fit | evaluate`: learn from events, and show how good the lists are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.database import open_database
from cluster.dataset import read_dataset
from cluster.evaluation import rank_on_ray
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.judged_publish import published_manifest
from cluster.runtime import connect
from jobs.options import database_url_of
from jobs.publish_index import IndexReport, newest_encoder_version, run_index
from recsys.blend.fit_shop import Parent, fit_shop
from recsys.blend.settings import FittedBlend, SignalSettings
from recsys.config import FitConfig, IndexConfig, RuntimeConfig
from recsys.dataset import Dataset
from recsys.encoder_record import load_encoder_config
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.html import to_page
from recsys.evaluation.markdown import to_markdown
from recsys.evaluation.result import EvaluationResult
from recsys.index import IndexManifest
from recsys.robustness import Screening, load_robustness
from recsys.training.model_card import read_card
from recsys.workspace import Workspace, replace_file

Say = Callable[[str], None]


@dataclass(frozen=True)
class FitReport:
    """What `recsys fit` learned."""

    blend: FittedBlend
    metrics: dict[str, float]
    unknown_items: int
    index: IndexReport
    screening: Screening

    def as_rows(self) -> dict[str, Any]:
        """The report as people and machines read it."""
        weights = {name: self.blend.blend(name == "again").model_dump() for name in ("discover", "again")}
        return {
            **self.index.as_rows(),
            "validation": self.metrics,
            "settings": self.blend.settings.model_dump(),
            **weights,
            "events_of_unknown_items": self.unknown_items,
            "left_out": self.screening.as_rows(),
        }


def run_fit(
    runtime: RuntimeConfig,
    fit: FitConfig,
    index: IndexConfig,
    encoder_version: str | None,
    force: bool,
    say: Say,
    min_users: int | None = None,
    settings: SignalSettings | None = None,
) -> FitReport:
    """Learn from the shop's events, then build, judge and publish an index version with it.

    What `robustness.json` decides counts; `min_users` takes the place of its own. With `settings` only
    the weights of the signals are chosen.
    """
    workspace = Workspace(runtime.workspace)
    version = encoder_version or newest_encoder_version(workspace)
    data = _read(runtime, version)
    parent = published_manifest(workspace)
    say(f"left out as machines: {len(data.screening.marked)} users, {data.screening.num_events} events")
    fit = decided(fit, workspace, min_users)
    fitted = fit_shop(data, fit, _parent(runtime, parent, version), say, settings)
    kept = {"num_shards": parent.num_shards, "storage": parent.storage} if parent else {}
    config = index.model_copy(update=kept)
    built = run_index(runtime, version, config, fitted=fitted, force=force)
    return FitReport(fitted.blend, fitted.metrics, data.log.unknown_items, built, data.screening)


def _parent(runtime: RuntimeConfig, manifest: IndexManifest | None, version: str) -> Parent | None:
    """What is published, with its own encoder's vectors where the new version has another encoder."""
    if manifest is None or manifest.blend is None:
        return None
    if manifest.encoder_version == version:
        return Parent(manifest.blend)
    return Parent(manifest.blend, _read(runtime, manifest.encoder_version).vectors)


def run_evaluate(
    runtime: RuntimeConfig,
    fit: FitConfig,
    encoder_version: str | None,
    command: str,
    say: Say,
    min_users: int | None = None,
) -> tuple[EvaluationResult, Path]:
    """Tune and compare all methods; the result and the folder of its reports."""
    workspace = Workspace(runtime.workspace)
    version = encoder_version or newest_encoder_version(workspace)
    data, created = _read(runtime, version), datetime.now(UTC)
    fit = decided(fit, workspace, min_users)
    with connect(runtime):
        result = evaluate(data, fit, command, created.isoformat(timespec="seconds"), say, rank_on_ray())
    card = read_card(Path(load_encoder_config(workspace, version).source)) or {}
    more = {"learning_curve": tuple(card.get("curve", ())), "caveat": caveat(card, fit)}
    result = result.model_copy(update={"encoder_version": version, **more})
    folder = workspace.reports / f"evaluation-{created:%Y%m%dT%H%M%S}"
    for name, content in (
        ("evaluation.json", result.model_dump_json(indent=1)),
        ("evaluation.md", to_markdown(result)),
        ("evaluation.html", to_page(result)),
    ):
        replace_file(folder / name, content.encode())
    return result, folder


def decided(fit: FitConfig, workspace: Workspace, min_users: int | None) -> FitConfig:
    """The settings with what `robustness.json` decides; `min_users` takes the place of its own."""
    own = load_robustness(workspace)
    return fit.model_copy(update={"caps": own.caps, "min_users": min_users or own.min_users})


def caveat(card: dict[str, Any], fit: FitConfig) -> str:
    """What must be said of an encoder that was trained on the answers; empty where it was not."""
    asked = {"split": fit.split, "holdout_days": fit.holdout_days}
    if not card or (card["config"]["as_evaluated"] and asked.items() <= card.items()):
        return ""
    return (
        "The encoder was trained on events that this test asks for, so that its figures are too high: "
        "train it with --as-evaluated and the same --split and --holdout-days to compare it."
    )


def _read(runtime: RuntimeConfig, encoder_version: str) -> Dataset:
    engine = open_database(database_url_of(runtime))
    return read_dataset(Workspace(runtime.workspace), ItemStore(engine), EventStore(engine), encoder_version)
