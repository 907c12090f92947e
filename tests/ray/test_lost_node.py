"""A cluster of three nodes that loses one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve.conftest import make_small_shop


@pytest.mark.timeout(300)
def test_copies_lie_apart_and_a_lost_node_costs_no_part_of_the_index(tmp_path: Path, tiny_bert: Path) -> None:
    shop = make_small_shop(tmp_path, tiny_bert, None)
    command = [sys.executable, "-m", "tests.ray.lost_node_process", str(shop.workspace.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert max(max(row) for row in found["copies"].values()) == 1, "two copies on one machine"
    assert [sum(column) for column in zip(*found["copies"].values(), strict=True)] == [2, 2]
    assert sum(found["copies"][found["killed"]]) >= 1
    assert found["searches"] >= 60
    assert (found["whole"], found["wrong"]) == (found["searches"], 0)
