"""Every block of the pages runs as it stands, and prints what the page shows below it.

One reader follows the tutorial from two CSV files to a service, then tries the other pages on what that made.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jobs.bench.service import free_port
from tests.docs.pages import PAGES, ROOT, blocks
from tests.docs.printed import faults
from tests.docs.walk import RUN, Step, Walk, written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SERVE = "recsys serve --store"
MORE = (
    "--log-format json --traces file:$RECSYS_WORKSPACE/traces "
    "--compat gorse --compat personalize --event-type star=like"
)
"""What other pages than the tutorial speak of."""
TUTORIAL = ROOT / "docs" / "tutorial.md"
ELSEWHERE = {"python": "tests/serve/test_python_page.py", "importing": "tests/docs/test_printed.py"}
"""Pages whose blocks another test runs."""
FIRST = "operations"
"""Embeds what the tutorial has added."""
RUNS = [
    page
    for page in sorted(PAGES, key=lambda page: page.stem != FIRST)
    if page.stem not in {*ELSEWHERE, "tutorial"}
    and any(one.language in RUN and one.reason is None for one in blocks(page))
]
PATIENCE_S = 120.0


class Reader:
    """Who walks the tutorial up to its service, and has it running until the end."""

    def __init__(self, folder: Path) -> None:
        self.walk = Walk(folder, f"http://127.0.0.1:{free_port()}")
        serve = next(one for one in blocks(TUTORIAL, "sh") if SERVE in one.code)
        self.begun = list(self.walk.steps(TUTORIAL, range(serve.line)))
        self.served_at = serve.line
        with (folder / "example" / "catalog.csv").open(encoding="utf-8") as rows:
            self.names = frozenset(row["Name"] for row in csv.DictReader(rows))
        self.service = self._served(serve.code)

    def _served(self, code: str) -> subprocess.Popen[bytes]:
        with (self.walk.folder / "serve.log").open("wb") as log:
            service = subprocess.Popen(
                ["bash", "-c", f"exec {code.strip()} {MORE}"],
                cwd=self.walk.folder,
                env=self.walk.environment,
                stdout=log,
                stderr=log,
            )
        ends = time.monotonic() + PATIENCE_S
        while not self.is_ready():
            if service.poll() is not None or time.monotonic() > ends:
                service.kill()
                pytest.fail((self.walk.folder / "serve.log").read_text(encoding="utf-8")[-4_000:])
            time.sleep(0.5)
        return service

    def is_ready(self) -> bool:
        """Whether the service answers."""
        try:
            return httpx.get(f"{self.walk.url}/readyz").is_success
        except httpx.HTTPError:
            return False

    def leave(self) -> None:
        """Ctrl-C, as a reader ends it."""
        self.service.send_signal(signal.SIGINT)
        try:
            self.service.wait(PATIENCE_S)
        finally:
            self.service.kill()

    def wrong(self, steps: list[Step]) -> list[str]:
        """Where what was printed is not what the page shows."""
        return [
            f"{step.block.place}: {fault}"
            for step in steps
            if step.shown is not None
            for fault in faults(step.shown.code, step.said, self.names)
        ]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One reader for all pages: what a page has changed is there on the next one."""
    found = Reader(tmp_path_factory.mktemp("reader"))
    try:
        yield found
    finally:
        found.leave()


def test_the_tutorial_leads_from_two_files_to_lists(reader: Reader) -> None:
    rest = reader.walk.steps(TUTORIAL, range(reader.served_at + 1, 10**6))
    steps = [*reader.begun, *rest]
    assert len(steps) > 10
    assert not judged(TUTORIAL, steps, reader)


def judged(page: Path, steps: list[Step], reader: Reader) -> list[str]:
    """What is wrong with a page; with `WRITE=1` that is mended instead."""
    wrong = [one for one in steps if reader.wrong([one])]
    if os.environ.get("WRITE"):
        page.write_text(written(page, wrong, reader.walk.folder), encoding="utf-8")
        return []
    return reader.wrong(steps)


@pytest.mark.parametrize("page", RUNS, ids=[page.stem for page in RUNS])
def test_a_page_prints_what_it_shows(page: Path, reader: Reader) -> None:
    assert not judged(page, list(reader.walk.steps(page)), reader)


def test_a_command_is_not_hidden_in_a_block_without_a_language() -> None:
    typed = ("recsys ", "curl ", "make ", "python ", "pip ", "export ")
    assert not [one.place for page in PAGES for one in blocks(page, "") if one.code.startswith(typed)]


def test_pages_that_another_test_runs_have_that_test() -> None:
    for page, test in ELSEWHERE.items():
        assert f"{page}.md" in (ROOT / test).read_text(encoding="utf-8")
