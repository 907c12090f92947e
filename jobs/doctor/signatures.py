"""Who may have made what is served: signing keys, trusted keys, and the published version's signature."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.doctor.finding import Finding, failed, ok, warning
from recsys.errors import ConfigError
from recsys.index import IndexManifest
from recsys.index.manifest import manifest_file
from recsys.signing import key_id, signing_key, trusted_keys
from recsys.workspace import Workspace

NAME = "signatures"


def examine_signatures(workspace: Workspace, manifest: IndexManifest) -> Iterator[Finding]:
    """Whether a version that somebody else wrote into the workspace would be served.

    `manifest` was loaded, so that where keys are trusted one of them signed it.
    """
    try:
        trusted, signing = trusted_keys(), signing_key()
    except ConfigError as error:
        yield failed(NAME, str(error), "recsys signing-keys show, with the keys mended")
        return
    if not trusted:
        found = "no trusted keys: hashes tell accidents, not whoever can write the workspace"
        yield ok(NAME, f"{found} (recsys signing-keys create)")
        return
    signer = manifest_file(workspace, manifest.index_version).signer()
    if signing is not None and key_id(signing) not in trusted:
        found = f"what is made here is signed by {key_id(signing)}, which is not trusted here"
        yield warning(NAME, found, "add its public key to RECSYS_TRUSTED_KEYS: recsys signing-keys show")
    else:
        yield ok(NAME, f"signed by {signer}; {len(trusted)} trusted keys")
