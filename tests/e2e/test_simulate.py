"""The whole loop on a small shop: cold start, shoppers, a fit by itself, swaps, nothing failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.simulation.live import LivePlan, run_live
from jobs.simulation.traffic import TrafficConfig

pytestmark = pytest.mark.timeout(300)


def test_a_shop_learns_from_its_shoppers_while_they_shop(tmp_path: Path) -> None:
    said: list[str] = []
    traffic = TrafficConfig(requests=2_400, rate=20.0)  # as many as a busy machine may need
    plan = LivePlan(traffic, 120, 40, versions=12, rollbacks=1, trials=2, back_s=1.0, enough=2)
    found = run_live(tmp_path / "shop", plan, said.append)
    assert (found.failed, found.mixed) == (0, 0)
    assert found.checked > 10
    assert found.swaps >= 1, said
    assert (tmp_path / "shop" / "simulation" / "report.json").is_file()
