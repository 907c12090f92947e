"""A page walked as a reader would: its files written, its blocks run in order, what they print kept."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT, Block, blocks

ADDRESS = re.compile(r"(?:http://)?(?:127\.0\.0\.1|localhost):8000")
"""The service as pages name it."""
MOST_LINES = 40
EVERY = range(10**6)
RUN = {"sh": ["bash", "-eo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
_KEEP = "declare -p | grep -v '^declare -[a-zA-Z]*r' > \"$WALK_STATE\""
"""Variables that a block has set are there in the next one."""


@dataclass(frozen=True)
class Step:
    """A block that ran: what it printed, and the block below it that shows this, where there is one."""

    block: Block
    said: str
    shown: Block | None


class Walk:
    """A reader's folder, and the service that the pages speak of."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.environment = _surroundings(folder, url)
        (folder / "docs").symlink_to(ROOT / "docs")

    def steps(self, page: Path, lines: range = EVERY) -> Iterator[Step]:
        """Run the page's blocks one after the other; raises `RuntimeError` for the first that fails."""
        (self.folder / ".state").unlink(missing_ok=True)
        every = list(blocks(page))
        for block, after in zip(every, [*every[1:], None], strict=True):
            if block.line not in lines:
                continue
            if block.is_file:
                (self.folder / str(block.title)).write_text(block.code, encoding="utf-8")
            elif block.language in RUN and block.reason is None:
                shown = after if after is not None and after.shows(block) else None
                yield Step(block, self.run(block), shown)

    def run(self, block: Block) -> str:
        """What one block prints on its standard output."""
        done = subprocess.run(
            [*RUN[block.language], self._code(block)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            ends = f"{block.place}: a block ended with {done.returncode}"
            raise RuntimeError(f"{ends}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def _code(self, block: Block) -> str:
        if block.language != "sh":
            return ADDRESS.sub(self.url, block.code)
        return f'[ ! -e "$WALK_STATE" ] || . "$WALK_STATE"\n{ADDRESS.sub(self.url, block.code)}\n{_KEEP}'


def _surroundings(folder: Path, url: str) -> dict[str, str]:
    """Variables of a reader's shell; nothing of a shop that whoever runs this has."""
    workspace = str(folder / "workspace")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        "TERM": "dumb",
        "URL": url,
        "RECSYS_PORT": url.rpartition(":")[2],
        "RECSYS_WORKSPACE": workspace,
        "WORKSPACE": workspace,
        "WALK_STATE": str(folder / ".state"),
        "AWS_ACCESS_KEY_ID": "any",  # the SDK sends nothing without them
        "AWS_SECRET_ACCESS_KEY": "any",
    }


def written(page: Path, steps: Iterable[Step], folder: Path) -> str:
    """The page with what its blocks printed below them."""
    text = page.read_text(encoding="utf-8")
    for step in steps:
        old = f"```{step.block.language}\n{step.block.code}```\n"
        if step.shown is not None:
            below = f"```{step.shown.language}\n{step.shown.code}```\n"
            text = text.replace(f"{old}\n{below}", old, 1).replace(f"{old}{below}", old, 1)
        own = step.said.replace(str(folder), "/srv/shop").replace(socket.gethostname(), "shop-1")
        said = [line.rstrip() for line in own.splitlines()]
        if said:
            lines = "\n".join([*said[:MOST_LINES], *(["..."] if len(said) > MOST_LINES else [])])
            text = text.replace(old, f"{old}\n```text\n{lines}\n```\n", 1)
    return text
