"""`recsys simulate`: the built-in shop's shoppers at a real service."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.charts.option import PlotOption
from jobs.console import progress, sayer, show, waiting
from jobs.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption, runtime_of

simulate = typer.Typer(no_args_is_help=True, help="Shoppers who see lists, click and buy, over real HTTP.")
RequestsOption = Annotated[int, typer.Option("--requests", min=1, help="Lists asked for.")]
ItemsOption = Annotated[int, typer.Option("--items", min=50, help="Items of the shop.")]
ShoppersOption = Annotated[int, typer.Option("--shoppers", min=1, help="Shoppers of the shop.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of shop, shoppers and visits.")]
RateOption = Annotated[float | None, typer.Option("--rate", min=0.1, help="Most lists a second.")]
ConcurrencyOption = Annotated[int, typer.Option("--concurrency", min=1, help="Shoppers at the same time.")]


@simulate.command()
def prepare(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    items: ItemsOption = 1_200,
    shoppers: ShoppersOption = 600,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """A cold shop: catalog, vectors and an index, and not a single event; ready for `recsys serve`.

    Example: recsys simulate prepare --items 1200
    """
    from jobs.simulation.live import prepare as make
    from recsys.config import EncoderConfig
    from recsys.simulator import make_population

    runtime = runtime_of(workspace, None)
    with waiting("prepare", as_json):
        make(runtime, make_population(seed, items, shoppers, datetime.now(UTC)), EncoderConfig())
    show("simulation", {"workspace": runtime.workspace, "items": items}, as_json)


@simulate.command()
def traffic(
    url: Annotated[str, typer.Option("--url", help="Where the service answers.")] = "http://127.0.0.1:8000",
    requests: RequestsOption = 2_000,
    items: ItemsOption = 1_200,
    shoppers: ShoppersOption = 600,
    seed: SeedOption = 1,
    concurrency: ConcurrencyOption = 4,
    rate: RateOption = None,
    scenario: Annotated[str | None, typer.Option(help="Place in the shop.")] = None,
    log: Annotated[Path, typer.Option("--log", help="One line of JSON a visit; gone on with.")] = Path(
        "visits.jsonl"
    ),
    plot_file: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send shoppers to a service that runs over the shop of `prepare` (same items, shoppers and seed).

    Example: recsys simulate traffic --requests 2000
    """
    import asyncio

    from jobs.simulation.report import draw, report
    from jobs.simulation.traffic import Traffic, TrafficConfig
    from jobs.simulation.visit_log import VisitLog, read_visits
    from recsys.simulator import make_population

    population = make_population(seed, items, shoppers, datetime.now(UTC))
    config = TrafficConfig(
        requests=requests, concurrency=concurrency, rate=rate, seed=seed, scenario=scenario
    )
    first = max((one.number + 1 for one in read_visits(log)), default=0)
    with VisitLog(log) as visits, progress("visits", "visits", as_json) as advance:
        run = Traffic(population, config, url, visits, lambda visit: advance(visit.number + 1, requests))
        asyncio.run(run.run(first))
    found = report(read_visits(log), run.failed, 0, 0)
    if plot_file:
        draw(found, plot_file)
    show("simulation", _rows(found.model_dump()), as_json)


@simulate.command()
def live(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    requests: RequestsOption = 20_000,
    items: ItemsOption = 1_200,
    shoppers: ShoppersOption = 600,
    versions: Annotated[int, typer.Option(min=1, help="Fits that the events are enough for.")] = 24,
    rollbacks: Annotated[int, typer.Option(min=0, help="Rollbacks under load.")] = 5,
    seed: SeedOption = 1,
    concurrency: ConcurrencyOption = 4,
    rate: RateOption = None,
    plot_file: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole loop: a cold shop, its service, shoppers, retraining by itself, swaps and rollbacks.

    Every second lists of similar items are computed again by brute force from the version they name.

    Example: recsys simulate live --workspace workspace/live --requests 2000 --versions 4 --rollbacks 1
    """
    from jobs.simulation.live import LivePlan, run_live
    from jobs.simulation.report import draw
    from jobs.simulation.traffic import TrafficConfig

    config = TrafficConfig(requests=requests, concurrency=concurrency, rate=rate, seed=seed)
    plan = LivePlan(config, items, shoppers, versions, rollbacks)
    found = run_live(runtime_of(workspace, None).workspace, plan, sayer(as_json))
    if plot_file:
        draw(found, plot_file)
    show("simulation", _rows(found.model_dump()), as_json)


def _rows(found: dict[str, object]) -> dict[str, object]:
    versions = found.pop("versions")
    assert isinstance(versions, tuple | list)
    own = {
        f"{number}: {one['index_version'][:17]}": f"{one['visits']:,} visits, "
        f"{one['expected_conversion']:.4f} [{one['interval'][0]:.4f}, {one['interval'][1]:.4f}] "
        f"purchases a list, {one['share_of_best']:.1%} of the best, p99 {one['p99_ms']:.0f} ms"
        for number, one in enumerate(versions)
    }
    return {**found, "versions": own}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(simulate, name="simulate")
