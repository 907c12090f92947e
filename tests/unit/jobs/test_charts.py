"""Charts as pages and pictures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.charts import drawing
from jobs.charts.chart import Chart, Kind, Series
from jobs.charts.drawing import draw, require_drawable
from jobs.charts.found import experiment_charts, run_charts, tail_charts, training_charts
from recsys.errors import ConfigError
from recsys.experiments.measure import Measure
from recsys.experiments.result import (
    Comparison,
    ExperimentResults,
    Finding,
    Interval,
    SampleRatio,
    Verdict,
)

BARS = Chart("a <b>", "x", "y", (Series("s", ["one", "<i>"], [1.0, 2.0], [0.5, 1.5], [2.0, 2.0]),), Kind.BARS)
RUNS = [
    {"kind": "fit", "state": "done", "started_at": "2026-03-01T00:00:00", "reasons": ["500 events"]},
    {"kind": "embed", "state": "failed", "started_at": "2026-03-02T00:00:00", "reasons": ["5 texts"]},
]
CURVE = [{"epoch": 0.0, "ndcg@10": 0.1, "auc": 0.5}, {"epoch": 1.0, "ndcg@10": 0.2, "auc": 0.6}]


def some_charts() -> list[Chart]:
    return [BARS, *training_charts(CURVE), *tail_charts({"a": 5, "b": 1}, 4), *run_charts(RUNS)]


def test_a_page_needs_nothing_from_elsewhere_and_data_is_no_markup(tmp_path: Path) -> None:
    page = draw(some_charts(), tmp_path / "deep" / "found.html").read_text()
    assert "<script src" not in page
    assert page.count("Plotly.newPlot(") == len(some_charts())
    assert "<title>a &lt;b&gt;" in page
    assert "<i>" not in page.partition("Plotly.newPlot(")[2]


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_a_picture_is_the_same_for_the_same_figures(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib")
    shown = [BARS, *run_charts(RUNS)]
    first, again = (draw(shown, tmp_path / f"{name}{ending}").read_bytes() for name in "ab")
    assert first == again
    assert first.startswith(b"\x89PNG" if ending == ".png" else b"<?xml")
    assert draw([], tmp_path / f"c{ending}").read_bytes() != first


def test_another_ending_and_an_absent_package_are_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"\.html"):
        require_drawable(tmp_path / "a.pdf")
    monkeypatch.setattr(drawing, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="bench") as refused:
        require_drawable(tmp_path / "a.png")
    assert "[bench]" in refused.value.hint
    assert require_drawable(tmp_path / "a.html")


@given(counts=st.dictionaries(st.text(min_size=1, max_size=5), st.integers(1, 1_000), max_size=400))
def test_the_tail_falls_and_its_share_rises_to_all(counts: dict[str, int]) -> None:
    ranks, shares = tail_charts(counts, len(counts) + 1)
    ys = np.asarray(ranks.series[0].y, np.float64).tolist()
    assert ys == sorted(ys, reverse=True)
    assert len(ys) <= 200
    if counts:
        assert ys[0] == max(counts.values())
        assert ys[-1] == min(counts.values())
        assert shares.series[0].y[-1] == pytest.approx(100.0)
    growing = np.asarray(shares.series[0].y, np.float64).tolist()
    assert growing == sorted(growing)
    assert growing[0] == 0.0


def test_runs_are_told_by_outcome() -> None:
    (chart,) = run_charts(RUNS)
    assert {one.name: list(one.y) for one in chart.series} == {"done": ["fit"], "failed": ["embed"]}
    assert [one.x[0] for one in chart.series] == [datetime(2026, 3, 1), datetime(2026, 3, 2)]  # in time
    assert run_charts([])[0].series == ()


def test_a_lift_without_a_bound_has_no_bar_on_that_side() -> None:
    one = Comparison(
        arm="B", measure=Measure.CLICK_THROUGH, value=0.12, control_value=0.1, enough=True, lift=0.2,
        lift_interval=Interval(low=0.1, high=0.3), sequential_interval=Interval(low=0.05, high=None),
    )  # fmt: skip
    found = ExperimentResults(
        experiment_id="e", at_us=0, control="A", primary=Measure.CLICK_THROUGH, stopping="planned",
        confidence=0.95, looks=1, moved_units=0, arms=(), others=(), guardrails=(), comparisons=(one,),
        sample_ratio=SampleRatio(expected=(), p_value=None, broken=False),
        verdict=Verdict(finding=Finding.BETTER, words="B is better", why="it is"),
    )  # fmt: skip
    once, daily = experiment_charts(found)[0].series
    assert np.allclose(once.reach() or (), [[10.0], [10.0]])
    assert np.allclose(daily.reach() or (), [[15.0], [0.0]])
