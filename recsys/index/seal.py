"""The seal of a manifest: a digest of its own bytes. It tells damage from what another release wrote."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from recsys.errors import IndexCorruptError, IndexFormatError, IndexVersionError
from recsys.index.manifest import IndexManifest

UNSEALED = "0" * 64
"""What stands in the place of the seal while it is computed."""


def sealed(manifest: IndexManifest) -> tuple[IndexManifest, bytes]:
    """The manifest with its seal, and the bytes to write."""
    content = manifest.model_copy(update={"seal": UNSEALED}).model_dump_json(indent=2).encode()
    seal = _seal_of(content, UNSEALED)
    return manifest.model_copy(update={"seal": seal}), content.replace(UNSEALED.encode(), seal.encode(), 1)


def read_sealed(content: bytes, where: str) -> IndexManifest:
    """The manifest in these bytes.

    Raises `IndexCorruptError` when it is not valid or its seal is broken, `IndexFormatError` when another
    release wrote it. The content's digest in a version's name covers what decides answers; the seal covers
    the rest, such as the number of the last catalog change in it.
    """
    try:
        manifest = IndexManifest.model_validate_json(content)
    except ValidationError as error:
        raise _refusal(content, where, error) from error
    if manifest.seal and (digest := _seal_of(content, manifest.seal)) != manifest.seal:
        raise IndexCorruptError(
            "a manifest was altered", expected=manifest.seal[:80], found=digest, where=where
        )
    return manifest


def require_complete(manifest: IndexManifest) -> None:
    """Raise where files are not named that this release needs; the caller knows that nothing was altered."""
    if manifest.is_complete:
        return
    if manifest.seal:
        raise IndexCorruptError("a manifest lacks files", where=manifest.index_version)
    raise IndexFormatError("an older release wrote the index version", where=manifest.index_version)


def _refusal(content: bytes, where: str, error: ValidationError) -> IndexVersionError:
    """Why bytes are no manifest of this release: the seal says whether they are as they were written."""
    fields = _fields(content)
    seal = fields.get("seal")
    if isinstance(seal, str) and seal and _seal_of(content, seal) == seal:
        found = ", ".join(repr(name[:40]) for name in sorted(set(fields) - set(IndexManifest.model_fields)))
        return IndexFormatError(
            "a newer release wrote the index version",
            found=f"unknown: {found or _first(error)}"[:300],
            where=where,
        )
    if fields and not seal:
        return IndexFormatError(
            "an older release wrote the index version, or it is damaged", found=_first(error), where=where
        )
    return IndexCorruptError("a manifest is not valid", found=str(error)[:300], where=where)


def _fields(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"[:200]


def _seal_of(content: bytes, seal: str) -> str:
    return sha256(content.replace(seal.encode(), UNSEALED.encode(), 1)).hexdigest()
