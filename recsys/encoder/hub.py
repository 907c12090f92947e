"""An encoder's files from the model hub."""

from __future__ import annotations

from pathlib import Path

import httpx
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from recsys.errors import EncoderError

HUB_FILES = (
    "config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "tokenizer*.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)
"""The only files ever asked of the hub: no code, no pickles."""


def hub_folder(name: str) -> Path:
    """The folder of a hub name, from the cache where it is whole; raises `EncoderError`."""
    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        raise EncoderError(
            f"encoder {name!r} is neither a folder, nor in the local hub cache, nor reachable on the hub",
            expected="an existing folder, `package:NAME`, or network access and HF_HUB_OFFLINE unset",
            found=type(error).__name__,
        ) from error
