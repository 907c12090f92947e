"""What the pages tell readers to type exists: commands, options, calls, bodies, modules, targets, imports."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from scripts.site.description import description
from tests.docs import command_line, http_call
from tests.docs.pages import PAGES, ROOT, SHELL, blocks, inline_code
from tests.docs.shell import commands

OURS = ("recsys", "cluster", "serve_app", "jobs", "tests")
MENTION = re.compile(r"^Missing |requires an argument")
"""An inline `recsys restore` names a command; it need not be one that could be given as it stands."""
MAKE_TARGETS = frozenset(
    re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
)


def typed(program: str) -> Iterator[tuple[str, list[str]]]:
    """Every use of a program in the shell blocks of all pages: where, and its words."""
    for page in PAGES:
        for block in blocks(page, *SHELL):
            for words in commands(block.code):
                if words[0] == program:
                    yield block.place, words[1:]


def mentioned(program: str) -> Iterator[tuple[str, list[str]]]:
    """Every use of a program between backticks."""
    for page in PAGES:
        for line, code in inline_code(page):
            if code.startswith(f"{program} "):
                words = re.sub(r"[\[\]]", "", code.replace("'", '"') if code.count("'") % 2 else code)
                yield from ((f"{page.name}:{line}", one[1:]) for one in commands(words) if one[0] == program)


@pytest.fixture
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the pages' blocks put into the environment is there for the commands after them."""
    for page in PAGES:
        for block in blocks(page, *SHELL):
            for name, value in re.findall(r"export (RECSYS_\w+)=(\S+)", block.code):
                monkeypatch.setenv(name, value.strip("'\""))


@pytest.mark.usefixtures("_variables")
def test_every_recsys_command_on_a_page_parses() -> None:
    found = [(place, words) for place, words in typed("recsys")]
    wrong = [f"{place}: {fault}" for place, words in found for fault in command_line.faults(words)]
    wrong += [
        f"{place}: {fault}"
        for place, words in mentioned("recsys")
        for fault in command_line.faults(words)
        if not MENTION.search(fault)
    ]
    assert not wrong
    assert len(found) > 50


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("recsys embd", "has no command 'embd'"),
        ("recsys loop stat", "has no command 'stat'"),
        ("recsys embed --shard-count 2", "No such option"),
        ("recsys embed --shards two", "Invalid value"),
        ("recsys restore", "Missing argument"),
        ("recsys status now", "unexpected extra argument"),
        ("recsys serve --placement everywhere", "Invalid value"),
    ],
)
def test_a_command_that_is_not_there_is_found(line: str, fault: str) -> None:
    (words,) = commands(line)
    assert fault in " ".join(command_line.faults(words[1:]))


def test_every_call_on_a_page_fits_the_api() -> None:
    wrong, seen = [], 0
    for place, words in typed("curl"):
        call = http_call.call_of(words)
        if isinstance(call, str):
            wrong.append(f"{place}: {call}")
        elif call is not None:
            seen += 1
            wrong += [f"{place}: {fault}" for fault in http_call.faults(call, description())]
    assert not wrong
    assert seen > 20


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("curl -s $URL/v1/recomend -d '{}'", "it is not there"),
        ("curl -X DELETE $URL/v1/recommend", "the path has POST"),
        ("curl $URL/v1/recommend -d '{\"users\": 1}'", "Additional properties"),
        ('curl localhost:8000/v1/recommend -d \'{"n": "7"}\'', "is not valid"),
        ("curl $URL/v1/recommend -d '{'", "no JSON"),
        ('curl "$URL/v1/audit?limits=3"', "no query parameter"),
    ],
)
def test_a_call_that_is_not_there_is_found(line: str, fault: str) -> None:
    (words,) = commands(line)
    call = http_call.call_of(words[1:])
    assert isinstance(call, http_call.Call)
    assert fault in " ".join(http_call.faults(call, description()))


def test_every_path_in_a_sentence_is_a_path_of_the_api() -> None:
    wrong = [
        f"{page.name}:{line}: {path}"
        for page in PAGES
        for line, code in inline_code(page)
        for path in re.findall(r"/v1/[\w:{}/-]+", code)
        if not http_call.is_route(re.sub(r"\{[^}]*\}", "x", path).rstrip("/"), description())
    ]
    assert not wrong


