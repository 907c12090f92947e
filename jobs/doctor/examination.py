"""All checks in their order, and the report for people and machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import httpx
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine

from cluster.database_probe import open_existing
from jobs.console import out
from jobs.doctor import database, folder, index, loop, machine, packages, protections, service, signatures
from jobs.doctor.finding import Finding, State, failed, guarded
from jobs.options import database_url_of
from recsys.config import RuntimeConfig
from recsys.errors import ConfigError, RecsysError
from recsys.index import IndexManifest
from recsys.workspace import Workspace

COLOURS = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "red"}
LOOK = "see the message; nothing was changed"


def examine(
    runtime: RuntimeConfig, url: str | None = None, transport: httpx.BaseTransport | None = None
) -> list[Finding]:
    """Findings of every part, of the service at `url` too when it is given; changes nothing."""
    workspace = Workspace(runtime.workspace)
    found = [
        *guarded("packages", packages.examine_packages, LOOK),
        *guarded(protections.NAME, protections.examine_protections, LOOK),
        *guarded("machine", machine.examine_machine, LOOK),
        *guarded("workspace", lambda: folder.examine_folder(workspace), LOOK),
    ]
    manifest: IndexManifest | None = None
    if workspace.root.is_dir():
        engine, unreachable = _opened(runtime)
        manifest, of_index = _published(workspace)
        found += [*unreachable, *(_of_data(engine, manifest) if engine else ()), of_index]
        if manifest is not None:
            found += _of_version(workspace, manifest)
    if url is not None:
        version = manifest.index_version if manifest else None
        found += guarded("service", lambda: service.examine_service(url, version, transport), LOOK)
    return found


def _opened(runtime: RuntimeConfig) -> tuple[Engine | None, list[Finding]]:
    try:
        return open_existing(database_url_of(runtime)), []
    except RecsysError as error:
        return None, [failed("database", str(error), database.ADVICE)]


def _published(workspace: Workspace) -> tuple[IndexManifest | None, Finding]:
    try:
        return index.published(workspace)
    except (OSError, ConfigError) as error:
        return None, failed("index", str(error), LOOK)


def _of_data(engine: Engine, manifest: IndexManifest | None) -> list[Finding]:
    found = guarded("database", lambda: database.examine_database(engine), database.ADVICE)
    found += guarded("event log", lambda: database.examine_event_log(engine), "recsys events verify")
    if manifest is not None:
        found += guarded("catalog lag", lambda: database.examine_lag(engine, manifest), database.ADVICE)
    return [*found, *guarded(loop.NAME, lambda: loop.examine_loop(engine), LOOK)]


def _of_version(workspace: Workspace, manifest: IndexManifest) -> list[Finding]:
    return [
        *guarded("gate", lambda: index.examine_gate(workspace, manifest), LOOK),
        *guarded("encoder", lambda: index.examine_encoder(workspace, manifest), LOOK),
        *guarded(signatures.NAME, lambda: signatures.examine_signatures(workspace, manifest), LOOK),
    ]


def is_healthy(found: Sequence[Finding]) -> bool:
    """Whether nothing failed; warnings do not count."""
    return all(one.state is not State.FAILED for one in found)


def show_findings(found: Sequence[Finding], as_json: bool) -> None:
    """A table, or one JSON object on stdout."""
    if as_json:
        report = {"healthy": is_healthy(found), "findings": [one.as_row() for one in found]}
        sys.stdout.write(json.dumps(report) + "\n")
        return
    table = Table("part", "state", "found", "what to do", title="recsys doctor", title_justify="left")
    for one in found:
        colour = COLOURS[one.state]
        table.add_row(
            one.name, f"[{colour}]{one.state.value}[/{colour}]", escape(one.found), escape(one.advice)
        )
    out.print(table)
