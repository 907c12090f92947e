"""Frames taken evenly of a film: a video file, or a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from recsys.channels.images import open_image
from recsys.config import MediaLimits
from recsys.errors import ConfigError, UnreadableFileError
from recsys.workspace import leads_inside

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg"
"""Containers that hold their film themselves; playlists, which name other files, are not among them."""
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"})


def require_video() -> None:
    """Raise `ConfigError` naming the extra when the decoder is absent."""
    if find_spec("av") is None:
        raise ConfigError("films cannot be decoded", expected="pip install 'recsys-on-ray[media]'")


def even_frames(path: Path, limits: MediaLimits) -> list[Image.Image]:
    """Up to `limits.num_frames` RGB pictures, from the middles of as many equal parts of the film.

    A folder counts its pictures in the order of their names. Raises `UnreadableFileError` for a film
    without one frame that can be read, `ConfigError` where the extra `media` is not installed.
    """
    if path.is_dir():
        return _of_folder(path, limits)
    require_video()
    if (size := path.stat().st_size) > limits.max_video_bytes:
        raise UnreadableFileError(
            "too_large", expected=f"at most {limits.max_video_bytes} bytes", found=str(size), where=path.name
        )
    return _of_file(path, limits)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder by name; links that lead out of it are left out."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in PICTURES and file.is_file() and leads_inside(file, folder)
    )


def middles(length: int, parts: int) -> list[int]:
    """Places in the middles of `parts` equal parts of `length`, each once, ascending."""
    return sorted({int((part + 0.5) * length / parts) for part in range(parts)}) if length else []


def _of_folder(folder: Path, limits: MediaLimits) -> list[Image.Image]:
    files = pictures_in(folder)
    if not files:
        raise UnreadableFileError("broken_video", expected="pictures in the folder", where=folder.name)
    return [open_image(files[place], limits) for place in middles(len(files), limits.num_frames)]


def _of_file(path: Path, limits: MediaLimits) -> list[Image.Image]:
    import av  # an extra

    frames: list[Image.Image] = []
    found = "no frame"
    try:
        # By handle and list, so that what is inside cannot have another file or address opened.
        with (
            path.open("rb") as content,
            av.open(content, options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}) as film,
        ):
            if not film.streams.video:
                found = "no picture track"
            else:
                frames = list(_sampled(film, limits))
    except (av.FFmpegError, OSError, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
    if not frames:
        raise UnreadableFileError("broken_video", expected="a film", found=found[:200], where=path.name)
    return frames


def _sampled(film: Any, limits: MediaLimits) -> Iterator[Image.Image]:
    """Seeks where the length is known and the film is long, else decodes once from its beginning."""
    stream = film.streams.video[0]
    _require_size(stream.codec_context, limits)
    stream.thread_type = "AUTO"
    if not stream.duration or not stream.time_base:
        yield from _counted(film, stream, limits)
        return
    start = stream.start_time or 0
    for wanted in ((part + 0.5) / limits.num_frames for part in range(limits.num_frames)):
        time = start + int(wanted * stream.duration)
        film.seek(time, stream=stream)
        frame = next((f for f in film.decode(stream) if f.pts is None or f.pts >= time), None)
        if frame is not None:
            yield _picture(frame, limits)


def _counted(film: Any, stream: Any, limits: MediaLimits) -> Iterator[Image.Image]:
    """Of a film that does not say how long it is: every so many frames, thinned out as it goes on."""
    kept: list[Image.Image] = []
    step = 1
    for number, frame in enumerate(film.decode(stream)):
        if number % step == 0:
            kept.append(_picture(frame, limits))
        if len(kept) >= 4 * limits.num_frames:
            kept, step = kept[::2], step * 2
    yield from (kept[place] for place in middles(len(kept), limits.num_frames))


def _picture(frame: Any, limits: MediaLimits) -> Image.Image:
    _require_size(frame, limits)
    picture: Image.Image = frame.to_image()
    return picture


def _require_size(sized: Any, limits: MediaLimits) -> None:
    if sized.width * sized.height > limits.max_pixels:
        raise ValueError(f"frames of more than {limits.max_pixels} pixels")


def mean_vector(vectors: np.ndarray) -> np.ndarray:
    """`[W] float32`: the unit mean of frames `[F, W]`; the first frame's where they cancel out."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 1e-6 else vectors[0], np.float32)
