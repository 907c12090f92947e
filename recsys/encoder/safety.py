"""What an encoder folder may not carry: anything that could run code while it is loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recsys.errors import EncoderError

LOCAL_ATTENTION = frozenset({"eager", "sdpa"})


def refuse_code(path: Path) -> None:
    """Raise `EncoderError` when the folder holds Python files or is an adapter to another model."""
    scripts = sorted(file.name for file in path.rglob("*.py"))
    if scripts:
        raise EncoderError(
            "an encoder folder may not carry Python files", found=", ".join(scripts), where=str(path)
        )
    if (path / "adapter_config.json").exists():
        raise EncoderError(
            "this is an adapter, not a whole encoder", expected="merged weights", found="adapter_config.json",
            where=str(path),
        )  # fmt: skip


def refuse_code_entries(config: dict[str, Any], file: Path) -> None:
    """Raise `EncoderError` when parsed settings name custom code, remote kernels or quantisation."""
    try:
        entries = list(_code_entries(config))
    except RecursionError:
        entries = ["nesting too deep to check"]
    for found in entries:
        raise EncoderError(
            f"{file.name} asks for code this product never runs", found=found, where=str(file.parent)
        )


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in `file`; anything else raises `EncoderError`."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderError(
            f"{file.name} cannot be read",
            expected="a JSON object",
            found=type(error).__name__,
            where=str(file.parent),
        ) from error
    if not isinstance(content, dict):
        raise EncoderError(
            f"{file.name} is malformed",
            expected="a JSON object",
            found=type(content).__name__,
            where=str(file.parent),
        )
    return content


def _code_entries(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        if "auto_map" in value:
            yield "auto_map"
        if "quantization_config" in value:
            yield "quantization_config"
        for name, inner in value.items():
            yield from _code_entries(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _code_entries(inner, key)
    if ("implementation" in key or key == "use_kernels") and not _is_local_attention(value):
        yield f"{key}={value!r}"


def _is_local_attention(value: Any) -> bool:
    return value is None or isinstance(value, bool) or (isinstance(value, str) and value in LOCAL_ATTENTION)
