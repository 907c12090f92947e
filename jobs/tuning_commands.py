"""`recsys tune signals | encoder` on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.console import out, progress, sayer
from jobs.options import (
    DEFAULT_WORKSPACE,
    AddressOption,
    DatabaseOption,
    EncoderVersionOption,
    HoldoutOption,
    JsonOption,
    SeedOption,
    SplitOption,
    WorkspaceOption,
    runtime_of,
)
from recsys.config import FitConfig, Objective, TrainMode

if TYPE_CHECKING:
    from recsys.tuning.result import TuningResult

DEFAULTS = FitConfig()
TrialsOption = Annotated[int, typer.Option(min=1, help="Trials at most; the first is today's settings.")]
MinutesOption = Annotated[
    float | None, typer.Option(min=0.1, help="After this time no trial is begun and running ones are ended.")
]
ResumeOption = Annotated[bool, typer.Option(help="Go on with the search of this name.")]
app = typer.Typer(
    no_args_is_help=True, help="Search settings with Ray Tune and measure what the best is worth."
)


@app.command()
def signals(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    trials: TrialsOption = 40,
    minutes: MinutesOption = None,
    resume: ResumeOption = False,
    name: Annotated[str, typer.Option(help="Name of the search.")] = "signals",
    split: SplitOption = "temporal",
    holdout_days: HoldoutOption = DEFAULTS.holdout_days,
    encoder_version: EncoderVersionOption = None,
    seed: SeedOption = DEFAULTS.seed,
    as_json: JsonOption = False,
) -> None:
    """Search the settings of all signals together, instead of one signal after the other.

    Example: recsys tune signals --trials 40 --minutes 10
    """
    from jobs.tune import TuneOptions, tune_signals

    command = f"recsys tune signals --split {split} --trials {trials} --seed {seed}"
    asked = TuneOptions(name, trials, minutes, resume, command + _bounds(minutes))
    fit = FitConfig(split=split, holdout_days=holdout_days, seed=seed)
    runtime = runtime_of(workspace, database_url, address)
    with progress("tune", "trials", as_json) as advance:
        result, folder = tune_signals(runtime, fit, encoder_version, asked, sayer(as_json), advance)
    _show(result, folder, as_json)


@app.command()
def encoder(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    mode: Annotated[TrainMode, typer.Option(help="Which numbers of the encoder change.")] = TrainMode.HEAD,
    objective: Annotated[Objective, typer.Option(help="What is minimised.")] = Objective.CONTRASTIVE,
    epochs: Annotated[int, typer.Option(min=1, help="Passes of a trial that is not stopped early.")] = 10,
    max_pairs: Annotated[int, typer.Option(min=1, help="Training pairs at most.")] = 50_000,
    max_tokens: Annotated[int, typer.Option(min=1, help="Text length while training.")] = 96,
    trials: TrialsOption = 12,
    minutes: MinutesOption = None,
    resume: ResumeOption = False,
    name: Annotated[str, typer.Option(help="Name of the search.")] = "encoder",
    split: SplitOption = "temporal",
    holdout_days: HoldoutOption = DEFAULTS.holdout_days,
    encoder_version: EncoderVersionOption = None,
    seed: SeedOption = DEFAULTS.seed,
    as_json: JsonOption = False,
) -> None:
    """Search step size, temperature, rank and hard negatives of `recsys train`; the weak stop early.

    Example: recsys tune encoder --mode lora --trials 8 --minutes 30
    """
    from jobs.training_commands import train_config
    from jobs.tune import TuneOptions, tune_encoder

    command = f"recsys tune encoder --mode {mode} --objective {objective} --split {split} --epochs {epochs}"
    command += f" --trials {trials} --seed {seed}"
    asked = TuneOptions(name, trials, minutes, resume, command + _bounds(minutes))
    given = {"mode": mode, "objective": objective, "epochs": epochs, "max_pairs": max_pairs}
    config = train_config({**given, "max_tokens": max_tokens, "seed": seed, "as_evaluated": True})
    fit = FitConfig(split=split, holdout_days=holdout_days, seed=seed)
    runtime = runtime_of(workspace, database_url, address)
    with progress("tune", "trials", as_json) as advance:
        result, folder = tune_encoder(runtime, config, fit, encoder_version, asked, sayer(as_json), advance)
    _show(result, folder, as_json)


def _bounds(minutes: float | None) -> str:
    return f" --minutes {minutes:g}" if minutes else ""


def _show(result: TuningResult, folder: Path, as_json: bool) -> None:
    from recsys.tuning.report import to_markdown

    if as_json:
        sys.stdout.write(result.model_dump_json() + "\n")
        return
    out.print(to_markdown(result), soft_wrap=True, markup=False)
    out.print(f"reports: {folder}")


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="tune")
