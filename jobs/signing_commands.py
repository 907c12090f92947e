"""`recsys verify` and `recsys signing-keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.completion import index_versions
from jobs.console import show, waiting
from jobs.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption

VersionArgument = Annotated[
    str | None, typer.Argument(help="The published one when none is named.", autocompletion=index_versions)
]
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
    from recsys.workspace import Workspace

    with waiting("verify", as_json):
        found = run_verify(Workspace(workspace), index_version)
    show("Verified", found.as_rows(), as_json)


@keys.command()
def create(file: KeyFileOption = DEFAULT_FILE, as_json: JsonOption = False) -> None:
    """Make a key pair; the private key goes to a new file that only you can read.

    Prints the public key, which services trust: --trusted-key or RECSYS_TRUSTED_KEYS.

    Example: recsys signing-keys create --file shop-signing.pem
    """
    from recsys.signing import create_key, key_id, public_text

    key = create_key(file)
    show("Created", {"private_key": file, "key_id": key_id(key), "public_key": public_text(key)}, as_json)


@keys.command(name="show")
def show_keys(as_json: JsonOption = False) -> None:
    """The public half of the configured signing key, and the keys that are trusted here.

    Example: recsys --trusted-key keys.pub signing-keys show
    """
    from recsys.signing import key_id, public_text, signing_key, trusted_keys

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
    """Sign a version that was found good: one from before there were keys, or while a key is replaced.

    Example: recsys --signing-key shop-signing.pem signing-keys sign
    """
    from jobs.signing import run_sign
    from recsys.workspace import Workspace

    show("Signed", run_sign(Workspace(workspace), index_version).as_rows(), as_json)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(verify)
    app.add_typer(keys, name="signing-keys")
