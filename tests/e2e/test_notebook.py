"""The notebook runs from its first cell to its last, with the outputs that lie in it."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

import pytest

from tests.notebook import code_cells, execute, read

BOOK = Path(__file__).resolve().parents[2] / "docs" / "notebooks" / "first-shop.ipynb"
MOST_BYTES = 40_000


def test_the_first_shop_runs_and_shows_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stored = read(BOOK)
    fresh = copy.deepcopy(stored)
    execute(fresh)
    for before, after in zip(code_cells(stored), code_cells(fresh), strict=True):
        kinds = [[one["output_type"] for one in cell["outputs"]] for cell in (before, after)]
        assert kinds[0] == kinds[1], "".join(before["source"])
    assert BOOK.stat().st_size < MOST_BYTES
