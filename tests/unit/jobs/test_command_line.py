"""Every command of the road: its help, its examples, its options; what is imported, and when."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from jobs import cli
from jobs.examples import split_examples
from jobs.road import ROAD
from jobs.road_group import EXAMPLES, RoadGroup
from recsys.errors import ConfigError

FOR_EVER = {("demo",), ("serve",), ("loop", "start"), ("artifacts", "follow")}
A_WORD = {("pseudonym",)}
HEAVY = {"faiss", "lightgbm", "matplotlib", "plotly", "ray", "sklearn", "torch", "transformers"}


def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Commands that do something, below a command or group."""
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from leaves(inner, (*path, name))


@cache
def every_command() -> dict[tuple[str, ...], Any]:
    return dict(leaves(root(), ()))


def root() -> RoadGroup:
    group = typer.main.get_group(cli.app)
    assert isinstance(group, RoadGroup)
    return group


def parse(arguments: list[str]) -> Any:
    """The context of a command line, read as far as a call of its command, in the working folder."""
    command: Any = root()
    context = command.make_context("recsys", list(arguments))
    while isinstance(command, TyperGroup):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    return context


def parse_with_files(arguments: list[str]) -> Any:
    """The same, where files and folders that the line reads are made when they are asked for."""
    for _ in range(5):
        try:
            return parse(arguments)
        except Exception as error:
            absent = re.search("'(.+)' does not exist", str(error))
            if absent is None:
                raise
            path = Path.cwd() / absent[1]
            assert path.is_relative_to(Path.cwd())
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch() if path.suffix else path.mkdir()
    raise AssertionError(arguments)


def test_all_commands_are_on_the_road() -> None:
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*_commands.py")}
    assert modules == {stop.module for stop in ROAD}
    assert len({stop.name for stop in ROAD}) == len(ROAD)
    for module in modules:
        own = typer.Typer()
        __import__(f"jobs.{module}", fromlist=["register"]).register(own)
        names = {info.name for info in own.registered_groups} | {
            info.name or typer.main.get_command_name(info.callback.__name__)
            for info in own.registered_commands
            if info.callback
        }
        assert names == {stop.name for stop in ROAD if stop.module == module}


def test_every_command_prints_its_help_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for path, command in every_command().items():
        command.get_help(typer.Context(command, info_name=" ".join(path)))
        shown = capsys.readouterr().out
        assert "Usage:" in shown, path
        assert shown.index("Options") < shown.index("Examples"), path
        assert "$ recsys" in shown, path
        assert "Example:" not in shown, path
    group = CliRunner().invoke(cli.app, ["keys", "--help"])
    assert "$ recsys keys list" in group.stdout


def test_every_option_says_what_it_is_for_and_scripts_get_json() -> None:
    for path, command in every_command().items():
        silent = [param.name for param in command.params if not param.help]
        assert not silent, (path, silent)
        if path not in FOR_EVER | A_WORD:
            assert any("--json" in param.opts for param in command.params), path


def test_every_example_is_a_call_of_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path, command in every_command().items():
        assert command.examples, path
        for example in command.examples:
            program, *arguments = shlex.split(example, comments=True)
            assert program == "recsys", example
            assert called(parse_with_files(arguments)) == path, example
    for example in EXAMPLES:
        assert called(parse_with_files(shlex.split(example, comments=True)[1:]))


def called(context: Any) -> tuple[str, ...]:
    """The path of the command of a context."""
    return () if context.parent is None else (*called(context.parent), context.info_name)


WRONG = ("embed --no-such", "embed --cpus lots", "publish a b", "embd", "keys create")


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_example_would_be_found(wrong: str) -> None:
    with pytest.raises(Exception, match=r"No such|valid number|unexpected|Missing"):
        parse(wrong.split())


def test_examples_leave_the_text() -> None:
    text = "What.\n\nMore.\n\nExample: recsys a\nExample: recsys b  # why"
    assert split_examples(text) == ("What.\n\nMore.", ("recsys a", "recsys b  # why"))
    assert split_examples("") == ("", ())


def imported(code: str) -> set[str]:
    """Names of top-level modules after some code in a process of its own."""
    told = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_the_list_of_commands_and_a_first_look_import_nothing_heavy(tmp_path: Path) -> None:
    calls = (
        "import contextlib, os\nfrom jobs.cli import main\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "for line in (['--help'], []):\n"
        "    sys.argv = ['recsys', *line]\n"
        "    with contextlib.suppress(SystemExit):\n        main()"
    )
    found = imported(calls)
    assert sorted(found & (HEAVY | {"numpy", "pyarrow", "scipy", "sqlalchemy"})) == []
    assert not list(tmp_path.iterdir())  # to look changes nothing


def test_options_of_no_command_import_anything_heavy() -> None:
    code = "from jobs.road import ROAD\nfrom jobs.road_group import load\nlist(map(load, ROAD))"
    assert sorted(imported(code) & HEAVY) == []


def test_a_fresh_folder_is_told_its_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(cli.app, [])
    assert shown.exit_code == 0
    assert "next: recsys import items" in shown.stdout.splitlines()[-1]


def test_a_mistyped_name_is_met_with_the_right_one() -> None:
    runner = CliRunner()
    assert "Did you mean 'embed'" in runner.invoke(cli.app, ["embd"]).output
    assert "--workspace" in runner.invoke(cli.app, ["status", "--worksapce", "x"], terminal_width=200).output
    assert "'create'" in runner.invoke(cli.app, ["keys", "craete"]).output


def test_ids_of_people_do_not_go_into_a_list_of_jobs() -> None:
    refused = CliRunner().invoke(cli.app, ["--submit", "http://127.0.0.1:1", "erase", "somebody"])
    assert isinstance(refused.exception, ConfigError)
    assert set(cli.PERSONAL) <= {stop.name for stop in ROAD}
