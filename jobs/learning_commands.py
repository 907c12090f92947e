"""`recsys fit | evaluate` on the command line."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from jobs.console import err, out, progress, show
from jobs.options import (
    DEFAULT_WORKSPACE,
    AddressOption,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    runtime_of,
)
from recsys.config import FitConfig, IndexConfig, TrainConfig, TrainMode
from recsys.errors import ConfigError
from recsys.evaluation.markdown import to_markdown

SplitOption = Annotated[
    Literal["temporal", "leave-one-out"],
    typer.Option(help="How events are held out; leave-one-out where only their order is real."),
]
DaysOption = Annotated[
    float,
    typer.Option(min=0.001, help="Days of the test period; validation holds out three times as many."),
]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same result.")]
TrialsOption = Annotated[int, typer.Option(min=1, help="Trials for the weights of the signals.")]
EncoderOption = Annotated[str | None, typer.Option(help="Which embeddings to use; the newest when absent.")]
DEFAULTS = FitConfig()
TRAINING = TrainConfig()


def fit(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    split: SplitOption = "temporal",
    holdout_days: DaysOption = DEFAULTS.holdout_days,
    trials: TrialsOption = DEFAULTS.num_trials,
    seed: SeedOption = DEFAULTS.seed,
    shards: Annotated[int, typer.Option(min=1, help="Parts of a first index.")] = 1,
    encoder_version: EncoderOption = None,
    force: Annotated[bool, typer.Option(help="Publish even what the gate refuses.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Learn from the shop's events, and publish an index that uses it if it is not worse.

    Settings and weights are chosen on held-out events, then everything is learned from all events.

    Example: recsys fit --holdout-days 7
    """
    from jobs.learning import run_fit

    config = FitConfig(split=split, holdout_days=holdout_days, num_trials=trials, seed=seed)
    runtime = runtime_of(workspace, database_url)
    report = run_fit(runtime, config, IndexConfig(num_shards=shards), encoder_version, force, _sayer(as_json))
    show("fit", report.as_rows(), as_json)


def evaluate(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    split: SplitOption = "temporal",
    holdout_days: DaysOption = DEFAULTS.holdout_days,
    trials: TrialsOption = DEFAULTS.num_trials,
    seed: SeedOption = DEFAULTS.seed,
    encoder_version: EncoderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tune every method on validation events, ask the test once, and print one table.

    JSON, Markdown and an HTML page with plots go to the workspace's reports.

    Example: recsys evaluate --holdout-days 7
    """
    from jobs.learning import run_evaluate

    config = FitConfig(split=split, holdout_days=holdout_days, num_trials=trials, seed=seed)
    given = {"trials": (trials, DEFAULTS.num_trials), "encoder-version": (encoder_version, None)}
    more = "".join(f" --{name} {value}" for name, (value, default) in given.items() if value != default)
    command = f"recsys evaluate --split {split} --holdout-days {holdout_days:g} --seed {seed}{more}"
    runtime = runtime_of(workspace, database_url, address)
    result, folder = run_evaluate(runtime, config, encoder_version, command, _sayer(as_json))
    if as_json:
        sys.stdout.write(result.model_dump_json() + "\n")
        return
    out.print(to_markdown(result), soft_wrap=True, markup=False)
    out.print(f"reports: {folder}")


def _sayer(quiet: bool) -> Callable[[str], None]:
    """One line on stderr for each thing that was found, with the seconds since the start."""
    begun = time.monotonic()

    def say(text: str) -> None:
        if not quiet:
            err.print(f"{time.monotonic() - begun:6.0f} s  {text}", markup=False)

    return say


def train(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    mode: Annotated[TrainMode, typer.Option(help="Which numbers of the encoder change.")] = TRAINING.mode,
    objective: Annotated[
        Literal["contrastive", "classifier"], typer.Option(help="What is minimised.")
    ] = TRAINING.objective,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the pairs at most.")] = TRAINING.epochs,
    batch: Annotated[int, typer.Option(min=2, help="Pairs in a step, all workers together.")] = (
        TRAINING.batch_pairs
    ),
    learning_rate: Annotated[
        float | None, typer.Option(help="Step size; the mode's own when absent.")
    ] = None,
    max_pairs: Annotated[int, typer.Option(min=1, help="Training pairs at most.")] = TRAINING.max_pairs,
    max_tokens: Annotated[int, typer.Option(min=1, help="Text length while training.")] = TRAINING.max_tokens,
    hard_negatives: Annotated[
        int, typer.Option(min=0, help="Near items that were not chosen, for each pair.")
    ] = TRAINING.hard_negatives,
    workers: Annotated[int, typer.Option(min=1, help="Ray Train workers.")] = 1,
    tracker: Annotated[
        list[str] | None, typer.Option(help="tensorboard, wandb or mlflow; may be repeated.")
    ] = None,
    split: SplitOption = "temporal",
    holdout_days: DaysOption = DEFAULTS.holdout_days,
    as_evaluated: Annotated[
        bool, typer.Option(help="Learn nothing from what `recsys evaluate` asks for; to compare encoders.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the run; from its settings when absent.")] = None,
    encoder_version: EncoderOption = None,
    seed: SeedOption = DEFAULTS.seed,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune the encoder on what shoppers did; what comes out is embedded by `recsys embed`.

    Interrupted, the same command goes on from the newest checkpoint; run again after its end, it
    does nothing and says so.

    Example: recsys train --mode lora --epochs 3
    """
    from jobs.train_encoder import run_train

    given = {
        "mode": mode, "objective": objective, "epochs": epochs, "batch_pairs": batch,
        "learning_rate": learning_rate, "max_pairs": max_pairs, "max_tokens": max_tokens,
        "hard_negatives": hard_negatives,
        "num_workers": workers, "seed": seed, "as_evaluated": as_evaluated,
        "trackers": tuple(tracker or TRAINING.trackers),
    }  # fmt: skip
    try:
        config = TrainConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "train"
        raise ConfigError(
            f"{where} is refused", expected=first["msg"], found=str(first["input"])[:80]
        ) from error
    runtime = runtime_of(workspace, database_url, address)
    held_out = FitConfig(split=split, holdout_days=holdout_days, seed=seed)
    with progress("train", "steps", as_json) as advance:

        def on_progress(figures: dict[str, float]) -> None:
            advance(int(figures["step"]), int(figures["of"]))

        result = run_train(runtime, config, held_out, encoder_version, name, on_progress, _sayer(as_json))
    show("train", result.as_rows(), as_json)
    if not as_json:
        out.print(f"next: recsys embed -w {workspace} --encoder {result.folder}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (train, fit, evaluate):
        app.command()(command)
