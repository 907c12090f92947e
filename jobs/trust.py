"""Keys that the command line names: who signs, and who is believed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from recsys.errors import ConfigError
from recsys.signing import SIGNING_KEY, SIGNING_KEY_FILE, TRUSTED_KEYS, public_text, trusted_keys


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
