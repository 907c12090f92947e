"""X5: names and paths that lead out of the workspace or onto the network; none is opened or connected to."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cluster.database import open_database
from cluster.item_store import ItemStore
from jobs.import_data import import_items
from jobs.publish_index import run_publish
from recsys.config import EncoderConfig, ImportConfig, RuntimeConfig
from recsys.encoder import encoder_version
from recsys.encoder_record import load_encoder_config
from recsys.errors import RecsysError
from recsys.index import current_version, load_manifest, publish
from recsys.index.manifest import MANIFEST
from recsys.index.versions import verify
from recsys.workspace import Workspace
from tests.chaos.canary import Listener, listening
from tests.chaos.outcome import Outcome, Place
from tests.chaos.small_version import small_version

SECRET = "secret"
Attempt = Callable[[], object]


def run(place: Place, outcome: Outcome) -> None:
    """Every place that takes a name or a path is given every evil one."""
    workspace = Workspace(place.folder / "shop").create()
    good = small_version(workspace, 1).index_version
    publish(workspace, good)
    outside = place.folder / SECRET
    shutil.copytree(workspace.index_version(good), outside)
    (outside / "items.csv").write_text("item_id,title\nstolen,stolen\n")
    opened: list[str] = []
    watching = [True]

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if watching[0] and event == "open" and SECRET in str(arguments[0]):
            opened.append(str(arguments[0]))

    sys.addaudithook(note)
    refused, passed = 0, list[str]()
    with listening() as listener:
        attempts = list(_attempts(workspace, outside, listener))
        for name, attempt in attempts:
            try:
                attempt()
            except (RecsysError, OSError, ValueError) as error:
                kinds = type(error).__name__
                refused += isinstance(error, RecsysError)
                passed += [] if isinstance(error, RecsysError) else [f"{name}: {kinds}, no error of ours"]
            else:
                passed.append(f"{name}: taken")
        connections = len(listener.connections)
    watching[0] = False
    outcome.figures |= {"names and paths": len(attempts), "refused": refused}
    outcome.require_zero(not_refused=len(passed), opened_outside=len(opened), connections=connections)
    same = current_version(workspace) == good
    outcome.require("the published version", "as before", "as before" if same else "changed", same)
    outcome.notes += passed[:10] + sorted(set(opened))[:5]
    outcome.notes.append("Opened files are counted by an audit hook of Python, connections by a listener.")


def _evil(outside: Path, listener: Listener) -> list[str]:
    here, name = f"127.0.0.1:{listener.port}", outside.name
    return [
        f"../../{name}", f"../{name}", str(outside), f"./../../{name}", "..", ".", "", "a/b", "~/x",
        f"file://{outside}", f"http://{here}/model", f"ftp://{here}/x", f"s3://{here}/x", "\0", "%2e%2e/x",
        "http://169.254.169.254/latest/meta-data", f"x\0/../{name}",
    ]  # fmt: skip


def _attempts(workspace: Workspace, outside: Path, listener: Listener) -> list[tuple[str, Attempt]]:
    runtime, found = RuntimeConfig(workspace=workspace.root), list[tuple[str, Attempt]]()
    for evil in _evil(outside, listener):
        is_folder = Path(evil).is_dir()  # an operator may name any folder of encoders and files
        found += [
            (f"index version {evil!r}", partial(load_manifest, workspace, evil)),
            (f"publish {evil!r}", partial(run_publish, runtime, evil)),
            (f"CURRENT {evil!r}", partial(_with_pointer, workspace, evil)),
            (f"record of encoder {evil!r}", partial(load_encoder_config, workspace, evil)),
        ]
        if not is_folder:
            found += [
                (f"encoder {evil!r}", partial(_version_of, evil)),
                (f"import {evil!r}", partial(_imported, workspace, evil)),
            ]
    return [*found, *_altered(workspace, outside)]


def _version_of(evil: str) -> str:
    return encoder_version(EncoderConfig(source=evil))


def _with_pointer(workspace: Workspace, evil: str) -> None:
    before = workspace.current.read_bytes()
    workspace.current.write_bytes(evil.encode())
    try:
        verify(workspace, current_version(workspace))
    finally:
        workspace.current.write_bytes(before)


def _imported(workspace: Workspace, evil: str) -> None:
    store = ItemStore(open_database(workspace.database_url))
    import_items([Path(evil)], item_store=store, workspace=workspace, config=ImportConfig())


def _altered(workspace: Workspace, outside: Path) -> list[tuple[str, Attempt]]:
    """Versions whose manifest or files lead outside."""

    def links(name: str) -> Attempt:
        def attempt() -> None:
            version = small_version(workspace, 7).index_version
            path = workspace.index_version(version) / name
            target = outside / name
            path.unlink() if path.is_file() else shutil.rmtree(path)
            path.symlink_to(target)
            try:
                publish(workspace, version)
            finally:
                shutil.rmtree(workspace.index_version(version))

        return attempt

    def names(evil: str) -> Attempt:
        def attempt() -> None:
            version = small_version(workspace, 8).index_version
            path = workspace.index_version(version) / MANIFEST
            told = json.loads(path.read_text())
            told["files"][1]["path"] = evil
            path.write_text(json.dumps(told))
            try:
                publish(workspace, version)
            finally:
                shutil.rmtree(workspace.index_version(version))

        return attempt

    vectors = next(path.name for path in outside.iterdir() if path.name.endswith(".npy"))
    return [
        ("a shard file that is a link", links(vectors)),
        ("a manifest that is a link", links(MANIFEST)),
        ("a manifest that names a file outside", names(f"../../{outside.name}/{vectors}")),
        ("a manifest that names an absolute file", names(str(outside / vectors))),
    ]
