"""One part in a process of its own: its memory, threads and end are nobody else's."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from jobs.bench.section import BenchSettings, Section

SILENCE_S = 900.0
"""A part that says nothing for so long hangs."""
GOODBYE_S = 60.0
"""Time for a part that has answered to put its own things away."""
Say = Callable[[str], None]


def run_part(name: str, module: str, settings: BenchSettings, silence_s: float = SILENCE_S) -> Section | str:
    """The section of `module.run(settings)`, called in a new process, or why there is none.

    There is none when it raises, ends without an answer, or says nothing for `silence_s`. What it
    prints goes to `FOLDER/NAME.log`; processes it left behind end with it.
    """
    receiving, sending = multiprocessing.Pipe(duplex=False)
    log = settings.folder / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    plain = replace(settings, say=_silent)
    # Spawned, not forked: Ray, BLAS and LanceDB do not survive a fork.
    child = multiprocessing.get_context("spawn").Process(target=_work, args=(module, plain, sending, log))
    child.start()
    sending.close()
    try:
        found = _answer(receiving, settings.say, silence_s)
        child.join(GOODBYE_S if isinstance(found, Section) or not found else 0)
    finally:
        _end(child)
    return found or f"its process ended with exit code {child.exitcode}"


def _answer(receiving: Connection, say: Say, silence_s: float) -> Section | str:
    """The section, or why there is none; empty when the process ended without a word."""
    while True:
        if not receiving.poll(silence_s):
            return f"it said nothing for {silence_s:,.3g} s"
        try:
            kind, content = receiving.recv()
        except EOFError:
            return ""
        if kind != "say":
            assert isinstance(content, (Section, str))
            return content
        say(content)


def _work(module: str, settings: BenchSettings, sending: Connection, log: Path) -> None:
    """In the new process: run the part, send what it says and what it found."""
    os.setsid()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _print_to(log)
    try:
        part = importlib.import_module(module)
        found = part.run(replace(settings, say=lambda text: sending.send(("say", text))))
        sending.send(("section", found))
    except Exception as error:  # noqa: BLE001  # whatever a part raises is its outcome
        traceback.print_exc()
        sending.send(("failure", f"{type(error).__name__}: {error}"))
    finally:
        sending.close()


def _end_with_parent() -> None:
    """A killed parent cannot end this process and what it started."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(0, signal.SIGKILL)


def _print_to(log: Path) -> None:
    """Everything this process and its children print goes to a file."""
    with log.open("wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _end(child: BaseProcess) -> None:
    """End the process and the group it leads."""
    assert child.pid is not None
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()  # it had no time to lead a group, or nothing is left of it
    child.join()


def _silent(text: str) -> None:
    """Say nothing; a closure could not be sent to another process."""
