"""A workspace as an earlier state left it, in a folder of its own, with what that state said it has."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.failure import failure_of
from recsys.config import ServeConfig
from recsys.encoder import TextEncoder
from recsys.encoder_record import load_encoder_config
from recsys.errors import RecsysError
from recsys.index import current_version, load_manifest
from recsys.workspace import Workspace
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop, assemble_inline
from tests.upgrade.releases import RELEASES, Release

CONFIG = ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)


@dataclass(frozen=True)
class OldShop:
    """The folder that holds workspace and encoder, and is the working directory as it was then."""

    release: Release
    workspace: Workspace
    listing: dict[str, Any]

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """What a command prints as JSON; it must end with `code`."""
        done = CliRunner().invoke(app, [*arguments, "--json", "-w", "shop"])
        assert done.exit_code == code, (arguments, done.output, done.exception)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def refused(self, *arguments: str) -> str:
        """What a command that is refused prints, with its hint."""
        error = CliRunner().invoke(app, [*arguments, "-w", "shop"]).exception
        assert isinstance(error, RecsysError), error
        failure = failure_of(error)
        assert failure is not None
        return f"{failure.text}\nnext: {failure.hint}"

    def embed(self, *more: str) -> dict[str, Any]:
        """`recsys embed` with the options that the old state was given, and more."""
        embed = next(step for step in reversed(self.release.steps) if step[0] == "embed")
        done = CliRunner().invoke(app, [*embed, *more, "--json"])
        assert done.exit_code == 0, (done.output, done.exception)
        reports = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return {name: value for report in reports for name, value in report.items()}

    @property
    def encoder_version(self) -> str:
        """Of the version that answers."""
        return load_manifest(self.workspace, current_version(self.workspace)).encoder_version

    def service(self) -> ShopService:
        """Today's service over it, in this process; not started."""
        config = load_encoder_config(self.workspace, self.encoder_version)
        small: Any = SmallShop(self.workspace, TextEncoder.load(config), None)  # type: ignore[arg-type]
        return assemble_inline(small, CONFIG)


def unpack(name: str, place: Path) -> OldShop:
    """The workspace of one state, in `place`."""
    release = next(one for one in RELEASES if one.name == name)
    with tarfile.open(release.archive) as archive:
        archive.extractall(place, filter="data")
    listing = json.loads((place / "listing.json").read_text(encoding="utf-8"))
    return OldShop(release, Workspace(place / "shop"), listing)


@pytest.fixture
def old(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OldShop:
    """The state that the test names; `indirect` parameters choose it."""
    monkeypatch.chdir(tmp_path)
    return unpack(request.param, tmp_path)
