"""What a fault case says of itself: figures of a load, what counts as held, the page's tables."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.chaos.cases import CASES
from tests.chaos.figures import between, degraded_s, faults_p99, not_200, read_answers, recovery_s, three_p99
from tests.chaos.load import Answer
from tests.chaos.outcome import Outcome
from tests.chaos.page import BEGIN, END, write_page

LOAD = [
    *(Answer(float(at), 10.0, 200) for at in range(10)),
    Answer(10.0, 300.0, 0, why="ConnectionRefusedError"),
    Answer(11.0, 50.0, 200, ratio=0.75, degraded=("shard_down",)),
    Answer(13.5, 60.0, 200, ratio=0.75, degraded=("timeout",)),
    *(Answer(float(at), 20.0, 200) for at in range(14, 20)),
]


def test_figures_of_a_load_are_those_of_its_spans() -> None:
    assert not_200(LOAD) == 1
    assert degraded_s(LOAD) == 2.5
    assert recovery_s(LOAD, 10.0) == 3.5
    assert recovery_s(LOAD, 14.0) == 0.0
    assert three_p99(LOAD, 10.0, 13.6) == {
        "p99_before_ms": 10.0, "p99_during_ms": pytest.approx(295.2), "p99_after_ms": 20.0,
    }  # fmt: skip
    assert [one.at_s for one in between(LOAD, 9.0, 11.0)] == [9.0, 10.0]


def test_several_faults_are_told_apart_from_what_lies_between_them() -> None:
    twice = [*LOAD, *(Answer(30.0 + at, 40.0, 200) for at in range(3))]
    assert faults_p99(twice, [(10.0, 13.6), (31.0, 32.0)]) == {
        "p99_before_ms": 10.0, "p99_during_ms": pytest.approx(292.8), "p99_after_ms": 40.0,
    }  # fmt: skip


def test_a_log_that_was_cut_off_is_read_up_to_there_in_the_order_of_asking(tmp_path: Path) -> None:
    rows = [json.dumps({"at_s": at, "latency_ms": 1.0, "status": 200}) for at in (2.0, 1.0)]
    (tmp_path / "log").write_text("\n".join([*rows, rows[0][:20]]))
    assert [one.at_s for one in read_answers(tmp_path / "log")] == [1.0, 2.0]


def test_a_case_without_a_promise_has_shown_nothing() -> None:
    nothing, sound, broken = Outcome(), Outcome(), Outcome()
    sound.require_zero(lost=0)
    broken.require_zero(lost=0)
    broken.require("kills", "10", 9, False)
    assert [one.held for one in (nothing, sound, broken)] == [False, True, False]


def test_cases_have_names_of_their_own_and_modules() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(find_spec(f"tests.chaos.{case.module}") for case in CASES)


def test_the_page_keeps_its_text_and_shows_what_failed(tmp_path: Path) -> None:
    page, results = tmp_path / "page.md", tmp_path / "results"
    results.mkdir()
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    lost = {"what": "lost", "wanted": "0", "found": 3, "held": False}
    figures = {"kills": 1_000, "lost": 3, "odd | one": 1}
    row = {"case": "D1", "seed": 1, "quick": False, "seconds": 2.0, "at": "2026-01-02T03:04:05+00:00"}
    row |= {"broke": "", "held": False, "figures": figures, "checks": [lost], "notes": ["a note"]}
    (results / "D1.json").write_text(json.dumps(row))
    write_page(page, results)
    write_page(page, results)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert text.count(BEGIN) == text.count(END) == 1
    assert "old" not in text.split(BEGIN)[1].split("The machine")[0]
    for shown in (
        "0 of 1 cases held",
        "| **failed** |",
        "1,000",
        "odd \\| one 1",
        "a note",
        "| lost | 0 | 3 |",
    ):
        assert shown in text
