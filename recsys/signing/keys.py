"""The private key of whoever makes artefacts: Ed25519 (RFC 8032), in a file of its own or the environment."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from recsys.errors import ConfigError

SIGNING_KEY = "RECSYS_SIGNING_KEY"
"""The private key itself, PEM."""
SIGNING_KEY_FILE = "RECSYS_SIGNING_KEY_FILE"
"""Path of a file with it; the better way, since child processes and dumps show an environment."""
PREFIX = "ed25519:"
OWNER_ONLY = 0o600


def create_key(path: Path) -> Ed25519PrivateKey:
    """A new key in a new file that only its owner reads (PKCS 8, PEM, as `openssl genpkey` writes it).

    Raises `ConfigError` where there is a file already: a key that is overwritten is lost.
    """
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    except FileExistsError as error:
        raise ConfigError("a key is never overwritten", expected="a new file", found=str(path)) from error
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    return key


def signing_key() -> Ed25519PrivateKey | None:
    """The configured private key, None when there is none.

    Raises `ConfigError` for both ways at once, a file that others may read, and what is no such key.
    """
    text, path = os.environ.get(SIGNING_KEY), os.environ.get(SIGNING_KEY_FILE)
    if text and path:
        raise ConfigError("the signing key is given twice", expected=f"{SIGNING_KEY} or {SIGNING_KEY_FILE}")
    if path:
        return _parsed(_private_bytes(Path(path).expanduser()), path)
    return _parsed(text.encode(), SIGNING_KEY) if text else None


def public_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """The public half as `--trusted-key` takes it: `ed25519:` and 32 bytes in base64."""
    return PREFIX + base64.b64encode(_raw(key)).decode()


def parse_public(text: str) -> Ed25519PublicKey:
    """The key that `public_text` wrote; raises `ConfigError` for anything else."""
    try:
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        if not text.startswith(PREFIX):
            raise ValueError("no ed25519: in front")
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise ConfigError(
            "a trusted key is none", expected=f"{PREFIX} and 32 bytes in base64", found=repr(text[:80])
        ) from error


def key_id(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """16 hex digits that name a key pair; a hint which key to try, not a proof."""
    return hashlib.sha256(_raw(key)).hexdigest()[:16]


def _raw(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _private_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except OSError as error:
        raise ConfigError(
            "the signing key cannot be read", found=str(error.strerror), where=str(path)
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(
            "others may read or write the signing key",
            expected=f"chmod 600 {path}",
            found=oct(stat.S_IMODE(mode)),
        )
    return content


def _parsed(pem: bytes, where: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # without the cause: its text may quote the file
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("the signing key is no Ed25519 key", expected="PEM without a password", where=where)
    return key
