"""`recsys serve` and `recsys demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.console import err, out
from jobs.options import (
    DEFAULT_WORKSPACE,
    AddressOption,
    DatabaseOption,
    Range,
    WorkspaceOption,
    parse_pairs,
    parse_range,
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
from recsys.config import Door, Interface, LogConfig, LogFormat, Placement, RuntimeConfig, ServeConfig

HostOption = Annotated[str, typer.Option("--host", envvar="RECSYS_HOST", help="Address to listen on.")]
ONE = Range(1)
PortOption = Annotated[int, typer.Option("--port", envvar="RECSYS_PORT", help="Port to listen on.")]


def serve(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    public: Annotated[bool, typer.Option(help="Allow a host that other machines reach.")] = False,
    down: Annotated[
        bool, typer.Option("--down", help="End the service that the cluster at --address runs, and return.")
    ] = False,
    tenants: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Serve several shops apart from each other; JSON: a list of name, workspace, port.",
        ),
    ] = None,
    store: Annotated[
        bool, typer.Option("--store", help="Also a store page at /store/ that shows what the API does.")
    ] = False,
    console: Annotated[
        bool, typer.Option("--console", help="Also a console for operators at /console/.")
    ] = False,
    compat: Annotated[
        list[Interface],
        typer.Option(
            help="Also answer requests made for this recommender (see docs/migrating.md); several times."
        ),
    ] = [],  # noqa: B006  # Typer reads it and makes its own
    event_type: Annotated[
        list[str] | None,
        typer.Option("--event-type", metavar="THEIRS=OURS", help="What an event type of callers means."),
    ] = None,
    keys: Annotated[
        bool | None,
        typer.Option(
            help="Whether callers need a key (see `recsys keys`); by default where others reach it."
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(help="Pages of this origin may call, such as https://shop.example; several times."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(envvar="RECSYS_TLS_CERT", help="Certificate chain (PEM): speak HTTPS.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(envvar="RECSYS_TLS_KEY", help="The certificate's private key (PEM).")
    ] = None,
    placement: Annotated[
        Placement, typer.Option(help="inline: one process; remote: an actor per shard.")
    ] = Placement.AUTO,
    door: Annotated[
        Door, typer.Option(help="direct: replicas listen themselves; proxy: through Serve's proxies.")
    ] = Door.AUTO,
    recommenders: Annotated[
        Range | None,
        typer.Option(
            parser=parse_range,
            metavar="N|MIN-MAX",
            help="Replicas that answer HTTP, or a range that follows load (behind a proxy); "
            "one per core and at most 4 when absent, 1 behind a proxy.",
        ),
    ] = None,
    shard_replicas: Annotated[
        Range,
        typer.Option(
            parser=parse_range,
            metavar="N|MIN-MAX",
            help="Servers of each shard (remote), or a range that follows load.",
        ),
    ] = ONE,
    encoders: Annotated[int, typer.Option(min=1, help="Servers of the encoder.")] = 1,
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

    On a cluster (`--address`) the service outlives a SIGTERM of this command, and the next one takes it over.

    Example: recsys serve --store
    Example: recsys serve --placement remote --shard-replicas 2
    Example: recsys serve --address HEAD:6379 --down
    Example: recsys serve --host 0.0.0.0 --public --tls-cert shop.pem --tls-key shop.key
    """
    from cluster.runtime import prepare_serve

    prepare_serve()
    warn_of_old_packages()
    import signal
    from contextlib import nullcontext

    from jobs.log_printing import printed_log
    from jobs.loop import read_loop_config
    from jobs.serve import (
        read_scenarios,
        running_services,
        say_of_keys,
        shops_of,
        take_down,
        trace_config,
        wait_for_stop,
    )
    from recsys.access.tls import require_certificate
    from recsys.workspace import Workspace
    from serve_app.app import is_loopback, require_loopback_or_consent, with_recommenders

    if down:
        take_down(address)
        out.print("stopped")
        return
    one_shop = tenants is None
    runtime = runtime_of(workspace, database_url, address) if one_shop else RuntimeConfig(address=address)
    alone = is_loopback(host) and one_shop
    config = ServeConfig(
        host=host,
        port=port,
        door=door,
        placement=placement,
        shard_replicas=shard_replicas.least,
        max_shard_replicas=shard_replicas.most,
        num_encoders=encoders,
        scenarios=read_scenarios(scenarios) if scenarios else {},
        keys=not alone if keys is None else keys,
        store=store,
        console=console,
        compat=tuple(dict.fromkeys(compat)),
        event_types=parse_pairs(event_type or [], "THEIRS=OURS"),
        cors_origins=tuple(cors_origin or ()),
        tls_certificate=tls_cert,
        tls_key=tls_key,
        log=LogConfig(format=log_format, level=log_level, folder=log_folder),
        traces=trace_config(traces, trace_ratio),
    )
    least, most = recommenders or (None, None)
    config = with_recommenders(runtime, config, least, most)
    require_loopback_or_consent(config, public)
    if config.tls_certificate and config.tls_key:
        require_certificate(config.tls_certificate, config.tls_key)
    feedback = read_loop_config(loop_config) if loop else None
    shops = shops_of(runtime, config, tenants)
    folder = log_folder or Workspace(shops[0].runtime.workspace).logs
    followed = printed_log(folder) if print_log else nullcontext()
    with followed, running_services(shops, dashboard, feedback) as running:
        for shop, url in zip(shops, running.urls, strict=True):
            whose = f"{shop.config.tenant}: " if shop.config.tenant else ""
            out.print(f"{whose}serving at [bold]{url}[/bold], API page at {url}/docs; Ctrl-C stops")
            if store:
                out.print(f"{whose}store page at [bold]{url}/store/[/bold]")
            if console:
                out.print(f"{whose}console at [bold]{url}/console/[/bold]")
            say_of_keys(shop)
        # Machines that are emptied or renewed send SIGTERM to a command whose service lives elsewhere.
        running.kept = wait_for_stop() is signal.SIGTERM and address is not None
    out.print("the service goes on; recsys serve --down ends it" if running.kept else "stopped")


def demo(
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder of the demo.")] = Path(
        "workspace/demo"
    ),
    catalog: Annotated[
        Path | None, typer.Option(exists=True, help="Your items instead of the built-in shop.")
    ] = None,
    events: Annotated[Path | None, typer.Option(exists=True, help="Your events.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217 currency of prices that name none.")] = None,
    port: PortOption = 8000,
    stop: Annotated[bool, typer.Option("--stop", help="End after the printout.")] = False,
) -> None:
    """The whole road: shop, import, embed, index, serve, recommend, click, changed answer.

    Example: recsys demo --port 8123
    Example: recsys demo --catalog items.csv --events events.csv
    """
    from cluster.runtime import prepare_serve

    prepare_serve()
    from jobs.demo import run_demo

    run_demo(workspace, catalog, events, port, stop, currency)


def warn_of_old_packages() -> None:
    """One line on stderr for each package below its floor: such a release can be attacked."""
    from jobs.doctor.packages import examine_packages

    for finding in examine_packages():
        if finding.advice:
            err.print(
                f"warning: {finding.name} {finding.found}; {finding.advice}", style="yellow", markup=False
            )


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(serve)
    app.command()(demo)
