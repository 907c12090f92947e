"""`recsys verify` and `recsys signing-keys`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from jobs.console import show
from jobs.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption
from recsys.errors import ConfigError
from recsys.signing import (
    SIGNING_KEY,
    SIGNING_KEY_FILE,
    TRUSTED_KEYS,
    create_key,
    key_id,
    public_text,
    signing_key,
    trusted_keys,
)
from recsys.workspace import Workspace

VersionArgument = Annotated[str | None, typer.Argument(help="The published one when none is named.")]
KeyFileOption = Annotated[Path, typer.Option("--file", help="File of the private key.")]
DEFAULT_FILE = Path("recsys-signing.pem")
keys = typer.Typer(no_args_is_help=True, help="Keys that sign index versions, encoders and their exports.")


def verify(
    index_version: VersionArgument = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Read a version whole: hashes, its encoder, and signatures where keys are trusted.

    Ends with 3 and the reason when a service would refuse it.

    Example: recsys --trusted-key keys.pub verify
    """
    from jobs.signing import run_verify

    show("Verified", run_verify(Workspace(workspace), index_version).as_rows(), as_json)


@keys.command()
def create(file: KeyFileOption = DEFAULT_FILE) -> None:
    """Make a key pair; the private key goes to a new file that only you can read.

    Prints the public key, which services trust: --trusted-key or RECSYS_TRUSTED_KEYS.
    """
    key = create_key(file)
    show("Created", {"private_key": file, "key_id": key_id(key), "public_key": public_text(key)}, False)


@keys.command(name="show")
def show_keys(as_json: JsonOption = False) -> None:
    """The public half of the configured signing key, and the keys that are trusted here."""
    key = signing_key()
    rows = {
        "signs_with": f"{key_id(key)} {public_text(key)}" if key else "nothing",
        "trusts": {name: public_text(one) for name, one in trusted_keys().items()},
    }
    show("Signing keys", rows, as_json)


@keys.command()
def sign(
    index_version: VersionArgument = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Sign a version that was found good: one from before there were keys, or while a key is replaced."""
    from jobs.signing import run_sign

    show("Signed", run_sign(Workspace(workspace), index_version).as_rows(), as_json)


def use_keys(key_file: Path | None, trusted: Sequence[str]) -> None:
    """Make the keys of the command line those of this process and of every process that it starts."""
    if key_file is not None:
        if os.environ.get(SIGNING_KEY):
            raise ConfigError("the signing key is given twice", expected=f"--signing-key or {SIGNING_KEY}")
        os.environ[SIGNING_KEY_FILE] = str(key_file.expanduser().absolute())
    if trusted:
        os.environ[TRUSTED_KEYS] = ",".join(trusted)
    if os.environ.get(TRUSTED_KEYS):  # files are read here, since other machines do not have them
        os.environ[TRUSTED_KEYS] = ",".join(map(public_text, trusted_keys().values()))


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(verify)
    app.add_typer(keys, name="signing-keys")
