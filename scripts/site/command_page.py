"""The command line as a page: what `typer jobs.cli utils docs` says of it."""

from __future__ import annotations

import re

from typer.cli import app as typer_command
from typer.testing import CliRunner

TITLE = "# The command line\n\nMade of the commands' own `--help` at each build.\n\n"


def command_page() -> str:
    """Every command with its arguments and options; raises `RuntimeError` with what Typer said."""
    done = CliRunner().invoke(typer_command, ["jobs.cli", "utils", "docs", "--name", "recsys"])
    if done.exit_code:
        raise RuntimeError(f"the command line could not be described: {done.output}")
    return TITLE + re.sub(r"^#", "##", done.stdout, flags=re.M)
