"""`recsys verify` and `recsys signing-keys sign`: everything that speaks for one index version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recsys.encoder import encoder_version
from recsys.encoder.sources import resolve
from recsys.encoder_record import (
    load_encoder_config,
    load_encoding,
    record_file,
    save_encoder_config,
)
from recsys.errors import ConfigError, EncoderError
from recsys.index import IndexManifest, current_version, verify
from recsys.index.manifest import manifest_file
from recsys.signing import SIGNING_KEY_FILE, ManifestFile, signing_key, trusted_keys
from recsys.training.model_card import card_file, require_card
from recsys.workspace import Workspace


@dataclass(frozen=True)
class Verified:
    """A version whose every byte was read and is as its manifest says, and who speaks for it."""

    manifest: IndexManifest
    signers: dict[str, str]
    """Id of the key by kind of manifest."""

    def as_rows(self) -> dict[str, object]:
        """The result as people and machines read it."""
        trusted = len(trusted_keys())
        return {
            "index_version": self.manifest.index_version,
            "encoder_version": self.manifest.encoder_version,
            "files": len(self.manifest.files),
            "bytes": sum(file.bytes for file in self.manifest.files),
            "signed_by": self.signers,
            "checked": f"hashes, and signatures by {trusted} trusted keys" if trusted else "hashes only",
        }


def run_verify(workspace: Workspace, index_version: str | None) -> Verified:
    """Read a version, the published one when none is named, with its encoder and their signatures.

    Raises what loading it would raise: `SignatureError`, `IndexVersionError`, `EncoderError`.
    """
    manifest = verify(workspace, index_version or current_version(workspace))
    config = load_encoder_config(workspace, manifest.encoder_version)
    if (found := encoder_version(config)) != manifest.encoder_version:
        raise EncoderError(
            "the encoder is not the one that made the vectors", expected=manifest.encoder_version, found=found
        )
    folder = resolve(config.source)
    require_card(workspace, folder)
    files = _files(workspace, manifest, folder)
    return Verified(manifest, {file.kind: file.signer() or "nobody" for file in files})


def run_sign(workspace: Workspace, index_version: str | None) -> Verified:
    """Sign a version that `run_verify` finds good, with its encoder's record and card.

    For what was made before there were keys, and while a key is replaced. Whoever signs vouches for what
    lies there: without trusted keys nothing but its hashes was checked. Raises `ConfigError` without a key.
    """
    key = signing_key()
    if key is None:
        raise ConfigError("there is no key to sign with", expected=f"--signing-key or {SIGNING_KEY_FILE}")
    manifest = run_verify(workspace, index_version).manifest
    version = manifest.encoder_version
    config = load_encoder_config(workspace, version)
    save_encoder_config(workspace, version, config, load_encoding(workspace, version))
    for file in _files(workspace, manifest, resolve(config.source)):
        file.sign(key)
    return run_verify(workspace, manifest.index_version)


def _files(workspace: Workspace, manifest: IndexManifest, encoder: Path) -> list[ManifestFile]:
    """The version's manifest, its encoder's record, and the encoder's card where it has one."""
    files = [
        manifest_file(workspace, manifest.index_version),
        record_file(workspace, manifest.encoder_version),
    ]
    card = card_file(encoder)
    return [*files, card] if card.path.is_file() else files
