"""The gate refuses what is worse or not sane, says why, and lets through what is not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from recsys.blend.settings import FittedBlend
from recsys.config import GateConfig, IndexConfig, Metric
from recsys.identifiers import shard_of
from recsys.index import IndexWriter
from recsys.index.gate import gate, mark_refused, refusal
from recsys.index.manifest import IndexManifest, Signal
from recsys.index.writer import Provenance
from recsys.schemas import ITEMS, conform
from recsys.workspace import Workspace

GOOD = {"discover ndcg@10": 0.10, "parent discover ndcg@10": 0.10, "coverage@10": 0.3}


def manifest(metrics: dict[str, float], items: int = 100, dim: int = 8) -> IndexManifest:
    return IndexManifest(
        index_version="v",
        encoder_version="e",
        text_template_version="1",
        signals=(Signal(name="text", width=dim or 8, weight=1.0),),
        dim=dim,
        metric=Metric.INNER_PRODUCT,
        num_shards=1,
        item_count=items,
        catalog_seq=1,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        metrics=metrics,
        files=(),
    )


def test_the_first_version_and_an_equal_one_pass() -> None:
    assert gate(manifest({}), None, GateConfig()) == ()
    assert gate(manifest(GOOD), manifest(GOOD), GateConfig()) == ()


@pytest.mark.parametrize(
    ("metrics", "items", "dim", "word"),
    [
        (GOOD | {"discover ndcg@10": 0.0979}, 100, 8, "fell"),
        (GOOD | {"discover ndcg@10": 0.09, "discover noise": 0.007}, 100, 8, "fell"),
        (GOOD | {"discover ndcg@10": float("nan")}, 100, 8, "not a number"),
        (GOOD | {"coverage@10": 0.0}, 100, 8, "catalog"),
        (GOOD, 74, 8, "less than 75%"),
        (GOOD, 100, 0, "dim"),
        (GOOD, 100, 4, "8 wide and are 4 wide"),  # found by the chaos suite: every list then failed
    ],
)
def test_what_is_worse_or_broken_is_refused_with_the_reason(
    metrics: dict[str, float], items: int, dim: int, word: str
) -> None:
    reasons = gate(manifest(metrics, items, dim), manifest(GOOD), GateConfig())
    assert len(reasons) == 1
    assert word in reasons[0]


def test_a_version_of_text_alone_does_not_replace_one_that_learned() -> None:
    learned = manifest(GOOD).model_copy(update={"blend": FittedBlend()})
    (reason,) = gate(manifest({}), learned, GateConfig())
    assert "recsys fit" in reason
    assert gate(learned, manifest({}), GateConfig()) == ()


def test_a_loss_within_the_margin_passes() -> None:
    assert gate(manifest(GOOD | {"discover ndcg@10": 0.0981}), manifest(GOOD), GateConfig()) == ()
    few_users = GOOD | {"discover ndcg@10": 0.09, "discover noise": 0.009}
    assert gate(manifest(few_users), manifest(GOOD), GateConfig()) == ()


def test_reasons_stay_beside_the_version(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert refusal(workspace, "v") == ()
    mark_refused(workspace, "v", ["it is worse"])
    assert refusal(workspace, "v") == ("it is worse",)


def test_a_shard_without_items_is_refused_in_a_filled_version_only(tmp_path: Path) -> None:
    """Found by the chaos suite: a catalog that had lost a whole shard was published."""
    workspace = Workspace(tmp_path)
    half = [f"i{number:04d}" for number in range(400) if shard_of(f"i{number:04d}", 2) == 0]
    for ids, wanted in ((half, "shards without any item: 1"), (half[:3], "")):
        items = conform(pa.table({"item_id": ids, "title": ids, "available": [True] * len(ids)}), ITEMS)
        with IndexWriter(workspace, 2, IndexConfig(num_shards=2)) as writer:
            writer.add(items, np.ones((len(ids), 2), np.float32))
            built = writer.close(Provenance("enc", "1", (Signal(name="text", width=2, weight=1.0),), 0))
        assert "; ".join(gate(built, None, GateConfig())) == wanted
