"""What films bring where they drive behaviour: no frame, one frame, more frames.

    python -m tests.benchmarks.films

The made shop of `tests.benchmarks.media`, with a film in place of each picture: an MP4 file of 40 scenes that
opens and closes with titles. Half of its scenes show the item's own look, the others anything. Files are
sampled as `recsys channel embed film --kind video` samples them, frames are encoded by statistics of pixels.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from PIL import Image

from recsys.channels import ChannelBlock
from recsys.channels.frames import even_frames, mean_vector
from recsys.config import MediaLimits
from recsys.dataset import Dataset
from recsys.metrics import mean_interval, paired_difference
from tests.benchmarks.media import (
    COLOURS,
    SHAPES,
    Rng,
    draw,
    make_shop,
    measure,
    pixel_statistics,
    traits,
    unit,
)

SCENES, FRAMES_A_SCENE, TITLES, OWN = 40, 3, 4, 0.5
FRAMES = (1, 4, 8, 16)


def scenes(colour: int, shape: int, rng: Rng) -> Iterator[Image.Image]:
    """Titles, scenes of which a half show the look, titles."""
    for place in range(SCENES):
        if min(place, SCENES - 1 - place) < TITLES // 2:
            yield Image.new("RGB", (32, 32), (12, 12, 12))
        elif rng.random() < OWN:
            yield draw(colour, shape, rng)
        else:
            yield draw(int(rng.integers(len(COLOURS))), int(rng.integers(SHAPES)), rng)


def write_film(path: Path, pictures: Iterator[Image.Image]) -> None:
    """An MP4 file in which each picture stands for a few frames."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 32, 32, "yuv420p", 400_000
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            for _ in range(FRAMES_A_SCENE):  # a frame that was encoded has a time of its own
                film.mux(stream.encode(frame.reformat(format="yuv420p")))
        film.mux(stream.encode())


def film_vectors(seed: int, folder: Path) -> dict[int, np.ndarray]:
    """`[N, W]` unit vectors of the shop's films by the number of frames that were taken of each."""
    _, colour, shape, _ = traits(np.random.default_rng(seed))
    rng = np.random.default_rng([seed, 5])
    found: dict[int, list[np.ndarray]] = {num: [] for num in FRAMES}
    for number, (one, other) in enumerate(zip(colour, shape, strict=True)):
        path = folder / f"{number}.mp4"
        write_film(path, scenes(int(one), int(other), rng))
        for num, rows in found.items():
            frames = even_frames(path, MediaLimits(num_frames=num))
            rows.append(mean_vector(unit(np.stack([pixel_statistics(frame) for frame in frames]))))
        path.unlink()
    return {num: np.stack(rows) for num, rows in found.items()}


def shops(seed: int, folder: Path) -> dict[int, Dataset]:
    """The shop of one seed with the vectors of its films, by number of frames."""
    shop = make_shop(seed)
    films = film_vectors(seed, folder)
    block = ChannelBlock("video", "pixel-statistics", shop.channels[0].vectors)
    return {num: replace(shop, channels=[replace(block, vectors=rows)]) for num, rows in films.items()}


def table(parts: list[dict[int, tuple[dict[str, np.ndarray], np.ndarray, list[str]]]]) -> Iterator[str]:
    """One row for text alone and one for each number of frames, against text and against one frame."""
    by_look = np.concatenate([part[1][1] for part in parts])
    method = "shares by category"
    texts = np.concatenate([part[1][0]["text alone"] for part in parts])
    once = np.concatenate([part[1][0][method] for part in parts])
    yield f"| text alone | {mean_interval(texts).mean:.4f} | | | | |"
    for num in FRAMES:
        own = np.concatenate([part[num][0][method] for part in parts])
        less = [paired_difference(own[rows], texts[rows]) for rows in (..., by_look, ~by_look)]
        less.append(paired_difference(own, once))
        shown = [f"{one.mean:+.4f} [{one.low:+.4f}, {one.high:+.4f}]" for one in less]
        yield f"| {num} | {mean_interval(own).mean:.4f} | {' | '.join(shown)} |"
    yield ""
    yield from (f"{num} frames: shares of seed 0 {parts[0][num][2][1]}" for num in FRAMES)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    with tempfile.TemporaryDirectory() as folder:
        made = [shops(seed, Path(folder)) for seed in seeds]
    parts = [{num: measure(shop) for num, shop in one.items()} for one in made]
    print("| frames | NDCG@10 | less text alone [95 %] | looks drive | words drive | less one frame |")
    print("|---|---|---|---|---|---|")
    print("\n".join(table(parts)))


if __name__ == "__main__":
    main()
