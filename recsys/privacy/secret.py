"""The secret behind pseudonyms: from the environment, or a file that its owner alone may read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from recsys.errors import ConfigError
from recsys.privacy.names import PLAIN, Names, Pseudonyms
from recsys.privacy.settings import PrivacyConfig, PseudonymConfig, load_privacy
from recsys.privacy.stated_secret import checked_secret
from recsys.workspace import Workspace, replace_file

VARIABLE = "RECSYS_PSEUDONYM_SECRET"
OTHERS = 0o077


def names_of(workspace: Workspace) -> Names:
    """How this workspace keeps ids: plain, or by the secret that it was made with.

    Raises `ConfigError` where the secret is missing, is another one, or may be read by others: nobody's
    events may end under a second pseudonym, or under none.
    """
    config = load_privacy(workspace).pseudonyms
    if config is None:
        return PLAIN
    names = Pseudonyms(_secret(config))
    if names.secret_id != config.secret_id:
        raise ConfigError(
            "this is not the secret that the workspace's pseudonyms were made with",
            expected=f"the secret with the id {config.secret_id}",
            found=names.secret_id,
            where=_place(config),
        )
    return names


def begin_pseudonyms(workspace: Workspace, secret_file: Path | None) -> PseudonymConfig:
    """Settings of a workspace that keeps pseudonyms from now on; written, and returned.

    The secret is the one in the environment, else in `secret_file`, which is made with 32 random bytes
    where it is absent. A workspace that keeps them already stays as it is, if the secret is the same.
    """
    decided = load_privacy(workspace)
    if decided.pseudonyms is not None:
        names_of(workspace)
        return decided.pseudonyms
    if VARIABLE not in os.environ and secret_file is not None and not secret_file.exists():
        replace_file(secret_file, secrets.token_hex(32).encode() + b"\n")  # as a temporary file: 0600
        secret_file.chmod(0o600)
    place = None if VARIABLE in os.environ or secret_file is None else secret_file.expanduser().resolve()
    found = PseudonymConfig(secret_id="", secret_file=place)
    made = found.model_copy(update={"secret_id": Pseudonyms(_secret(found)).secret_id})
    kept = PrivacyConfig(retention=decided.retention, pseudonyms=made)
    replace_file(workspace.privacy_settings, kept.model_dump_json(indent=1, exclude_none=True).encode())
    return made


def _secret(config: PseudonymConfig) -> bytes:
    said = os.environ.get(VARIABLE)
    return checked_secret(_read(config) if said is None else said, "the secret of pseudonyms", _place(config))


def _read(config: PseudonymConfig) -> str:
    file = config.secret_file
    if file is None or not file.is_file():
        raise ConfigError(
            "the secret of pseudonyms is missing",
            expected=f"{VARIABLE} in the environment" + (f", or the file {file}" if file else ""),
            where=_place(config),
        )
    if file.stat().st_mode & OTHERS:
        raise ConfigError(
            "others may read the secret of pseudonyms",
            expected="mode 0600",
            found=f"{file.stat().st_mode & 0o777:04o}",
            where=str(file),
        )
    return file.read_text()


def _place(config: PseudonymConfig) -> str:
    return VARIABLE if VARIABLE in os.environ or config.secret_file is None else str(config.secret_file)
