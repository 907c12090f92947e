from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.bench.record import NAN, Record, read_record, write_record
from jobs.bench.report import cell_text, measured_text, placed, table_lines, targets_table, write_page
from jobs.bench.section import Section, Table, Target
from tests.unit.jobs.bench.parts import section

MACHINE = Table("Machine", ("what", "found"), (("cores", 2),))


def record(outcome: Section | None, name: str = "good", failure: str = "") -> Record:
    return Record(name, outcome, failure, f"recsys bench {name}", "2026-01-02", 12.0, False, 5, MACHINE)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("plain", "plain"),
        (1_234_567, "1,234,567"),
        (1_234_567.0, "1,230,000"),
        (999.7, "1,000"),
        (123.4, "123"),
        (99.97, "100"),
        (12.345, "12.3"),
        (1.0, "1.00"),
        (0.99949, "0.999"),
        (0.000123456, "0.000123"),
        (0.0, "0"),
        (-2.5, "-2.50"),
        (math.nan, "not measured"),
        (math.inf, "inf"),
    ],
)
def test_cells_have_three_significant_digits(cell: str | int | float, text: str) -> None:
    assert cell_text(cell) == text


@pytest.mark.parametrize(
    ("measured", "at_least", "verdict"),
    [
        (10.0, True, "met"),
        (9.99, True, "missed"),
        (10.0, False, "met"),
        (10.01, False, "missed"),
        (math.nan, True, "missed"),
        (math.nan, False, "missed"),
    ],
)
def test_a_target_is_met_or_missed_and_never_met_by_nothing(
    measured: float, at_least: bool, verdict: str
) -> None:
    (row,) = targets_table([Target("speed", 10.0, measured, at_least)]).rows
    assert row[-1] == verdict


def test_a_measured_value_has_the_digits_its_verdict_needs() -> None:
    assert measured_text(Target("recall", 0.995, 0.99496)) == "0.99496"
    assert measured_text(Target("recall", 0.995, 0.9996)) == "0.9996"
    assert measured_text(Target("ms", 1_000.0, 1_000.4, at_least=False)) == "1,000.4"


def test_a_table_escapes_what_would_end_a_cell_and_aligns_numbers() -> None:
    lines = table_lines(Table("T", ("who|what", "n"), (("a|b", 1), ("c\nd", 2))))
    assert lines[2:] == ["| who\\|what | n |", "| --- | ---: |", "| a\\|b | 1 |", "| c d | 2 |"]


def test_only_what_is_between_the_markers_changes() -> None:
    page = "# P\n\nbefore\n\n<!-- bench:good -->\nold\n<!-- /bench:good -->\n\nafter <!-- bench:goods -->\n"
    changed = placed(page, "good", "Good", ["new \\1 line"])
    assert changed == page.replace("old", "new \\1 line")


def test_a_page_without_the_marker_gets_a_section_at_its_end() -> None:
    changed = placed("# P\n\nprose\n", "good", "Good", ["new"])
    assert changed == "# P\n\nprose\n\n## Good\n\n<!-- bench:good -->\nnew\n<!-- /bench:good -->\n"


def test_writing_twice_changes_nothing_and_other_figures_change_only_figures(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text("# P\n\nProse.\n\n## Good\n\n<!-- bench:good -->\n<!-- /bench:good -->\n\nThe end.\n")
    write_page(page, MACHINE, [record(section("good"))])
    plot = page.parent / "performance" / "good-plot.svg"
    first, drawn = page.read_text(), plot.read_bytes()
    write_page(page, MACHINE, [record(section("good"))])
    assert (page.read_text(), plot.read_bytes()) == (first, drawn)
    assert "](performance/good-plot.svg)" in first
    write_page(page, MACHINE, [record(section("good", 0.5))])
    second = page.read_text()
    changed = [
        (old, new) for old, new in zip(first.splitlines(), second.splitlines(), strict=True) if old != new
    ]
    assert changed == [
        ("| a\\|b | 1.50 |", "| a\\|b | 0.500 |"),
        ("| fast | at least 1 | 1.500 | met |", "| fast | at least 1 | 0.5000 | missed |"),
    ]
    assert plot.read_bytes() != drawn


def test_a_failed_part_says_so_and_cannot_close_its_marker(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    failed = record(None, failure="ValueError: <!-- /bench:good --> told us")
    write_page(page, MACHINE, [failed])
    write_page(page, MACHINE, [failed])
    text = page.read_text()
    assert text.count("This part failed") == 1
    assert text.count("<!-- /bench:good -->") == 1


def test_a_quick_record_is_marked(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    write_page(page, MACHINE, [replace(record(section("good")), quick=True)])
    assert "Quick run" in page.read_text()


def test_a_record_comes_back_from_its_file_with_what_is_not_a_number(tmp_path: Path) -> None:
    written = record(replace(section("good"), targets=(Target("fast", 1.0, NAN),), figures={}))
    write_record(written, tmp_path / "good.json")
    found = read_record(tmp_path / "good.json")
    assert found is not None
    assert found.section is not None
    assert math.isnan(found.section.targets[0].measured)
    assert replace(found.section, targets=()) == replace(written.section, targets=())  # type: ignore[type-var]
    assert replace(found, section=None) == replace(written, section=None)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"section": {}, "machine": 3}'])
def test_another_file_is_no_record(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "good.json"
    assert read_record(file) is None
    file.write_bytes(content)
    assert read_record(file) is None