def test_modules_targets_and_scripts_on_a_page_exist() -> None:
    wrong = []
    for program in ("python", "python3", "make", "sh", "bash"):
        for place, words in [*typed(program), *mentioned(program)]:
            wrong += [f"{place}: {fault}" for fault in absent(program, words)]
    assert not wrong


def absent(program: str, words: list[str]) -> Iterator[str]:
    """What a line names that this repository does not have."""
    if program == "make":
        names = [word for word in words if "=" not in word and not word.startswith("-")]
        yield from (f"make has no target {name}" for name in names if name not in MAKE_TARGETS)
    elif words[:1] == ["-m"] and words[1].split(".")[0] in OURS:
        if importlib.util.find_spec(words[1]) is None:
            yield f"there is no module {words[1]}"
        elif words[1].startswith("tests."):
            known = flags_of(words[1])
            yield from (
                f"{words[1]} has no {word}" for word in words if word[:2] == "--" and word not in known
            )
    elif words and words[0].startswith("scripts/") and not (ROOT / words[0]).is_file():
        yield f"there is no {words[0]}"


@cache
def flags_of(module: str) -> frozenset[str]:
    """Options that a module or what it imports from beside it names."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return frozenset()
    if spec.submodule_search_locations is not None:
        return flags_of(f"{module}.__main__")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    own = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    beside = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return frozenset(one for one in own if isinstance(one, str) and one[:2] == "--").union(
        *(flags_of(name) for name in beside if name.startswith("tests.") and name != module)
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("make everything", ["make has no target everything"]),
        ("make bench RESUME=1", []),
        ("python -m tests.benchmarks.no_such", ["there is no module tests.benchmarks.no_such"]),
        ("python -m tests.benchmarks.films --frams 3", ["tests.benchmarks.films has no --frams"]),
        ("python -m tests.chaos --only X9", []),
        ("python scripts/none.py", ["there is no scripts/none.py"]),
    ],
)
def test_a_module_target_or_script_that_is_not_there_is_found(line: str, found: list[str]) -> None:
    (words,) = commands(line)
    assert list(absent(words[0], words[1:])) == found


def test_python_on_a_page_is_python_and_imports_what_there_is() -> None:
    wrong = []
    for page in PAGES:
        for block in blocks(page, "python", "py"):
            for node in ast.walk(ast.parse(block.code, block.place)):
                wrong += [f"{block.place}: {name}" for name in not_importable(node)]
    assert not wrong


def not_importable(node: ast.AST) -> Iterator[str]:
    """Names that an import of ours asks for and does not get."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
        module = importlib.import_module(node.module or "")
        yield from (f"{node.module}.{one.name}" for one in node.names if not hasattr(module, one.name))


def test_a_shell_block_is_read_as_the_shell_reads_it() -> None:
    code = """\
# a comment with an apostrophe: don't
FOO=1 recsys embed --json | python -c 'import sys
print("; not a command")' 2>/dev/null  # and don't here
for user in a b; do curl -s "$URL/x?a=1&b=2" > out.txt; done
recsys status \\
  --json && echo done
"""
    assert list(commands(code)) == [
        ["recsys", "embed", "--json"],
        ["python", "-c", 'import sys\nprint("; not a command")'],
        ["for", "user", "in", "a", "b"],
        ["curl", "-s", "$URL/x?a=1&b=2"],
        ["done"],
        ["recsys", "status", "--json"],
        ["echo", "done"],
    ]


def test_a_block_that_is_not_run_says_why(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not run here: needs a cluster -->\n\n```sh\nray up\n```\n\n```text\nhi\n```\n")
    assert [(one.language, one.reason) for one in blocks(page)] == [("sh", "needs a cluster"), ("text", None)]


def test_pages_name_only_files_of_the_repository_that_exist() -> None:
    missing = [
        f"{block.place}: {word}"
        for page in PAGES
        for block in blocks(page, *SHELL)
        for words in commands(block.code)
        for word in words
        if word.startswith(("deploy/", "scripts/", "tests/")) and not (ROOT / word.split("::")[0]).exists()
    ]
    assert not missing
