"""`recsys capacity` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.console import show
from jobs.options import JsonOption, SeedOption

if TYPE_CHECKING:
    from recsys.capacity.cluster import ClusterPlan
    from recsys.capacity.cost_model import CostModel


def capacity(
    items: Annotated[int, typer.Option(min=1, help="Items of the catalog.")] = 10_000_000,
    shards: Annotated[int, typer.Option(min=1, help="Disjoint parts of the items.")] = 8,
    replicas: Annotated[int, typer.Option(min=1, help="Servers of each shard.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 4,
    cores: Annotated[int, typer.Option(min=1, help="Cores of each machine.")] = 16,
    qps: Annotated[float, typer.Option(min=0.001, help="Requests a second, at random times.")] = 100.0,
    p99_limit_ms: Annotated[
        float, typer.Option(min=0.1, help="For the smallest number of machines: 99 % of requests below this.")
    ] = 100.0,
    node_memory_gb: Annotated[
        float,
        typer.Option(min=0.1, help="For the same: memory of a machine, half of it for a new version."),
    ] = 64.0,
    network_ms: Annotated[float, typer.Option(min=0.0, help="One way between processes; assumed.")] = 0.2,
    gpu_texts_per_s: Annotated[
        float | None, typer.Option(min=0.001, help="Texts one GPU encodes a second, if you know it.")
    ] = None,
    exact: Annotated[bool, typer.Option(help="Shards score every row instead of compressed ones.")] = False,
    requests: Annotated[int, typer.Option(min=100, help="Requests simulated.")] = 5_000,
    seed: SeedOption = 0,
    figures: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="growth.json of `recsys bench growth` on another machine."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What a catalog costs on a cluster: time, memory and latency, by model and simulation.

    Figures come from a machine that was measured; without --figures from the one the package names.

    Example: recsys capacity --items 100_000_000 --shards 32 --nodes 16 --cores 16 --qps 500
    """
    from recsys.capacity.cluster import ClusterPlan
    from recsys.capacity.cost_model import CostModel
    from recsys.capacity.figures import read_figures

    model = CostModel.fit(read_figures(figures))
    plan = ClusterPlan(
        items=items,
        shards=shards,
        replicas=replicas,
        nodes=nodes,
        cores=cores,
        requests_per_s=qps,
        network_ms=network_ms,
        exact=exact,
        seed=seed,
        num_requests=requests,
    )
    show("capacity", _rows(plan, model, p99_limit_ms, node_memory_gb, gpu_texts_per_s), as_json=as_json)


def _rows(
    plan: ClusterPlan,
    model: CostModel,
    p99_limit_ms: float,
    node_memory_gb: float,
    gpu_texts_per_s: float | None,
) -> dict[str, Any]:
    """Everything in the order in which it is read."""
    from dataclasses import asdict

    from recsys.capacity.cluster import work_of
    from recsys.capacity.cost_model import held_out_errors
    from recsys.capacity.plan import costs, fewest_nodes, latencies

    work = work_of(plan, model)
    # While versions change, both are in memory: half of a machine is left for the next one.
    fewest = fewest_nodes(plan, model, p99_limit_ms, node_memory_gb / 2.0)
    return {
        "items_per_shard": round(plan.items_per_shard),
        "search_per_shard_ms": work.search_ms,
        **asdict(costs(plan, model, gpu_texts_per_s)),
        **asdict(latencies(plan, work)),
        "fewest_nodes": fewest,
        "predicted_over_measured": held_out_errors(model.figures),
        "measured_on": f"{model.figures.machine}, {model.figures.date}",
    }


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(capacity)
