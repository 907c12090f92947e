"""Pictures and films made on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A plain coloured picture with a bar; another one for each seed."""
    rng = np.random.default_rng(seed)
    pixels = np.full((size[1], size[0], 3), rng.integers(0, 255, 3), np.uint8)
    place = int(rng.integers(0, max(size[0] - 8, 1)))
    pixels[:, place : place + 8] = rng.integers(0, 255, 3)
    return Image.fromarray(pixels)


def save_picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed).save(path)
    return path


def save_film(path: Path, seeds: list[int], frames_each: int = 5) -> Path:
    """A film of a few frames for each seed; needs the extra `media`."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for seed in seeds:
            frame = av.VideoFrame.from_ndarray(np.asarray(picture(seed, (64, 48))), format="rgb24")
            for _ in range(frames_each):
                film.mux(stream.encode(frame.reformat(format="yuv420p")))
        film.mux(stream.encode())
    return path
