"""Log files: bounded, cleaned up, and never in the way of an answer."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recsys.config import LogConfig, LogFormat
from serve_app.telemetry.log_file import LogFile, log_into, stop_logging

log = logging.getLogger("serve_app.test")


@pytest.fixture
def levels() -> Iterator[None]:
    """Loggers as they were before."""
    packages = [logging.getLogger(name) for name in ("recsys", "cluster", "serve_app")]
    before = [one.level for one in packages]
    yield
    for one, level in zip(packages, before, strict=True):
        one.setLevel(level)


def started(folder: Path, **settings: object) -> LogFile:
    """This process logs into `folder`."""
    return log_into(folder, LogConfig.model_validate(settings), "ingress")


@pytest.mark.usefixtures("levels")
def test_lines_of_our_packages_are_written_from_the_level_on_and_those_of_others_from_warnings_on(
    tmp_path: Path,
) -> None:
    handler = started(tmp_path, format=LogFormat.JSON)
    log.debug("too fine")
    log.info("asked")
    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("trouble")
    stop_logging(handler)
    log.info("too late")
    (file,) = tmp_path.glob("*.jsonl")
    assert [json.loads(line)["message"] for line in file.read_text().splitlines()] == ["asked", "trouble"]


@pytest.mark.usefixtures("levels")
def test_a_process_takes_no_more_than_two_files_of_its_size(tmp_path: Path) -> None:
    handler = started(tmp_path, file_bytes=2_000)
    for number in range(500):
        log.info("line %d", number)
    stop_logging(handler)
    files = list(tmp_path.iterdir())
    assert len(files) == 2
    assert all(file.stat().st_size < 2_200 for file in files)
    newest = next(file for file in files if file.suffix == ".log")
    assert "line 499" in newest.read_text()


@pytest.mark.usefixtures("levels")
def test_files_of_other_days_go_and_newer_ones_stay(tmp_path: Path) -> None:
    for name, days in (("old.log", 8), ("new.log", 6)):
        (tmp_path / name).write_text("x")
        at = time.time() - days * 86_400
        os.utime(tmp_path / name, (at, at))
    stop_logging(started(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["new.log"]


@pytest.mark.usefixtures("levels")
def test_a_full_disk_costs_lines_and_raises_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handler = started(tmp_path)
    handler.close()
    handler.stream = Path("/dev/full").open("w")  # noqa: SIM115  # the handler closes it
    log.info("lost")
    stop_logging(handler)
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("levels")
def test_a_folder_that_cannot_be_written_costs_the_log_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("a file")
    handler = started(tmp_path / "logs")
    log.info("lost")
    stop_logging(handler)
    assert capfd.readouterr().err == ""
