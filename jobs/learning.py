"""`recsys fit | evaluate`: learn from events, and show how good the lists are."""

from __future__ import annotations

import json
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
from cluster.runtime import connect
from jobs.options import database_url_of
from jobs.publish_index import IndexReport, newest_encoder_version, published, run_index
from recsys.blend.fit_shop import fit_shop
from recsys.blend.settings import FittedBlend
from recsys.config import FitConfig, IndexConfig, RuntimeConfig
from recsys.dataset import Dataset
from recsys.encoder_record import load_encoder_config
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.html import to_page
from recsys.evaluation.markdown import to_markdown
from recsys.evaluation.result import EvaluationResult
from recsys.index import load_manifest
from recsys.workspace import Workspace, replace_file

Say = Callable[[str], None]


@dataclass(frozen=True)
class FitReport:
    """What `recsys fit` learned."""

    blend: FittedBlend
    metrics: dict[str, float]
    unknown_items: int
    index: IndexReport

    def as_rows(self) -> dict[str, Any]:
        """The report as people and machines read it."""
        weights = {name: self.blend.blend(name == "again").model_dump() for name in ("discover", "again")}
        return {
            **self.index.as_rows(),
            "validation": self.metrics,
            "settings": self.blend.settings.model_dump(),
            **weights,
            "events_of_unknown_items": self.unknown_items,
        }


def run_fit(
    runtime: RuntimeConfig,
    fit: FitConfig,
    index: IndexConfig,
    encoder_version: str | None,
    force: bool,
    say: Say,
) -> FitReport:
    """Learn from the shop's events, then build, judge and publish an index version with it."""
    workspace = Workspace(runtime.workspace)
    version = encoder_version or newest_encoder_version(workspace)
    data = _read(runtime, version)
    current = published(workspace)
    parent = load_manifest(workspace, current) if current else None
    fitted = fit_shop(data, fit, parent.blend if parent else None, say)
    shards = index.model_copy(update={"num_shards": parent.num_shards}) if parent else index
    built = run_index(runtime, version, shards, fitted=fitted, force=force)
    return FitReport(fitted.blend, fitted.metrics, data.log.unknown_items, built)


def run_evaluate(
    runtime: RuntimeConfig, fit: FitConfig, encoder_version: str | None, command: str, say: Say
) -> tuple[EvaluationResult, Path]:
    """Tune and compare all methods; the result and the folder of its reports."""
    workspace = Workspace(runtime.workspace)
    version = encoder_version or newest_encoder_version(workspace)
    data, created = _read(runtime, version), datetime.now(UTC)
    with connect(runtime):
        result = evaluate(data, fit, command, created.isoformat(timespec="seconds"), say, rank_on_ray())
    result = result.model_copy(
        update={"encoder_version": version, "learning_curve": _learning_curve(workspace, version)}
    )
    folder = workspace.reports / f"evaluation-{created:%Y%m%dT%H%M%S}"
    for name, content in (
        ("evaluation.json", result.model_dump_json(indent=1)),
        ("evaluation.md", to_markdown(result)),
        ("evaluation.html", to_page(result)),
    ):
        replace_file(folder / name, content.encode())
    return result, folder


def _learning_curve(workspace: Workspace, encoder_version: str) -> tuple[dict[str, float], ...]:
    """Of the encoder's model card, where it has one."""
    card = Path(load_encoder_config(workspace, encoder_version).source) / "card.json"
    return tuple(json.loads(card.read_text(encoding="utf-8"))["curve"]) if card.is_file() else ()


def _read(runtime: RuntimeConfig, encoder_version: str) -> Dataset:
    engine = open_database(database_url_of(runtime))
    return read_dataset(Workspace(runtime.workspace), ItemStore(engine), EventStore(engine), encoder_version)
