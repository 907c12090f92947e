"""`recsys train | federate` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from jobs.charts.option import PlotOption, plot
from jobs.console import out, progress, sayer, show
from jobs.failure import refusal
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
from recsys.config import FitConfig, Objective, TrainConfig, TrainMode
from recsys.errors import ConfigError

DEFAULTS = FitConfig()
TRAINING = TrainConfig()


def train(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    mode: Annotated[TrainMode, typer.Option(help="Which numbers of the encoder change.")] = TRAINING.mode,
    objective: Annotated[
        Objective,
        typer.Option(
            help="What is minimised; dropout-views, masked-language and title-description need no events."
        ),
    ] = TRAINING.objective,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the pairs at most.")] = TRAINING.epochs,
    batch: Annotated[int, typer.Option(min=2, help="Pairs in a step, all workers together.")] = (
        TRAINING.batch_pairs
    ),
    learning_rate: Annotated[
        float | None, typer.Option(help="Step size; the mode's own when absent.")
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0.001, help="Softmax temperature of a contrast.")
    ] = TRAINING.temperature,
    rank: Annotated[
        int, typer.Option(min=1, help="Rank of adapters, or number of prompt vectors.")
    ] = TRAINING.rank,
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
    holdout_days: HoldoutOption = DEFAULTS.holdout_days,
    as_evaluated: Annotated[
        bool, typer.Option(help="Learn nothing from what `recsys evaluate` asks for; to compare encoders.")
    ] = False,
    dp_epsilon: Annotated[
        float | None, typer.Option(help="Privacy of each user (DP-SGD); booked in the ledger.")
    ] = None,
    dp_delta: Annotated[float, typer.Option(help="Chance that it does not hold.")] = TRAINING.dp_delta,
    max_grad_norm: Annotated[
        float, typer.Option(help="Length that a user's gradient is cut to.")
    ] = TRAINING.dp_max_grad_norm,
    name: Annotated[str | None, typer.Option(help="Name of the run; from its settings when absent.")] = None,
    encoder_version: EncoderVersionOption = None,
    seed: SeedOption = DEFAULTS.seed,
    plot_file: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune the encoder on what shoppers did or on the catalog's texts; embed with what comes out.

    Interrupted, the same command goes on from the newest checkpoint; run again after its end, it
    does nothing and says so.

    Example: recsys train --mode lora --epochs 3
    Example: recsys train --objective title-description --mode lora
    Example: recsys train --mode head --plot curve.html
    Example: recsys train --mode head --objective classifier --dp-epsilon 4
    """
    from jobs.train_encoder import run_train

    given = {
        "mode": mode, "objective": objective, "epochs": epochs, "batch_pairs": batch,
        "learning_rate": learning_rate, "max_pairs": max_pairs, "max_tokens": max_tokens,
        "hard_negatives": hard_negatives, "temperature": temperature, "rank": rank,
        "num_workers": workers, "seed": seed, "as_evaluated": as_evaluated,
        "trackers": tuple(tracker or TRAINING.trackers),
        "dp_epsilon": dp_epsilon, "dp_delta": dp_delta, "dp_max_grad_norm": max_grad_norm,
    }  # fmt: skip
    config = train_config(given)
    runtime = runtime_of(workspace, database_url, address)
    held_out = FitConfig(split=split, holdout_days=holdout_days, seed=seed)
    with progress("train", "steps", as_json) as advance:

        def on_progress(figures: dict[str, float]) -> None:
            advance(int(figures["step"]), int(figures["of"]))

        result = run_train(runtime, config, held_out, encoder_version, name, on_progress, sayer(as_json))
    show("train", result.as_rows(), as_json)
    if plot_file:
        from jobs.charts.found import training_charts

        plot(training_charts(result.curve()), plot_file)
    if not as_json:
        out.print(f"next: recsys embed -w {workspace} --encoder {result.folder}")


def train_config(given: dict[str, Any]) -> TrainConfig:
    """The settings of a training; raises `ConfigError` for those that contradict each other."""
    try:
        return TrainConfig.model_validate(given)
    except ValidationError as error:
        raise refusal(error) from error


def federate(
    shop: Annotated[
        list[Path], typer.Option(exists=True, file_okay=False, help="A shop's workspace; two or more.")
    ],
    rounds: Annotated[int, typer.Option(min=1, help="Times that weights are averaged.")] = 10,
    mode: Annotated[TrainMode, typer.Option(help="Which numbers of the encoder change.")] = TRAINING.mode,
    objective: Annotated[
        Literal["contrastive", "classifier"], typer.Option(help="What is minimised.")
    ] = "contrastive",
    batch: Annotated[int, typer.Option(min=2, help="Pairs in a step.")] = TRAINING.batch_pairs,
    learning_rate: Annotated[
        float | None, typer.Option(help="Step size; the mode's own when absent.")
    ] = None,
    split: SplitOption = "temporal",
    holdout_days: HoldoutOption = DEFAULTS.holdout_days,
    name: Annotated[
        str | None, typer.Option(help="Name of the encoder; from its settings when absent.")
    ] = None,
    seed: SeedOption = DEFAULTS.seed,
    as_json: JsonOption = False,
) -> None:
    """Train one encoder with several shops (FedAvg); each reads its own events and gives out weights alone.

    All shops must have been embedded by the same encoder. Each finds the result among its encoders.

    Example: recsys federate --shop shops/books --shop shops/garden --rounds 10
    """
    from jobs.federate import run_federate

    if mode in (TrainMode.FULL, TrainMode.ADALORA):
        raise ConfigError("only small parts are averaged", expected="head, lora or prompt", found=mode.value)
    config = TrainConfig(
        mode=mode,
        objective=Objective(objective),
        epochs=rounds,
        batch_pairs=batch,
        learning_rate=learning_rate,
        seed=seed,
    )
    held_out = FitConfig(split=split, holdout_days=holdout_days, seed=seed)
    with progress("federate", "rounds", as_json) as advance:
        rows = run_federate(shop, config, held_out, rounds, name, lambda number: advance(number, rounds))
    show("federate", rows, as_json)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (train, federate):
        app.command()(command)
