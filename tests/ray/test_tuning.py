"""Ray Tune: a search begins with today's settings, stops the weak, fails alone, and goes on after a cut."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cluster.tuning import Search, run_search
from recsys.errors import ConfigError, InputError, SignatureError
from recsys.tuning.space import Between, OneOf, Space

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("ray_cluster"),
    # Ray Tune leaves the file of a trial's figures open where a search is cut.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SPACE: Space = {"x": Between(0.0, 1.0), "kind": OneOf(("a", "b"))}


def search_in(folder: Path, num_trials: int, **more: Any) -> Search:
    today = {"x": 0.5, "kind": "b", "other": 1}
    given = {"space": SPACE, "today": today, "folder": folder / "trials", "num_trials": num_trials}
    return Search(**{**given, "minutes": None, "seed": 0, **more})


def hill(shared: Path, params: dict[str, Any], report: Any) -> None:
    """Best at x 0.2 and kind a; each start leaves a line."""
    with (shared / "starts").open("a", encoding="utf-8") as starts:
        starts.write(f"{params['x']:.9f}\n")
    if params["kind"] == "b" and params["x"] != 0.5:
        raise InputError("kind b is out of order")
    for epoch in range(4):
        report({"ndcg@10": 1.0 - abs(params["x"] - 0.2) - 0.5 * (params["kind"] == "b"), "epoch": epoch})


class CutError(RuntimeError):
    """The command is killed."""


def test_a_search_tries_today_first_and_finds_better_and_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def cut(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 1:
            time.sleep(1.5)  # longer than a kill can cost: this trial is kept
        if done == 2:
            raise CutError

    search = search_in(tmp_path, 5, max_epochs=3)
    with pytest.raises(Exception, match="CutError"):
        run_search(search, hill, tmp_path, resume=False, on_trial=cut)
    with pytest.raises(ConfigError, match="was begun"):
        run_search(search, hill, tmp_path, resume=False)
    trials = run_search(search, hill, tmp_path, resume=True, on_trial=lambda *told: seen.append(told))
    assert [trial.number for trial in trials] == list(range(5))
    assert trials[0].params == {"x": 0.5, "kind": "b"}
    assert trials[0].value == pytest.approx(0.2)
    assert max(trial.value or 0.0 for trial in trials) > 0.2
    failed = [trial for trial in trials if trial.value is None]
    assert all(trial.params["kind"] == "b" and "out of order" in trial.error for trial in failed)
    assert seen[-1] == (5, 5)
    starts = (tmp_path / "starts").read_text(encoding="utf-8").split()
    assert starts.count("0.500000000") == 1  # what had ended was not tried again
    again = run_search(search, hill, tmp_path, resume=True)
    assert [trial.value for trial in again] == [trial.value for trial in trials]
    whole = [(had, has) for had, has in zip(trials, again, strict=True) if had.value is not None]
    assert all(had == has for had, has in whole)  # of a failed one Ray Tune keeps the error alone
    assert (tmp_path / "starts").read_text(encoding="utf-8").split() == starts


def test_nothing_to_resume_and_nothing_that_works_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no search to resume"):
        run_search(search_in(tmp_path, 2), hill, tmp_path, resume=True)
    with pytest.raises((InputError, ConfigError), match="nothing works"):
        run_search(search_in(tmp_path, 1), broken, tmp_path, resume=False)


def test_where_keys_are_trusted_no_pickle_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.tuning.trusted_keys", lambda: ["a key"])
    with pytest.raises(SignatureError, match="no search is resumed"):
        run_search(search_in(tmp_path, 1), hill, tmp_path, resume=True)


def broken(shared: Path, params: dict[str, Any], report: Any) -> None:
    raise InputError("nothing works")
