"""`recsys serve` and `recsys demo`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from cluster.runtime import prepare_serve
from jobs.console import out
from jobs.options import (
    DEFAULT_WORKSPACE,
    AddressOption,
    DatabaseOption,
    WorkspaceOption,
    runtime_of,
)
from jobs.telemetry_options import (
    LogFolderOption,
    LogFormatOption,
    LogLevelOption,
    PrintLogOption,
    TraceRatioOption,
    TracesOption,
)
from recsys.config import Door, LogConfig, LogFormat, Placement, ServeConfig
from recsys.workspace import Workspace

HostOption = Annotated[str, typer.Option("--host", envvar="RECSYS_HOST", help="Address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", envvar="RECSYS_PORT", help="Port to listen on.")]


def serve(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    public: Annotated[bool, typer.Option(help="Allow a host that other machines reach.")] = False,
    placement: Annotated[
        Placement, typer.Option(help="inline: one process; remote: an actor per shard.")
    ] = Placement.AUTO,
    door: Annotated[
        Door, typer.Option(help="direct: replicas listen themselves; proxy: through Serve's proxies.")
    ] = Door.AUTO,
    recommenders: Annotated[
        int | None,
        typer.Option(
            min=1, help="Replicas that answer HTTP; one per core and at most 4 when absent, 1 behind a proxy."
        ),
    ] = None,
    shard_replicas: Annotated[int, typer.Option(min=1, help="Servers of each shard (remote).")] = 1,
    scenarios: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help='Weights by scenario, JSON: {"home": {"popularity": 0.5}}.'
        ),
    ] = None,
    dashboard: Annotated[bool, typer.Option(help="Also start Ray's dashboard on loopback.")] = False,
    loop: Annotated[
        bool, typer.Option(help="Retrain, re-index and roll back by itself (see `recsys loop`).")
    ] = True,
    loop_config: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Settings of the feedback loop as JSON."),
    ] = None,
    log_format: LogFormatOption = LogFormat.TEXT,
    log_level: LogLevelOption = "info",
    log_folder: LogFolderOption = None,
    print_log: PrintLogOption = False,
    traces: TracesOption = None,
    trace_ratio: TraceRatioOption = 1.0,
) -> None:
    """Answer over HTTP until Ctrl-C. The API's own page is at /docs.

    Example: recsys serve --placement remote --shard-replicas 2
    """
    prepare_serve()
    from jobs.log_printing import printed_log
    from jobs.loop import read_loop_config
    from jobs.serve import read_scenarios, running_service, trace_config, wait_for_stop
    from serve_app.app import require_loopback_or_consent, with_recommenders

    runtime = runtime_of(workspace, database_url, address)
    config = ServeConfig(
        host=host,
        port=port,
        door=door,
        placement=placement,
        shard_replicas=shard_replicas,
        scenarios=read_scenarios(scenarios) if scenarios else {},
        log=LogConfig(format=log_format, level=log_level, folder=log_folder),
        traces=trace_config(traces, trace_ratio),
    )
    config = with_recommenders(runtime, config, recommenders)
    require_loopback_or_consent(config, public)
    feedback = read_loop_config(loop_config) if loop else None
    followed = printed_log(log_folder or Workspace(workspace).logs) if print_log else nullcontext()
    with followed, running_service(runtime, config, dashboard, feedback) as url:
        out.print(f"serving at [bold]{url}[/bold], API page at {url}/docs; Ctrl-C stops")
        wait_for_stop()
    out.print("stopped")


def demo(
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder of the demo.")] = Path(
        "workspace/demo"
    ),
    catalog: Annotated[
        Path | None, typer.Option(exists=True, help="Your items instead of the built-in shop.")
    ] = None,
    events: Annotated[Path | None, typer.Option(exists=True, help="Your events.")] = None,
    port: PortOption = 8000,
    stop: Annotated[bool, typer.Option("--stop", help="End after the printout.")] = False,
) -> None:
    """The whole road: shop, import, embed, index, serve, recommend, click, changed answer."""
    prepare_serve()
    from jobs.demo import run_demo

    run_demo(workspace, catalog, events, port, stop)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(serve)
    app.command()(demo)
