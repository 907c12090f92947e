"""Help with examples: those that a command's docstring ends with, in a section of their own."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Group
from rich.panel import Panel
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from jobs.console import out

MARK = "Example:"


def split_examples(text: str) -> tuple[str, tuple[str, ...]]:
    """What a docstring explains, and its examples: the lines that begin with `Example:`, without it.

    An example may end with two spaces, `#` and what it is for.
    """
    lines = text.splitlines()
    examples = tuple(line.strip().removeprefix(MARK).strip() for line in lines if _is_example(line))
    return "\n".join(line for line in lines if not _is_example(line)).strip(), examples


def _is_example(line: str) -> bool:
    return line.strip().startswith(MARK)


def print_examples(examples: tuple[str, ...]) -> None:
    """A panel like those of the options; nothing without examples."""
    if examples:
        lines = Group(*map(_styled, examples))
        out.print(Panel(lines, title="Examples", title_align="left", border_style="dim"))


def _styled(example: str) -> Text:
    call, mark, why = example.partition("  #")
    return Text.assemble(("$ ", "dim"), (call, "cyan"), (mark + why, "dim"))


class ExplainedCommand(TyperCommand):
    """A command whose help ends with its examples."""

    @property
    def examples(self) -> tuple[str, ...]:
        """Calls of this command as one would type them."""
        return split_examples(self.help or "")[1]

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Print the help."""
        whole = self.help or ""
        self.help, examples = split_examples(whole)
        super().format_help(ctx, formatter)
        self.help = whole
        print_examples(examples)


class ExplainedGroup(TyperGroup):
    """A group whose help ends with an example of each of its commands."""

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Print the help."""
        super().format_help(ctx, formatter)
        own = (getattr(command, "examples", ())[:1] for command in self.commands.values())
        print_examples(tuple(example for examples in own for example in examples))


def explain(app: typer.Typer) -> None:
    """Have every command of an app, also in its groups, print its help this way."""
    for command in app.registered_commands:
        command.cls = ExplainedCommand
    for group in app.registered_groups:
        group.cls = ExplainedGroup
        if group.typer_instance:
            explain(group.typer_instance)
