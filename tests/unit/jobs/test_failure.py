"""What the command line says of errors, in one place, and the codes it ends with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import cli
from jobs.failure import failure_of
from jobs.next_step import Holdings, next_step
from recsys import errors
from recsys.config import EmbedConfig, TrainConfig

KINDS = (kind for kind in vars(errors).values() if isinstance(kind, type))
TREE = [kind for kind in KINDS if issubclass(kind, errors.RecsysError)]


def ended(monkeypatch: pytest.MonkeyPatch, raised: Callable[[], object]) -> int:
    """The exit code of a command line whose command raises."""
    monkeypatch.setattr(cli, "app", raised)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert isinstance(end.value.code, int)
    return end.value.code


def raiser(error: BaseException) -> Callable[[], object]:
    def run() -> object:
        raise error

    return run


@pytest.mark.parametrize("kind", TREE)
def test_every_error_of_the_tree_is_a_line_a_hint_and_a_code(
    kind: type[errors.RecsysError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ended(monkeypatch, raiser(kind("it broke", found="[/red] and [bold]", hint="recsys doctor")))
    told = capsys.readouterr().err
    assert code == (2 if issubclass(kind, errors.InputError | errors.ConfigError) else 3)
    assert "it broke; found [/red] and [bold]" in told  # data is no markup
    assert told.splitlines()[-1] == "next: recsys doctor"
    assert "Traceback" not in told


def test_a_kind_has_a_hint_of_its_own_and_an_error_a_better_one() -> None:
    assert errors.IndexMissingError("none").hint == errors.IndexMissingError.HINT
    assert errors.IndexMissingError("none", hint="recsys embed").hint == "recsys embed"
    assert "recsys embed" not in str(errors.IndexMissingError("none", hint="recsys embed"))


@given(parts=st.lists(st.text(max_size=20), min_size=5, max_size=5))
def test_a_hint_crosses_processes(parts: list[str]) -> None:
    what, expected, found, where, hint = parts
    error = errors.GateError(what, expected=expected, found=found, where=where, hint=hint)
    rebuild, kept = error.__reduce__()
    again = rebuild(*kept)
    assert (str(again), again.hint, type(again)) == (str(error), error.hint, errors.GateError)


def test_a_refused_setting_and_a_closed_path_have_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert ended(monkeypatch, lambda: EmbedConfig(num_actors=0)) == 2
    assert "num_actors" in capsys.readouterr().err
    private = {"dp_epsilon": 4.0, "objective": "contrastive"}
    assert ended(monkeypatch, lambda: TrainConfig.model_validate(private)) == 2
    told = capsys.readouterr().err.replace("\n", " ")
    assert told.startswith("refused: a private training needs objective classifier")
    assert "Value error" not in told
    assert "found" not in told
    assert ended(monkeypatch, lambda: (tmp_path / "absent").read_text()) == 3
    told = capsys.readouterr().err
    assert "absent" in told.replace("\n", "")
    assert "next:" in told


def test_ctrl_c_is_130_and_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, raiser(KeyboardInterrupt())) == 130
    assert failure_of(ZeroDivisionError()) is None
    monkeypatch.setattr(cli, "app", raiser(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_each_step_leads_to_the_next() -> None:
    place = Path("workspace")
    road = [
        Holdings(),
        Holdings(items=5),
        Holdings(items=5, published="v1"),
        Holdings(items=5, events=9, published="v1"),
        Holdings(items=5, events=9, published="v2", fitted=True),
    ]
    names = [next_step(found, place).split("  #")[0] for found in road]
    assert names == [
        "recsys import items catalog.csv",
        "recsys embed",
        "recsys import events events.jsonl",
        "recsys fit",
        "recsys serve",
    ]
    assert "-w other" in next_step(Holdings(), Path("other"))
    damaged = Holdings(items=5, events=9, published="v1", fitted=True, damaged=True)
    assert next_step(damaged, place).startswith("recsys rollback")
