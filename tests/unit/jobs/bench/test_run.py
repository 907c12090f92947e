from __future__ import annotations

import time
from pathlib import Path

import pytest

from jobs.bench import run as run_module
from jobs.bench.machine import machine
from jobs.bench.part import run_part
from jobs.bench.run import PARTS, Bench
from jobs.bench.section import BenchSettings
from recsys.errors import ConfigError

HERE = "tests.unit.jobs.bench"
MODULES = {name: f"{HERE}.part_{name}" for name in ("bad", "good", "dead")}


def bench(folder: Path, **given: object) -> Bench:
    settings = BenchSettings(
        folder, quick=bool(given.pop("quick", False)), rounds=int(str(given.pop("rounds", 5)))
    )
    return Bench((), settings, modules=MODULES, **given)  # type: ignore[arg-type]


def runs(folder: Path, name: str) -> int:
    return int((folder / f"{name}.runs").read_text())


def test_a_failed_part_keeps_no_other_from_running_and_the_page_says_so(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    bad, good, dead = bench(tmp_path / "scratch", page=page).run()
    assert bad.failure == "ValueError: no | such --> thing"
    assert good.section is not None
    assert "exit code 9" in dead.failure
    text = page.read_text()
    assert text.count("This part failed") == 2
    assert "| a\\|b | 1.00 |" in text
    assert "what a library prints" in (tmp_path / "scratch" / "good.log").read_text()
    assert "ValueError" in (tmp_path / "scratch" / "bad.log").read_text()


def test_a_resumed_run_measures_only_what_failed_or_was_measured_otherwise(tmp_path: Path) -> None:
    bench(tmp_path).run()
    bench(tmp_path, resume=True).run()
    assert (runs(tmp_path, "good"), runs(tmp_path, "bad")) == (1, 2)
    bench(tmp_path, resume=True, rounds=7).run()
    assert runs(tmp_path, "good") == 2
    bench(tmp_path, resume=True, rounds=7, quick=True).run()
    assert runs(tmp_path, "good") == 3
    bench(tmp_path, rounds=7, quick=True).run()
    assert runs(tmp_path, "good") == 4


def test_what_a_part_says_is_heard_with_its_name(tmp_path: Path) -> None:
    heard: list[str] = []
    settings = BenchSettings(tmp_path, say=heard.append)
    Bench(["good"], settings, modules=MODULES).run()
    assert "good (1 of 1): working" in heard


def test_a_silent_part_is_ended_with_what_it_started(tmp_path: Path) -> None:
    found = run_part("silent", f"{HERE}.part_silent", BenchSettings(tmp_path), silence_s=15.0)
    assert found == "it said nothing for 15 s"
    process = Path(f"/proc/{(tmp_path / 'left.pid').read_text()}/stat")
    deadline = time.monotonic() + 20
    while process.exists() and process.read_text().split(")")[1].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_unknown_part_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected embedding, reembedding, retrieval, http, events, growth"):
        Bench(["speed"], BenchSettings(tmp_path)).run()


def test_an_absent_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "EXTRA", ("numpy", "no_such_library"))
    with pytest.raises(ConfigError, match=r"recsys-on-ray\[bench\].*found no no_such_library"):
        bench(tmp_path).run()


def test_every_part_has_a_module_and_a_place_in_the_page() -> None:
    root = Path(__file__).resolve().parents[4]
    page = (root / "docs" / "performance.md").read_text()
    for name in ["machine", *PARTS]:
        assert page.count(f"<!-- bench:{name} -->") == page.count(f"<!-- /bench:{name} -->") == 1
    places = [page.index(f"<!-- bench:{name} -->") for name in ["machine", *PARTS]]
    assert places == sorted(places)


def test_the_machine_is_the_same_twice_and_knows_its_libraries() -> None:
    found = machine()
    assert found == machine()
    names = [row[0] for row in found.rows]
    assert {"processor", "cores", "memory", "Python", "numpy", "faiss-cpu"} <= set(names)
    assert all(row[1] for row in found.rows)
