"""`recsys fit | evaluate` on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.charts.option import PlotOption, plot
from jobs.console import out, sayer, show, waiting
from jobs.options import (
    DEFAULT_INDEX,
    DEFAULT_WORKSPACE,
    AddressOption,
    DatabaseOption,
    EncoderVersionOption,
    ForceOption,
    HoldoutOption,
    JsonOption,
    RecallFloorOption,
    ScanOption,
    SeedOption,
    SplitOption,
    StorageOption,
    WorkspaceOption,
    runtime_of,
)
from recsys.config import FitConfig, IndexConfig

TrialsOption = Annotated[int, typer.Option(min=1, help="Trials for the weights of the signals.")]
MinUsersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Different users behind any pair of items; absent: as robustness.json says."),
]
DEFAULTS = FitConfig()


def fit(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    split: SplitOption = "temporal",
    holdout_days: HoldoutOption = DEFAULTS.holdout_days,
    trials: TrialsOption = DEFAULTS.num_trials,
    seed: SeedOption = DEFAULTS.seed,
    min_users: MinUsersOption = None,
    shards: Annotated[int, typer.Option(min=1, help="Parts of a first index.")] = 1,
    scan: ScanOption = DEFAULT_INDEX.scan,
    recall_floor: RecallFloorOption = DEFAULT_INDEX.recall_floor,
    storage: StorageOption = DEFAULT_INDEX.storage,
    encoder_version: EncoderVersionOption = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Settings that `recsys tune signals` found, instead of choosing.",
        ),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Learn from the shop's events, and publish an index that uses it if it is not worse.

    Settings and weights are chosen on held-out events, then everything is learned from all events.
    --shards and --storage count for a first index; a later one keeps what the published one has.

    Example: recsys fit --holdout-days 7
    """
    from jobs.learning import run_fit
    from jobs.tune import read_settings

    config = FitConfig(split=split, holdout_days=holdout_days, num_trials=trials, seed=seed)
    runtime = runtime_of(workspace, database_url)
    index = IndexConfig(num_shards=shards, scan=scan, recall_floor=recall_floor, storage=storage)
    found = read_settings(settings) if settings else None
    with waiting("fit", as_json):
        report = run_fit(runtime, config, index, encoder_version, force, sayer(as_json), min_users, found)
    show("fit", report.as_rows(), as_json)


def evaluate(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    split: SplitOption = "temporal",
    holdout_days: HoldoutOption = DEFAULTS.holdout_days,
    trials: TrialsOption = DEFAULTS.num_trials,
    seed: SeedOption = DEFAULTS.seed,
    min_users: MinUsersOption = None,
    encoder_version: EncoderVersionOption = None,
    plot_file: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tune every method on validation events, ask the test once, and print one table.

    JSON, Markdown and an HTML page with plots go to the workspace's reports.

    Example: recsys evaluate --holdout-days 7
    Example: recsys evaluate --plot methods.png
    """
    from jobs.charts.found import evaluation_charts
    from jobs.learning import run_evaluate
    from recsys.evaluation.markdown import to_markdown

    config = FitConfig(split=split, holdout_days=holdout_days, num_trials=trials, seed=seed)
    given = {
        "trials": (trials, DEFAULTS.num_trials),
        "min-users": (min_users, None),
        "encoder-version": (encoder_version, None),
    }
    more = "".join(f" --{name} {value}" for name, (value, default) in given.items() if value != default)
    command = f"recsys evaluate --split {split} --holdout-days {holdout_days:g} --seed {seed}{more}"
    runtime = runtime_of(workspace, database_url, address)
    say = sayer(as_json)
    with waiting("evaluate", as_json):
        result, folder = run_evaluate(runtime, config, encoder_version, command, say, min_users)
    plot(evaluation_charts(result), plot_file)
    if as_json:
        sys.stdout.write(result.model_dump_json() + "\n")
        return
    out.print(to_markdown(result), soft_wrap=True, markup=False)
    out.print(f"reports: {folder}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (fit, evaluate):
        app.command()(command)
