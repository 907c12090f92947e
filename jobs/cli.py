"""The `recsys` command: each subcommand parses its options, makes a config, makes one call."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from jobs import (
    artifact_commands,
    backup_commands,
    bench_commands,
    capacity_commands,
    catalog_commands,
    channel_commands,
    doctor_commands,
    event_commands,
    import_commands,
    key_commands,
    label_commands,
    learning_commands,
    loop_commands,
    map_commands,
    moderation_commands,
    privacy_commands,
    release_commands,
    serve_commands,
    signing_commands,
    simulate_commands,
    training_commands,
    tuning_commands,
    upgrade_commands,
)
from jobs.console import err
from recsys.errors import ConfigError, InputError, RecsysError

app = typer.Typer(
    name="recsys",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a crash must not put anybody's data into a log
    rich_markup_mode="rich",
    help="A shop's recommender on Ray: import, embed, fit, evaluate, serve.",
    epilog="Exit codes: 0 done, 1 too much of the data was bad, 2 wrong use, 3 something is not available.",
)
import_commands.register(app)
catalog_commands.register(app)
channel_commands.register(app)
map_commands.register(app)
training_commands.register(app)
learning_commands.register(app)
tuning_commands.register(app)
label_commands.register(app)
serve_commands.register(app)
loop_commands.register(app)
key_commands.register(app)
artifact_commands.register(app)
simulate_commands.register(app)
moderation_commands.register(app)
privacy_commands.register(app)
release_commands.register(app)
bench_commands.register(app)
capacity_commands.register(app)
doctor_commands.register(app)
signing_commands.register(app)
event_commands.register(app)
backup_commands.register(app)
upgrade_commands.register(app)

UNAVAILABLE = 3


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
    signing_commands.use_keys(signing_key, trusted_key or [])
    if submit and context.invoked_subcommand in privacy_commands.PERSONAL:
        raise ConfigError(
            "a cluster's list of jobs would keep the id", expected="this command on a machine of the cluster"
        )
    if submit:
        from jobs.submit import submit as send

        raise typer.Exit(send(submit, _without_submit(sys.argv[1:])))


def _without_submit(arguments: Sequence[str]) -> list[str]:
    kept, skip = [], False
    for argument in arguments:
        if skip or argument == "--submit" or argument.startswith("--submit="):
            skip = argument == "--submit"
            continue
        kept.append(argument)
    return kept


def main() -> None:
    """Run the command line; a refusal becomes one line on stderr and an exit code."""
    try:
        app()
    except (InputError, ConfigError) as error:
        err.print(f"[red]refused:[/red] {error}", markup=True)
        sys.exit(2)
    except RecsysError as error:
        err.print(f"[red]{type(error).__name__}:[/red] {error}", markup=True)
        sys.exit(UNAVAILABLE)
    except KeyboardInterrupt:
        err.print("stopped")
        sys.exit(130)


if __name__ == "__main__":
    main()
