"""Checks of an encoder folder before anything in it is loaded: a model folder can carry code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from recsys.encoder.safety import read_json, refuse_code, refuse_code_entries
from recsys.errors import EncoderError

HEAD, PROMPT = "head.safetensors", "prompt.safetensors"
"""A square layer after pooling, and vectors before every text; made by `recsys train`."""
SINGLE_WEIGHTS, SHARDED_WEIGHTS = "model.safetensors", "model.safetensors.index.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".msgpack")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
VOCABULARIES = frozenset(
    {
        "tokenizer.json",
        "vocab.txt",
        "vocab.json",
        "tokenizer.model",
        "spiece.model",
        "sentencepiece.bpe.model",
    }
)


@dataclass(frozen=True)
class EncoderFolder:
    """A folder that passed every check."""

    path: Path
    config: dict[str, Any]
    """Parsed config.json."""
    weights: tuple[Path, ...]
    """Safetensors files, and their index when there is one, in a fixed order."""
    tokenizer: tuple[Path, ...]
    """Tokenizer files, in a fixed order."""
    trained: tuple[Path, ...] = ()
    """`HEAD` and `PROMPT` where they are there."""


def verify(path: Path) -> EncoderFolder:
    """The folder's parts, or `EncoderError` naming what was expected, found, and where.

    Refused: Python files and custom-code entries, attention kernels from elsewhere, adapters,
    quantised weights, weights only as pickles, unreadable or cut-off safetensors.
    """
    refuse_code(path)
    config = read_json(path / "config.json")
    refuse_code_entries(config, path / "config.json")
    require_model_type(config, path)
    trained = tuple(path / name for name in (HEAD, PROMPT) if (path / name).is_file())
    folder = EncoderFolder(path, config, weight_files(path), _tokenizer(path), trained)
    for file in (*folder.weights, *folder.trained):
        check_safetensors(file)
    return folder


def require_model_type(config: dict[str, Any], path: Path) -> str:
    """The architecture that config.json names; raises `EncoderError` without one."""
    kind = config.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise EncoderError(
            "config.json names no architecture", expected="model_type", found=repr(kind), where=str(path)
        )
    return kind


def weight_files(path: Path) -> tuple[Path, ...]:
    """Safetensors files of a folder in a fixed order; raises `EncoderError` where there are none."""
    if (path / SINGLE_WEIGHTS).is_file():
        return (path / SINGLE_WEIGHTS,)
    if (path / SHARDED_WEIGHTS).is_file():
        return _sharded_weights(path)
    pickles = sorted(file.name for file in path.iterdir() if file.suffix in PICKLE_SUFFIXES)
    raise EncoderError(
        "no safetensors weights; weights in other formats can run code and are never loaded",
        expected=SINGLE_WEIGHTS,
        found=", ".join(pickles) or "no weights",
        where=str(path),
    )


def _sharded_weights(path: Path) -> tuple[Path, ...]:
    names = read_json(path / SHARDED_WEIGHTS).get("weight_map")
    files = sorted(set(map(str, names.values()))) if isinstance(names, dict) else []
    bad = [name for name in files if Path(name).name != name or not (path / name).is_file()]
    if not files or bad:
        raise EncoderError(
            "the weights' index does not fit the folder",
            expected="safetensors files beside the index",
            found=", ".join(bad) or "no weight_map",
            where=str(path),
        )
    return (path / SHARDED_WEIGHTS, *(path / name for name in files))


def _tokenizer(path: Path) -> tuple[Path, ...]:
    files = tuple(path / name for name in TOKENIZER_FILES if (path / name).is_file())
    if not VOCABULARIES & {file.name for file in files}:
        raise EncoderError("no tokenizer", expected="tokenizer.json or a vocabulary file", where=str(path))
    settings = path / "tokenizer_config.json"
    if settings in files:
        refuse_code_entries(read_json(settings), settings)
    return files


def check_safetensors(file: Path) -> None:
    """Raise `EncoderError` unless the file is whole and holds tensors."""
    if file.name == SHARDED_WEIGHTS:
        return
    try:
        with safe_open(file, framework="numpy") as tensors:
            count = len(list(tensors.keys()))
    except (SafetensorError, OSError) as error:
        raise EncoderError(
            f"{file.name} is not whole", expected="a readable safetensors file",
            found=f"{file.stat().st_size} bytes, {error}", where=str(file.parent),
        ) from error  # fmt: skip
    if not count:
        raise EncoderError(f"{file.name} is empty", expected="tensors", found="none", where=str(file.parent))
