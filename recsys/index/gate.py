"""Whether a new version may answer: not worse than the published one, and sane."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from recsys.config import GateConfig
from recsys.index.manifest import IndexManifest
from recsys.workspace import Workspace, replace_file

REFUSED = "REFUSED.json"
JUDGED = ("discover", "again")
FILLED_ITEMS = 50
"""Mean items of a shard from which an empty one is no chance: items are spread by a digest."""


def gate(manifest: IndexManifest, parent: IndexManifest | None, config: GateConfig) -> tuple[str, ...]:
    """Reasons against publishing `manifest` in the place of `parent`; none means it may.

    Validation figures of both were taken on the same held-out events when the new version was
    fitted (`NAME`, `parent NAME` and `noise` in its metrics). A first version without figures, of text
    alone, is judged by its sanity only.
    """
    reasons = [
        f"{name} is not a number: {value}"
        for name, value in manifest.metrics.items()
        if not math.isfinite(value)
    ]
    if parent is not None and parent.blend is not None and manifest.blend is None:
        reasons.append("the published version has learned from events and this one has not: run `recsys fit`")
    reasons += _insane(manifest, parent)
    for name in JUDGED:
        figures = (f"{name} ndcg@10", f"parent {name} ndcg@10")
        ours, theirs = (manifest.metrics.get(figure) for figure in figures)
        noise = manifest.metrics.get(f"{name} noise", 0.0)
        if ours is not None and theirs is not None and ours + noise < theirs * (1.0 - config.margin):
            reasons.append(
                f"{name} ndcg@10 on the validation events fell from {theirs:.4f} to {ours:.4f}, "
                f"more than the margin of {config.margin:.0%} and the noise of {noise:.4f}"
            )
    coverage = manifest.metrics.get("coverage@10")
    if coverage is not None and coverage < config.min_coverage:
        reasons.append(f"lists show {coverage:.2%} of the catalog, less than {config.min_coverage:.2%}")
    if parent is not None and manifest.item_count < parent.item_count * config.min_item_share:
        reasons.append(
            f"{manifest.item_count} items are less than {config.min_item_share:.0%} "
            f"of the published {parent.item_count}"
        )
    return tuple(reasons)


def _insane(manifest: IndexManifest, parent: IndexManifest | None) -> list[str]:
    """Reasons that need no figures."""
    reasons = []
    if manifest.item_count and manifest.dim == 0:
        reasons.append("items have no vectors: dim is 0")
    if parent is not None and _is_narrowed(manifest, parent):
        reasons.append(f"vectors of one encoder were {parent.text_dim} wide and are {manifest.text_dim} wide")
    if empty := _empty_shards(manifest):
        reasons.append(f"shards without any item: {', '.join(map(str, empty))}")
    return reasons


def _is_narrowed(manifest: IndexManifest, parent: IndexManifest) -> bool:
    same = manifest.encoder_version == parent.encoder_version
    return same and 0 not in (manifest.dim, parent.dim) and manifest.text_dim != parent.text_dim


def _empty_shards(manifest: IndexManifest) -> list[int]:
    if not manifest.is_complete or manifest.item_count < FILLED_ITEMS * manifest.num_shards:
        return []
    return [shard for shard in range(manifest.num_shards) if not manifest.shard_files(shard)[0].rows]


def mark_refused(workspace: Workspace, index_version: str, reasons: Sequence[str]) -> None:
    """Leave the reasons beside the version, which is kept."""
    path = workspace.index_version(index_version) / REFUSED
    replace_file(path, json.dumps({"reasons": list(reasons)}, indent=2).encode())


def forget_refusal(workspace: Workspace, index_version: str) -> None:
    """A person has published it all the same: it is refused no more."""
    (workspace.index_version(index_version) / REFUSED).unlink(missing_ok=True)


def refusal(workspace: Workspace, index_version: str) -> tuple[str, ...]:
    """Why a version was refused; empty for one that was not."""
    path = workspace.index_version(index_version) / REFUSED
    if not path.is_file():
        return ()
    return tuple(json.loads(path.read_text(encoding="utf-8"))["reasons"])
