"""Runs a notebook's cells in this process and puts what they show into it.

    python -m tests.notebook docs/notebooks/first-shop.ipynb

No kernel is started: cells are plain Python, and a kernel would bring five packages and seconds of start.
"""

from __future__ import annotations

import ast
import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def read(path: Path) -> dict[str, Any]:
    """The notebook as JSON."""
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return book


def write(path: Path, book: dict[str, Any]) -> None:
    """The notebook as Jupyter writes it."""
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def code_cells(book: dict[str, Any]) -> list[Cell]:
    """Its cells of code, in order."""
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def execute(book: dict[str, Any]) -> dict[str, Any]:
    """Run all cells in one namespace, in order; the namespace. Raises what a cell raises."""
    room: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(book), 1):
        cell["execution_count"] = number
        cell["outputs"] = _run("".join(cell["source"]), f"<cell {number}>", number, room)
    return room


def _run(source: str, name: str, number: int, room: dict[str, Any]) -> list[Cell]:
    """What a cell prints, and what its last expression is."""
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    said, shown = io.StringIO(), None
    with redirect_stdout(said), redirect_stderr(io.StringIO()):
        exec(compile(tree, name, "exec"), room)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), name, "eval"), room)
    outputs: list[Cell] = []
    if text := said.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)})
    if shown is not None:
        data = {"text/plain": repr(shown).splitlines(keepends=True)}
        outputs.append(
            {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": data}
        )
    return outputs


if __name__ == "__main__":
    for given in map(Path, sys.argv[1:]):
        found = read(given)
        execute(found)
        write(given, found)
