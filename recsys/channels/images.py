"""Opening a shop's picture: bounded, of few formats, never more than the picture itself."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

from PIL import Image, ImageOps

from recsys.config import MediaLimits
from recsys.errors import UnreadableFileError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""Decoders that are tried; others are never reached, whatever a file says it is."""
FAULTS = (
    OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, AttributeError,
    RuntimeError, OverflowError, struct.error, zlib.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
"""What Pillow raises on files that are broken or meant to break it."""


def open_image(path: Path, limits: MediaLimits) -> Image.Image:
    """The first picture of a file as RGB, upright by its EXIF note; transparency becomes white.

    Raises `UnreadableFileError` for a file that is absent, too large or no whole picture of `FORMATS`.
    Size is judged by the header, before pixels are unpacked.
    """
    try:
        if (size := path.stat().st_size) > limits.max_image_bytes:
            raise _refused("too_large", f"at most {limits.max_image_bytes} bytes", f"{size}", path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a broken EXIF note does not spoil a picture
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _upright(image, limits, path)
    except FAULTS as error:
        raise _refused("broken_image", "a whole picture", f"{type(error).__name__}: {error}", path) from error


def _upright(image: Image.Image, limits: MediaLimits, path: Path) -> Image.Image:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise _refused("too_large", f"at most {limits.max_pixels} pixels", f"{width} x {height}", path)
    image.load()
    return flattened(ImageOps.exif_transpose(image))


def flattened(image: Image.Image) -> Image.Image:
    """The picture as RGB on white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        seen = image.convert("RGBA")
        ground = Image.new("RGBA", seen.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, seen).convert("RGB")
    return image.convert("RGB")


def _refused(reason: str, expected: str, found: str, path: Path) -> UnreadableFileError:
    return UnreadableFileError(reason, expected=expected, found=found[:200], where=path.name)
