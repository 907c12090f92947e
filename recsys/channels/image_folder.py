"""Checks of an image encoder's folder, and the name of the space its vectors are in."""

from __future__ import annotations

import hashlib
from pathlib import Path

from recsys.config import ImageEncoderConfig
from recsys.encoder.folder import EncoderFolder, check_safetensors, require_model_type, weight_files
from recsys.encoder.safety import read_json, refuse_code, refuse_code_entries
from recsys.encoder.sources import short_name
from recsys.errors import EncoderError

PREPROCESSOR = "preprocessor_config.json"
IMAGE_CODE_VERSION = "1"
"""Raised whenever our own code (opening, pooling, normalising, taking frames) changes any vector."""


def verify_image_folder(config: ImageEncoderConfig) -> EncoderFolder:
    """The parts of a local folder; raises `EncoderError` naming what was expected, found, and where.

    The same is refused as of a text encoder's folder: code, adapters, quantised weights, pickles. Hub
    names are not looked up: pictures are encoded by what lies on the machine.
    """
    path = Path(config.source).expanduser()
    if not config.source.strip() or not path.is_dir():
        raise EncoderError("no such image encoder", expected="a local folder", found=config.source[:200])
    path = path.resolve()
    refuse_code(path)
    settings = read_json(path / "config.json")
    refuse_code_entries(settings, path / "config.json")
    require_model_type(settings, path)
    refuse_code_entries(read_json(path / PREPROCESSOR), path / PREPROCESSOR)
    folder = EncoderFolder(path, settings, weight_files(path), ())
    for file in folder.weights:
        check_safetensors(file)
    return folder


def image_encoder_version(folder: EncoderFolder) -> str:
    """`<name>-<12 hex>`: weights, config, preprocessing and our code."""
    digest = hashlib.sha256(IMAGE_CODE_VERSION.encode())
    for file in (folder.path / "config.json", folder.path / PREPROCESSOR, *folder.weights):
        with file.open("rb") as content:
            part = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(f"\n{file.name} {part}".encode())
    return f"{short_name(str(folder.path))}-{digest.hexdigest()[:12]}"
