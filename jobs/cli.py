"""The `recsys` command: each subcommand parses its options, makes a config, makes one call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from jobs.console import err, out
from jobs.failure import EXIT_CODES, STOPPED, failure_of, tell
from jobs.road_group import RoadGroup
from recsys.errors import ConfigError

app = typer.Typer(
    name="recsys",
    cls=RoadGroup,
    invoke_without_command=True,
    pretty_exceptions_show_locals=False,  # a crash must not put anybody's data into a log
    rich_markup_mode="rich",
    help="A shop's recommender on Ray: import, embed, fit, evaluate, serve.",
    epilog=EXIT_CODES,
)
PERSONAL = frozenset(("erase", "export-user", "pseudonym"))
"""Commands whose arguments name a person: they must not stand in a cluster's list of jobs."""


@app.callback()
def recsys(
    context: typer.Context,
    submit: Annotated[
        str | None,
        typer.Option(
            "--submit",
            metavar="ADDRESS",
            help="Send this command as a Ray job to the dashboard at ADDRESS, such as http://127.0.0.1:8265.",
        ),
    ] = None,
    trusted_key: Annotated[
        list[str] | None,
        typer.Option(
            help="Public key, or a file of them, whose signatures are believed; all else is refused. "
            "May be repeated. Environment: RECSYS_TRUSTED_KEYS.",
        ),
    ] = None,
    signing_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Private key that signs what is made. Environment: RECSYS_SIGNING_KEY_FILE, or the key "
            "itself in RECSYS_SIGNING_KEY.",
        ),
    ] = None,
) -> None:
    """Options of every command."""
    if context.invoked_subcommand is None:
        _say_next_step(context)
        return
    from jobs.trust import use_keys

    use_keys(signing_key, trusted_key or [])
    if submit and context.invoked_subcommand in PERSONAL:
        raise ConfigError(
            "a cluster's list of jobs would keep the id", expected="this command on a machine of the cluster"
        )
    if submit:
        from jobs.submit import submit as send

        raise typer.Exit(send(submit, _without_submit(sys.argv[1:])))


def _say_next_step(context: typer.Context) -> None:
    from os import environ

    from jobs.next_step import holdings_of, next_step

    out.print(context.get_help(), end="")
    workspace = Path(environ.get("RECSYS_WORKSPACE") or "workspace")
    found = holdings_of(workspace, environ.get("RECSYS_DATABASE_URL"))
    out.print(f"next: {next_step(found, workspace)}", markup=False)


def _without_submit(arguments: Sequence[str]) -> list[str]:
    kept, skip = [], False
    for argument in arguments:
        if skip or argument == "--submit" or argument.startswith("--submit="):
            skip = argument == "--submit"
            continue
        kept.append(argument)
    return kept


def main() -> None:
    """Run the command line; a refusal becomes a line on stderr, what to do next, and an exit code."""
    try:
        app()
    except KeyboardInterrupt:
        err.print("stopped")
        sys.exit(STOPPED)
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        tell(failure)
        sys.exit(failure.code)


if __name__ == "__main__":
    main()
