"""The gate refuses what is worse or not sane, says why, and lets through what is not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from recsys.blend.settings import FittedBlend
from recsys.config import GateConfig, Metric
from recsys.index.gate import gate, mark_refused, refusal
from recsys.index.manifest import IndexManifest, Signal
from recsys.workspace import Workspace

GOOD = {"discover ndcg@10": 0.10, "parent discover ndcg@10": 0.10, "coverage@10": 0.3}


def manifest(metrics: dict[str, float], items: int = 100, dim: int = 8) -> IndexManifest:
    return IndexManifest(
        index_version="v",
        encoder_version="e",
        text_template_version="1",
        signals=(Signal(name="text", width=8, weight=1.0),),
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
        (GOOD, 49, 8, "less than 50%"),
        (GOOD, 100, 0, "dim"),
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
