"""`recsys bench` as it is called, at small sizes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_cli import recsys

pytest.importorskip("lancedb")
pytest.importorskip("usearch")
pytest.importorskip("matplotlib")

pytestmark = pytest.mark.timeout(300)
CONTESTANTS = {
    "NumPy", "torch", "FAISS flat", "FAISS PQ fast scan, refined", "FAISS HNSW", "usearch exact",
    "usearch HNSW", "LanceDB flat", "ours, exact", "ours, compressed",
}  # fmt: skip


def test_the_retrieval_part_quick_from_the_command_to_page_and_json(tmp_path: Path) -> None:
    page, figures = tmp_path / "page.md", tmp_path / "figures.json"
    page.write_text("# Page\n\nProse.\n")
    quick = ("bench", "retrieval", "--quick", "--rounds", "2", "--folder", tmp_path / "scratch")
    printed = recsys(*quick, "--page", page, "--figures", figures)
    assert "LanceDB flat" in printed
    found = json.loads(figures.read_text())["retrieval"]
    assert (found["failure"], found["quick"], found["rounds"]) == ("", True, 2)
    for at_size in found["section"]["figures"].values():
        assert set(at_size["recall"]) == CONTESTANTS
        exact = {name: at_size["recall"][name] for name in CONTESTANTS if "flat" in name or "exact" in name}
        assert set(exact.values()) == {1.0}
        assert min(at_size["recall"].values()) > 0.95
        assert min(at_size["ms"].values()) > 0.0
        assert min(at_size["filtered_recall"].values()) >= 0.99
    text = page.read_text()
    assert text.startswith("# Page\n\nProse.\n")
    assert "Quick run" in text
    assert (tmp_path / "performance" / "retrieval-latency.svg").is_file()


def test_a_part_that_fails_ends_with_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "lance").write_text("in the way of a folder")
    quick = ("bench", "retrieval", "--quick", "--rounds", "1", "--folder", tmp_path / "scratch")
    recsys(*quick, "--figures", tmp_path / "figures.json", code=1)
    assert json.loads((tmp_path / "figures.json").read_text())["retrieval"]["section"] is None


def test_an_unknown_part_is_wrong_use() -> None:
    assert "no such part" in recsys("bench", "speed", code=2)
