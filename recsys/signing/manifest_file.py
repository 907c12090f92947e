"""A manifest on disk with its signature beside it: written together, read only when believed."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recsys.errors import SignatureError
from recsys.signing.keys import key_id, signing_key
from recsys.signing.trust import trusted_keys
from recsys.workspace import replace_file

SIGNATURE_SUFFIX = ".sig"
FORMAT = "recsys-signature-1"
MOST_BYTES = 1_000


@dataclass(frozen=True)
class ManifestFile:
    """One file that lists hashes, and what it speaks for.

    The signature covers `kind` and `name` as well, so that the manifest of one version says nothing
    under the name of another, nor an encoder's record in the place of a card.
    """

    path: Path
    kind: str
    """`index`, `encoder`, `card`, `export` or `backup`."""
    name: str
    """The version, or the digest of the content, that the manifest describes."""

    @property
    def signature_path(self) -> Path:
        """Where the signature lies."""
        return self.path.with_name(self.path.name + SIGNATURE_SUFFIX)

    def write(self, content: bytes) -> None:
        """Put the file there whole, after its signature when a key is configured.

        Without a key a signature stays as long as the content does. Raises `ConfigError` for a bad key.
        """
        key, same = signing_key(), self.path.is_file() and self.path.read_bytes() == content
        if key is not None:
            replace_file(self.signature_path, self.signature_of(key, content))
        elif not same:
            self.signature_path.unlink(missing_ok=True)
        if not same:
            replace_file(self.path, content)

    def sign(self, key: Ed25519PrivateKey) -> None:
        """Sign what is there; the caller has checked it."""
        replace_file(self.signature_path, self.signature_of(key, self.path.read_bytes()))

    def read(self) -> bytes:
        """The content; what was checked is what is returned, the file is read once.

        Raises `FileNotFoundError` without the file, `SignatureError` when keys are trusted and none of them
        signed exactly these bytes under this kind and name.
        """
        content = self.path.read_bytes()
        if trusted := trusted_keys():
            signer, signature, written = self._signature()
            if signer not in trusted:
                raise self._refused("the key of a signature is not trusted", " or ".join(trusted), signer)
            try:
                trusted[signer].verify(signature, self._message(content))
            except InvalidSignature as error:
                raise self._refused("a signature does not fit its manifest", "the signed bytes") from error
            if written != _rendered(signer, signature):
                raise self._refused("a signature was altered", "the bytes that were written")
        return content

    def signer(self) -> str | None:
        """Id of the key that says it signed the file, None without a readable signature; no check."""
        try:
            return self._signature()[0]
        except SignatureError:
            return None

    def is_signed_by(self, key: Ed25519PrivateKey) -> bool:
        """Whether the file is there with the very signature that `key` gives it (Ed25519 has one)."""
        try:
            return self.signature_path.read_bytes() == self.signature_of(key, self.path.read_bytes())
        except OSError:
            return False

    def signature_of(self, key: Ed25519PrivateKey, content: bytes) -> bytes:
        """The bytes of the signature's file, for whoever puts both files somewhere else."""
        return _rendered(key_id(key), key.sign(self._message(content)))

    def _message(self, content: bytes) -> bytes:
        digest = hashlib.sha256(content).hexdigest()
        return "\0".join([FORMAT, self.kind, self.name, digest]).encode()

    def _signature(self) -> tuple[str, bytes, bytes]:
        """Key id, signature, and the bytes they were read from."""
        try:
            with self.signature_path.open("rb") as file:
                written = file.read(MOST_BYTES)
        except FileNotFoundError as error:
            raise self._refused("a manifest is not signed", "a signature beside it") from error
        try:
            form, signer, text = written.decode("ascii").split()
            if form != FORMAT:
                raise ValueError(form)
            return signer, base64.b64decode(text, validate=True), written
        except ValueError as error:
            raise self._refused("a signature cannot be read", f"{FORMAT} KEY SIGNATURE") from error

    def _refused(self, what: str, expected: str, found: str = "") -> SignatureError:
        return SignatureError(
            what, expected=expected, found=found, where=f"{self.kind} {self.name}: {self.path.name}"
        )


def _rendered(signer: str, signature: bytes) -> bytes:
    return f"{FORMAT} {signer} {base64.b64encode(signature).decode()}\n".encode()
