"""S16: index versions whose bytes were changed: flipped, cut, swapped, downgraded. All are refused."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recsys.config import ScanKind
from recsys.errors import IndexVersionError
from recsys.index import IndexManifest, current_version, load_manifest, publish
from recsys.index.files import open_codes, open_whitening
from recsys.index.manifest import MANIFEST
from recsys.retrieval import ShardIndex
from recsys.workspace import Workspace
from tests.chaos.outcome import Outcome, Place
from tests.chaos.small_version import small_version

NUM_ITEMS, DIM = 1_500, 16
Harm = Callable[[Path, IndexManifest, random.Random], None]


def run(place: Place, outcome: Outcome) -> None:
    """Harm a copy of a version in one of five ways, then load and publish it, a thousand times."""
    workspace = Workspace(place.folder / "shop")
    old, good = (small_version(workspace, seed, NUM_ITEMS, DIM, ScanKind.COMPRESSED) for seed in (1, 2))
    publish(workspace, old.index_version)
    shutil.copytree(workspace.index_version(old.index_version), place.folder / "old")
    whole = place.folder / "whole"
    shutil.copytree(workspace.index_version(good.index_version), whole)
    rng, done, missed = random.Random(place.seed), Counter[str](), Counter[str]()
    for number in range(place.times(1_000, 60)):
        name = list(HARMS)[number % len(HARMS)]
        HARMS[name](workspace.index_version(good.index_version), good, rng)
        done[name] += 1
        if (passed := _passed(workspace, good)) is not None:
            missed[f"{name} {passed}"] += 1
        _restore(whole, workspace.index_version(good.index_version))
        if current_version(workspace) != old.index_version:
            publish(workspace, old.index_version)
    outcome.figures |= {
        "alterations": done.total(),
        **{f"of them {name}": count for name, count in done.items()},
    }
    outcome.require("alterations", "1,000", done.total(), done.total() >= place.times(1_000, 60))
    outcome.require_zero(undetected=missed.total())
    if missed:
        outcome.notes.append("Undetected: " + ", ".join(f"{name} ({n})" for name, n in missed.items()) + ".")
    publish(workspace, good.index_version)
    outcome.require("the restored version is published", "yes", "yes", True)


def _passed(workspace: Workspace, good: IndexManifest) -> str | None:
    """Where the altered version was taken; None where it was refused at load and at publishing."""
    try:
        publish(workspace, good.index_version)
    except IndexVersionError:
        pass
    else:
        return "published"
    try:
        manifest = load_manifest(workspace, good.index_version)
        open_whitening(workspace, manifest)
        for shard in range(manifest.num_shards):
            ShardIndex.open(workspace, manifest, shard)
            open_codes(workspace, manifest, shard)
    except IndexVersionError:
        return None
    return "loaded"


def _restore(whole: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(whole, folder)


def _any_file(folder: Path, rng: random.Random) -> Path:
    return rng.choice(sorted(path for path in folder.iterdir() if path.is_file()))


def _flip(folder: Path, _: IndexManifest, rng: random.Random) -> None:
    path = _any_file(folder, rng)
    content = bytearray(path.read_bytes())
    place = rng.randrange(len(content) * 8)
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)


def _flip_manifest(folder: Path, _: IndexManifest, rng: random.Random) -> None:
    path = folder / MANIFEST
    content = bytearray(path.read_bytes())
    place = rng.randrange(len(content) * 8)
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)


def _cut(folder: Path, _: IndexManifest, rng: random.Random) -> None:
    path = _any_file(folder, rng)
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])


def _swap(folder: Path, manifest: IndexManifest, rng: random.Random) -> None:
    kind = rng.randrange(3)
    one, two = (folder / manifest.shard_files(shard)[kind].path for shard in (0, 1))
    mine, theirs = one.read_bytes(), two.read_bytes()
    if mine == theirs:  # both empty of links: exchange another kind
        one, two = (folder / manifest.shard_files(shard)[1].path for shard in (0, 1))
        mine, theirs = one.read_bytes(), two.read_bytes()
    one.write_bytes(theirs)
    two.write_bytes(mine)


def _edit(folder: Path, manifest: IndexManifest, rng: random.Random) -> None:
    """A manifest that is valid and says something else."""
    path = folder / MANIFEST
    found: dict[str, Any] = json.loads(path.read_text())
    edits: list[dict[str, Any]] = [
        {"num_shards": 1, "files": found["files"][:3] + found["files"][-1:], "scans": found["scans"][:1]},
        {"metric": "euclidean"},
        {"encoder_version": "another"},
        {"scans": []},
        {"catalog_seq": 1_000_000},
        {"item_count": 1},
        {"files": [found["files"][3], *found["files"][1:3], found["files"][0], *found["files"][4:]]},
        {"metrics": {"discover ndcg@10": 1.0}},
    ]
    path.write_text(json.dumps(found | rng.choice(edits)))


def _downgrade(folder: Path, manifest: IndexManifest, rng: random.Random) -> None:
    """The manifest, or all files, of the version before under the newer one's name."""
    old = folder.parent.parent.parent / "old"
    for path in sorted(old.iterdir()) if rng.random() < 0.5 else [old / MANIFEST]:
        shutil.copy(path, folder / path.name)


HARMS: dict[str, Harm] = {
    "bit flipped": _flip,
    "bit of the manifest flipped": _flip_manifest,
    "cut": _cut,
    "shards swapped": _swap,
    "manifest edited": _edit,
    "downgraded": _downgrade,
}
