"""`recsys privacy release | ledger`: what is told about people, and how much may still be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from jobs.console import show
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)
from recsys.config import EventWeights

privacy = typer.Typer(no_args_is_help=True, help="Private releases, and the ledger of what they cost.")


@privacy.command("release")
def release(
    out: Annotated[Path, typer.Option("--out", dir_okay=False, help="File to write; JSON.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    epsilon: Annotated[
        float | None, typer.Option(min=1e-6, help="What it may tell; as privacy.json says when absent.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Newest days that are counted.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write differentially private popularity that may be shown to anybody; each one costs budget.

    Example: recsys privacy release --epsilon 0.5 --out popularity.json
    """
    from cluster.database import open_database
    from cluster.private_popularity import release as make_release
    from recsys.privacy.ledger import BudgetLedger
    from recsys.privacy.settings import load_privacy
    from recsys.workspace import Workspace, replace_file

    runtime = runtime_of(workspace, database_url)
    place = Workspace(runtime.workspace)
    asked = {"epsilon": epsilon, "days": days}
    config = load_privacy(place).popularity.model_copy(
        update={name: value for name, value in asked.items() if value is not None}
    )
    engine = open_database(database_url_of(runtime))
    found = make_release(engine, BudgetLedger(place.privacy), config, EventWeights())
    replace_file(out, json.dumps(found.as_json(), indent=1).encode())
    rows = {**found.as_json(), "items": len(found.items), "file": out}
    show("privacy release", rows, as_json)


@privacy.command("ledger")
def ledger(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Show every release, what was spent, and what is left.

    Example: recsys privacy ledger
    """
    from recsys.privacy.ledger import BudgetLedger
    from recsys.privacy.settings import load_privacy
    from recsys.workspace import Workspace

    place = Workspace(runtime_of(workspace, None).workspace)
    found, budget = BudgetLedger(place.privacy), load_privacy(place).popularity.epsilon_budget
    epsilon, delta = found.spent()
    lines = [
        f"{one.at} {one.what}: epsilon {one.epsilon:g}"
        + (f", delta {one.delta:g}" if one.delta else "")
        + "".join(f", {name} {value}" for name, value in sorted(one.parameters.items()))
        for one in found.read()
    ]
    rows = {
        "epsilon_spent": epsilon,
        "delta_spent": delta,
        "epsilon_left": max(budget - epsilon, 0.0),
        "releases": lines,
    }
    show("privacy ledger", rows, as_json)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(privacy, name="privacy")
