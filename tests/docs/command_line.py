"""Whether a `recsys` command line could be given: its command, options, numbers and choices exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typer

PLACEHOLDER = re.compile(r"^[A-Z][A-Z0-9_]*$|\$|^<.*>$")
"""A word that stands for the reader's own, or that the shell fills in."""
ELLIPSES = frozenset({"…", "..."})
_ABSENT = re.compile(r"'([^']+)' does not exist")


@cache
def recsys() -> Any:
    """The real command, with all its subcommands."""
    from jobs.cli import app

    return typer.main.get_command(app)


def faults(words: Sequence[str]) -> Iterator[str]:
    """What is wrong with `recsys` followed by these words; nothing where it would parse.

    A word that is left out (`…`) may be anything, so what is missing is no fault then.
    """
    command: Any = recsys()
    context: Any = typer.Context(command, info_name="recsys")
    rest = [word for word in words if word not in ELLIPSES]
    while hasattr(command, "commands"):
        try:
            _, rest, _ = command.make_parser(context).parse_args(rest)
        except Exception as error:  # noqa: BLE001  # whatever the parser says is the finding
            yield _message(error)
            return
        if not rest:
            return
        if PLACEHOLDER.search(rest[0]):
            return
        if rest[0] not in command.commands:
            yield f"{context.command_path} has no command {rest[0]!r}"
            return
        command, rest = command.commands[rest[0]], rest[1:]
        context = typer.Context(command, info_name=command.name, parent=context)
    message = _refusal(command, context, rest)
    if message and not (ELLIPSES & set(words) and message.startswith("Missing")):
        yield message


def _refusal(command: Any, context: Any, words: list[str]) -> str | None:
    """What the command says of its words. Files and folders of the reader's need not be here."""
    tried = list(words)
    while True:
        try:
            command.make_context(command.name, list(tried), parent=context.parent)
        except Exception as error:  # noqa: BLE001
            message = _message(error)
            if (found := _ABSENT.search(message)) and found[1] in tried:
                tried = [__file__ if word == found[1] else word for word in tried]
            elif "is a file" in message and __file__ in tried:
                tried = [str(Path(__file__).parent) if word == __file__ else word for word in tried]
            elif message.startswith("Invalid value") and any(PLACEHOLDER.search(word) for word in words):
                return None
            else:
                return message
        else:
            return None


def _message(error: Exception) -> str:
    said = getattr(error, "format_message", None)
    return str(said()) if said else f"{type(error).__name__}: {error}"
