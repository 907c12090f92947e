"""Signed manifests: who made an artefact, checked before anything in it is believed."""

from recsys.signing.keys import (
    SIGNING_KEY,
    SIGNING_KEY_FILE,
    create_key,
    key_id,
    public_text,
    signing_key,
)
from recsys.signing.manifest_file import SIGNATURE_SUFFIX, ManifestFile
from recsys.signing.trust import TRUSTED_KEYS, trusted_keys

__all__ = [
    "SIGNATURE_SUFFIX",
    "SIGNING_KEY",
    "SIGNING_KEY_FILE",
    "TRUSTED_KEYS",
    "ManifestFile",
    "create_key",
    "key_id",
    "public_text",
    "signing_key",
    "trusted_keys",
]
