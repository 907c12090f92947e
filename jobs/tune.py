"""`recsys tune`: search settings, and show what the best is worth on events that it has not seen."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from cluster.database import open_database
from cluster.dataset import read_dataset, read_views
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.runtime import connect
from cluster.tuning import Search, run_search
from jobs.learning import decided
from jobs.options import database_url_of
from jobs.publish_index import newest_encoder_version
from jobs.train_encoder import training_data, with_views
from recsys.blend.settings import FittedBlend, SignalSettings
from recsys.config import FitConfig, RuntimeConfig, TrainConfig
from recsys.encoder_record import load_encoder_config
from recsys.errors import ConfigError, InputError
from recsys.evaluation.splits import validation_and_test
from recsys.tuning.encoder import EncoderSearch
from recsys.tuning.report import to_markdown, to_page
from recsys.tuning.result import Trial, TuningResult, gains_of
from recsys.tuning.signals import SignalsSearch
from recsys.workspace import Workspace, replace_file

Say = Callable[[str], None]
Advance = Callable[[int, int | None], None]
SETTINGS, DIGEST = "settings.json", "search.json"


@dataclass(frozen=True)
class TuneOptions:
    """How long a search goes on, and under what name."""

    name: str
    num_trials: int
    minutes: float | None
    resume: bool
    command: str


def read_settings(file: Path) -> SignalSettings:
    """What `recsys tune signals` left. Raises `InputError` for another file."""
    try:
        return FittedBlend.model_validate_json(file.read_bytes()).settings
    except ValidationError as error:
        raise InputError(
            "this is no file of settings", expected=f"{SETTINGS} of a search", where=str(file)
        ) from error


def tune_signals(
    runtime: RuntimeConfig, fit: FitConfig, encoder_version: str | None, asked: TuneOptions, say: Say,
    advance: Advance,
) -> tuple[TuningResult, Path]:  # fmt: skip
    """Search the settings of all signals; the result and the folder of its reports."""
    started, workspace = time.monotonic(), Workspace(runtime.workspace)
    version = encoder_version or newest_encoder_version(workspace)
    engine = open_database(database_url_of(runtime))
    data = read_dataset(workspace, ItemStore(engine), EventStore(engine), version)
    fit = decided(fit, workspace, None)
    folder = _claimed(workspace, asked, f"signals {version} {len(data.log)} {fit.model_dump_json()}")
    say("today's settings, chosen signal by signal")
    searched = SignalsSearch.of(data, fit, say)
    today = {name: getattr(searched.today.settings, name) for name in searched.space}
    search = Search(searched.space, today, folder / "trials", asked.num_trials, asked.minutes, fit.seed)
    with connect(runtime):
        trials = run_search(search, _try_signals, searched, resume=asked.resume, on_trial=advance)
    best = _best(trials)
    say(f"trial {best.number} is the best; its weights, and the test")
    blend = searched.blend_of(best.params) if best.number else searched.today
    gains = gains_of(searched.answers(searched.today), searched.answers(blend), fit.seed)
    replace_file(folder / SETTINGS, blend.model_dump_json(indent=1).encode())
    use = f"recsys fit -w {workspace.root.name} --split {fit.split} --settings {folder / SETTINGS}"
    result = _result("signals", data.label, asked, started, today, best, trials, gains, use)
    return result, _written(folder, result)


def _try_signals(searched: SignalsSearch, params: dict[str, Any], report: Callable[..., None]) -> None:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # a trial has one CPU
        report({"ndcg@10": searched.value(params)})


def tune_encoder(
    runtime: RuntimeConfig, config: TrainConfig, fit: FitConfig, encoder_version: str | None,
    asked: TuneOptions, say: Say, advance: Advance,
) -> tuple[TuningResult, Path]:  # fmt: skip
    """Search how the encoder is trained; the result and the folder of its reports.

    Nothing learns from what the test asks for. Trials that fall behind are stopped after fewer epochs;
    today's and the best are trained to their end before they are compared.
    """
    started, workspace = time.monotonic(), Workspace(runtime.workspace)
    version = encoder_version or newest_encoder_version(workspace)
    engine = open_database(database_url_of(runtime))
    items, alone = ItemStore(engine), config.objective.from_texts
    shop = read_dataset(workspace, items, EventStore(engine), version)
    data = training_data(shop, config, fit, say, read_views(items) if alone else ())
    folder = _claimed(workspace, asked, f"encoder {version} {data.digest(config)}")
    encoder = load_encoder_config(workspace, version)
    vectors = with_views(encoder, config, shop, data, say)
    _, test = validation_and_test(shop.log, fit.split, fit.holdout_days)
    searched = EncoderSearch(
        encoder, config, [*shop.texts, *data.views], vectors, data, test, folder / "checkpoints"
    )
    today = {name: searched.today[name] for name in searched.space}
    search = Search(
        searched.space, today, folder / "trials", asked.num_trials, asked.minutes, config.seed, config.epochs
    )
    with connect(runtime):
        trials = run_search(search, _try_encoder, searched, resume=asked.resume, on_trial=advance)
    best = _best(trials)
    answers = []
    for trial in (trials[0], best):
        say(f"trial {trial.number} to its end")
        tower, _ = searched.run(trial.params, lambda figures: None)
        answers.append(searched.answers(tower.embed(len(shop.texts))))
    gains = gains_of(answers[0], answers[1], config.seed)
    given = " ".join(f"--{name.replace('_', '-')} {_typed(best.params[name])}" for name in searched.space)
    use = (
        f"recsys train -w {workspace.root.name} --mode {config.mode} --objective {config.objective} "
        f"--split {fit.split} --epochs {config.epochs} {given}"
    )
    result = _result("encoder", shop.label, asked, started, today, best, trials, gains, use)
    return result, _written(folder, result)


def _try_encoder(searched: EncoderSearch, params: dict[str, Any], report: Callable[..., None]) -> None:
    import ray
    import torch

    torch.set_num_threads(1)  # a trial has one CPU
    on_gpu = bool(ray.get_gpu_ids())
    _, curve = searched.run(params, report, "cuda" if on_gpu else "cpu")
    for figures in curve[-1:]:  # one that was trained before reports nothing by itself
        report(figures)


def _claimed(workspace: Workspace, asked: TuneOptions, decides: str) -> Path:
    """The search's folder; raises `ConfigError` where one of other settings or data has it."""
    if not asked.name or "/" in asked.name or asked.name.startswith("."):
        raise InputError("a name is a plain folder name", found=repr(asked.name))
    folder = workspace.tuning / asked.name
    digest = json.dumps({"digest": hashlib.sha256(decides.encode()).hexdigest()}).encode()
    file = folder / DIGEST
    if file.exists() and file.read_bytes() != digest:
        raise ConfigError(
            "this search was begun with other settings or other data",
            expected="another --name, or the same settings and events",
            where=asked.name,
        )
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(file, digest)
    return folder


def _best(trials: tuple[Trial, ...]) -> Trial:
    """The first of those with the best validation figure."""
    return max(trials, key=lambda trial: (trial.value if trial.value is not None else -1.0, -trial.number))


def _result(
    kind: str, label: str, asked: TuneOptions, started: float, today: dict[str, Any], best: Trial,
    trials: tuple[Trial, ...], gains: Any, use: str,
) -> TuningResult:  # fmt: skip
    return TuningResult(
        kind=kind, label=label, command=asked.command, today=today, best=best.params,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"), seconds=time.monotonic() - started,
        best_number=best.number, trials=trials, gains=gains, use=use,
    )  # fmt: skip


def _written(folder: Path, result: TuningResult) -> Path:
    for name, content in (
        ("tuning.json", result.model_dump_json(indent=1)),
        ("tuning.md", to_markdown(result)),
        ("tuning.html", to_page(result)),
    ):
        replace_file(folder / name, content.encode())
    return folder


def _typed(value: Any) -> str:
    return np.format_float_positional(value, 4, fractional=False) if isinstance(value, float) else str(value)
