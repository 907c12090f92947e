"""Loading a verified folder: tokenizer and the encoder half of its network, never its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoTokenizer,
    MT5EncoderModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    T5EncoderModel,
    UMT5EncoderModel,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.utils import logging as transformers_logging

from recsys.encoder.folder import EncoderFolder
from recsys.errors import EncoderError

ENCODER_HALVES: dict[str, Any] = {"t5": T5EncoderModel, "mt5": MT5EncoderModel, "umt5": UMT5EncoderModel}
"""Architectures of which only the encoder half is built; all others go through AutoModel."""

_SAFE = {"trust_remote_code": False, "local_files_only": True}
_LOAD_FAULTS = (
    OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError,
    SafetensorError, StrictDataclassError,
)  # fmt: skip
# Positions before the padding id are never used by this family.
_OFFSET_POSITIONS = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet", "longformer"})


def load_backbone(
    folder: EncoderFolder, device: torch.device, kind: Any = None, **more: Any
) -> PreTrainedModel:
    """The float32 network in evaluation mode on `device`. Raises `EncoderError`.

    A weight the architecture needs and the folder lacks is an error, since it would be random. `kind`
    is the transformers class to build, by `model_type` when absent; `more` goes to its `from_pretrained`.
    """
    kind = kind or ENCODER_HALVES.get(folder.config["model_type"], AutoModel)
    try:
        with quiet_transformers():
            model, report = kind.from_pretrained(
                folder.path,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **_SAFE,
                **more,
            )
    except _LOAD_FAULTS as error:
        raise refused("the encoder's weights or config cannot be loaded", folder, error) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing or report.get("mismatched_keys"):
        raise EncoderError(
            "the weights do not fit the architecture",
            expected=f"every weight of {folder.config['model_type']}",
            found=f"{len(missing)} absent, such as {missing[:3]}" if missing else "other shapes",
            where=str(folder.path),
        )
    if getattr(model.config, "is_encoder_decoder", False) and hasattr(model, "get_encoder"):
        model = model.get_encoder()
    network: PreTrainedModel = model.eval().to(device)
    return network


def load_masked_head(folder: EncoderFolder) -> PreTrainedModel:
    """The float32 network with its head for hidden words, a fresh one where the folder has none.

    Raises `EncoderError` for an architecture that guesses no hidden words.
    """
    kind = folder.config["model_type"]
    if kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise EncoderError(
            "this encoder has no head for hidden words",
            expected="a BERT-like network, or --objective title-description or dropout-views",
            found=kind,
            where=str(folder.path),
        )
    try:
        with quiet_transformers():
            model: PreTrainedModel = AutoModelForMaskedLM.from_pretrained(
                folder.path, use_safetensors=True, dtype=torch.float32, **_SAFE
            )
    except _LOAD_FAULTS as error:
        raise refused("the encoder's weights or config cannot be loaded", folder, error) from error
    return model


def load_tokenizer(folder: EncoderFolder) -> PreTrainedTokenizerFast:
    """The folder's fast tokenizer. Raises `EncoderError`."""
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder.path, use_fast=True, **_SAFE)
    except Exception as error:  # the tokenizers library raises bare Exception on bad files
        raise refused("the tokenizer cannot be loaded", folder, error) from error
    if not isinstance(getattr(tokenizer, "backend_tokenizer", None), Tokenizer):
        raise EncoderError(
            "a fast tokenizer is needed", expected="tokenizer.json", found=type(tokenizer).__name__,
            where=str(folder.path),
        )  # fmt: skip
    fast: PreTrainedTokenizerFast = tokenizer
    return fast


def position_limit(config: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> int | None:
    """Most tokens the network has positions for, or None when it has no such limit."""
    limits = [config.get("max_position_embeddings"), config.get("n_positions")]
    if config["model_type"] in ENCODER_HALVES:  # relative positions
        limits = []
    if config["model_type"] in _OFFSET_POSITIONS:
        limits = [limit - 2 for limit in limits if isinstance(limit, int)]
    limits.append(tokenizer.model_max_length)
    known = [limit for limit in limits if isinstance(limit, int) and 0 < limit < 10**9]
    return min(known, default=None)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars or load reports on the user's terminal while loading."""
    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def refused(what: str, folder: EncoderFolder, error: Exception) -> EncoderError:
    """What a library says of a folder, as one line."""
    lines = str(error).strip().splitlines() or [""]
    return EncoderError(what, found=f"{type(error).__name__}: {lines[0][:300]}", where=str(folder.path))
