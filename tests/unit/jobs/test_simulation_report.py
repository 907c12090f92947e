"""The report of a simulation from a log made by hand: stretches of versions, rollbacks, a cut-off line."""

from __future__ import annotations

from pathlib import Path

from jobs.simulation.report import draw, report
from jobs.simulation.visit_log import Visit, VisitLog, read_visits


def visit(number: int, version: str, status: int = 200, expected: float = 0.1) -> Visit:
    """One visit a second."""
    return Visit(
        number,
        float(number),
        f"u{number % 3}",
        status,
        5.0,
        version,
        f"r{number}",
        ("a",),
        (),
        "",
        1,
        0,
        0.5,
        expected,
        0.8,
    )


def test_versions_in_order_with_swaps_and_rollbacks() -> None:
    versions = ["v1"] * 5 + ["v2"] + ["v1"] + ["v2"] * 5 + ["v3"] * 4 + ["v2"] * 4 + ["v4"] * 4
    visits = [visit(number, name, expected=0.1 * int(name[1])) for number, name in enumerate(versions)]
    found = report(reversed(visits), 0, 10, 1)
    assert [one.index_version for one in found.versions] == ["v1", "v2", "v3", "v2", "v4"]
    assert (found.swaps, found.rollbacks, found.visits) == (4, 1, len(versions))
    assert [one.visits for one in found.versions] == [6, 6, 4, 4, 4]
    assert round(found.first_conversion, 6) == 0.1
    assert found.best_conversion == 0.0  # no stretch has a hundred visits
    assert (round(found.first_share, 6), round(found.last_share, 6)) == (0.125, 0.5)
    assert (found.checked, found.mixed) == (10, 1)
    low, high = found.versions[0].interval
    assert low - 1e-9 <= found.versions[0].expected_conversion <= high + 1e-9


def test_failed_visits_count_and_say_nothing_about_versions() -> None:
    visits = [visit(0, "v1"), visit(1, "", 503), visit(2, "v1")]
    found = report(visits, 1, 0, 0)
    assert (found.failed, found.swaps, found.versions[0].visits) == (1, 0, 2)
    assert report([], 0, 0, 0).versions == ()


def test_a_log_is_read_up_to_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "visits.jsonl"
    visits = [visit(number, "v1") for number in range(4)]
    with VisitLog(path) as log:
        for one in visits[:2]:
            log.add(one)
    with VisitLog(path) as log:
        for one in visits[2:]:
            log.add(one)
    path.write_bytes(path.read_bytes()[:-20])
    assert list(read_visits(path)) == visits[:3]
    assert list(read_visits(tmp_path / "absent")) == []


def test_conversion_is_drawn_as_a_page(tmp_path: Path) -> None:
    found = report([visit(number, "v1") for number in range(9)], 0, 0, 0)
    assert "plotly" in draw(found, tmp_path / "plots" / "c.html").read_text()
