"""The page about Python does what it says: its blocks run against a service, in order."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from tests.serve.conftest import RunningShop

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.S)


def test_every_block_of_the_page_runs(running_shop: RunningShop) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    root, room = running_shop.small.workspace.root, dict[str, Any]()
    for number, (code, shown) in enumerate(blocks):
        here = code.replace('"http://127.0.0.1:8000"', f'"{running_shop.url}", api_key="{running_shop.key}"')
        here = here.replace('from_workspace("workspace")', f"from_workspace({str(root)!r})")
        with redirect_stdout(StringIO()) as said:
            exec(compile(here, f"block {number}", "exec"), room)
        assert bool(said.getvalue()) == bool(shown), code
    assert len(blocks) == 9
