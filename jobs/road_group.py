"""The group of all commands: it lists them by their names, and imports what is called."""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from jobs.examples import explain, print_examples
from jobs.road import ROAD, Stop

EXAMPLES = (
    "recsys demo  # everything once, on a built-in shop",
    "recsys import items catalog.csv --currency EUR",
    "recsys import events events.jsonl",
    "recsys embed",
    "recsys fit",
    "recsys serve --store  # http://127.0.0.1:8000/store/",
)


class RoadCommands(UserDict[str, Any]):
    """Commands by name in the order of the road; the first use of one imports its module."""

    def __getitem__(self, name: str) -> Any:
        """The command. Raises `KeyError` for a name that is none."""
        found = super().__getitem__(name)
        if isinstance(found, Stop):
            found = self.data[name] = load(found)
        return found


class RoadGroup(TyperGroup):
    """Help and completion of the group itself are made from names and lines of help alone."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = RoadCommands({stop.name: stop for stop in ROAD})
        self._listed: dict[str, TyperCommand] = {}

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Names in the order of the road."""
        return list(self.commands)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """The command of a name, or None; while commands are listed, one that has a name and a line."""
        return self._listed.get(cmd_name) or self.commands.get(cmd_name)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Print the help."""
        self._list()
        super().format_help(ctx, formatter)
        self._listed = {}
        print_examples(EXAMPLES)

    def shell_complete(self, ctx: typer.Context, incomplete: str) -> Any:  # type: ignore[override]
        """What the shell offers for the name of a command, or for an option before it."""
        self._list()
        offers = super().shell_complete(ctx, incomplete)
        self._listed = {}
        return offers

    def _list(self) -> None:
        self._listed = {
            stop.name: TyperCommand(stop.name, help=stop.does, rich_help_panel=stop.panel) for stop in ROAD
        }


def load(stop: Stop) -> Any:
    """A stop's command, with everything that its module needs for its options."""
    app = typer.Typer(rich_markup_mode="rich")
    import_module(f"jobs.{stop.module}").register(app)
    explain(app)
    return typer.main.get_group(app).commands[stop.name]
