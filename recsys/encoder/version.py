"""The name of an embedding space: a digest of everything that shapes the vectors."""

from __future__ import annotations

import hashlib
import json

from recsys.config import EncoderConfig, Precision
from recsys.encoder.choice import settled
from recsys.encoder.folder import EncoderFolder, verify
from recsys.encoder.sources import resolve, short_name
from recsys.errors import EncoderError

ENCODING_VERSION = "1"
"""Raised whenever our own code (cutting, pooling, normalising) changes any vector."""

_WIDTH_KEYS = ("hidden_size", "d_model", "n_embd", "dim")


def encoder_version(config: EncoderConfig) -> str:
    """`<name>-<12 hex>`: the digest covers weights, tokenizer, config.json, pooling, max_tokens, code.

    Backends in fp32 share a version; any other precision has its own with each backend. Verifies the
    folder, does not build the model. Raises `EncoderError`, and `ConfigError` for an impossible pair.
    """
    return version_of(verify(resolve(config.source)), config)


def version_of(folder: EncoderFolder, config: EncoderConfig) -> str:
    """`encoder_version` of a folder that was verified already."""
    config = settled(config)
    settings = {"code": ENCODING_VERSION, "pooling": config.pooling.value, "max_tokens": config.max_tokens}
    if config.precision is not Precision.FP32:
        settings |= {"precision": config.precision.value, "backend": config.backend.value}
    digest = _digest(folder, json.dumps(settings, sort_keys=True))
    return f"{short_name(config.source)}-{digest[:12]}"


def content_digest(folder: EncoderFolder) -> str:
    """64 hex digits that name what is in a verified folder, however it is used."""
    return _digest(folder, "")


def require_content(folder: EncoderFolder, config: EncoderConfig) -> None:
    """Raise `EncoderError` when `config` names another content than the verified folder has."""
    if config.content and (found := content_digest(folder)) != config.content:
        raise EncoderError(
            "the encoder is not the one on record",
            expected=config.content,
            found=found,
            where=str(folder.path),
        )


def embedding_dim(config: EncoderConfig) -> int:
    """Width D of the encoder's embeddings as its config.json states it. Raises `EncoderError`."""
    folder = verify(resolve(config.source))
    for key in _WIDTH_KEYS:
        width = folder.config.get(key)
        if isinstance(width, int) and width > 0:
            return width
    raise EncoderError(
        "config.json states no width", expected=" or ".join(_WIDTH_KEYS), where=str(folder.path)
    )


def _digest(folder: EncoderFolder, settings: str) -> str:
    digest = hashlib.sha256(settings.encode())
    for file in (folder.path / "config.json", *folder.weights, *folder.tokenizer, *folder.trained):
        with file.open("rb") as content:
            part = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(f"\n{file.name} {part}".encode())
    return digest.hexdigest()
