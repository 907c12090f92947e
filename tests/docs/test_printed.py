"""What docs/importing.md shows below its commands is what they print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from tests.docs.pages import ROOT
from tests.docs.printed import LEFT_OUT

WORKSPACE = "workspace-docs"


def shown(page: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Each `$ recsys …` of a page with the lines below it."""
    for block in re.findall(r"^```\n(\$ recsys .*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
        for part in re.split(r"^\$ recsys ", block, flags=re.M)[1:]:
            command, *lines = part.splitlines()
            yield shlex.split(command), lines


def cells(line: str) -> list[str]:
    """A table's line without its frame and widths."""
    return [cell.strip() for cell in line.strip().strip("│").split("│")]


def test_imports_print_what_their_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "200")
    runs = list(shown(ROOT / "docs" / "importing.md"))
    assert len(runs) > 10
    for words, lines in runs:
        place = [str(tmp_path) if word == WORKSPACE else word for word in words]
        printed = [cells(line) for line in CliRunner().invoke(app, place).output.splitlines()]
        rest = iter(printed)
        for line in (one for one in lines if one != LEFT_OUT):
            assert cells(line) in rest, (words, line, printed)
