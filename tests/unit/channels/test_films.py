from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.channels import frames
from recsys.channels.frames import even_frames, mean_vector, middles
from recsys.channels.subtitles import read_subtitles
from recsys.config import MediaLimits
from recsys.errors import ConfigError, UnreadableFileError
from tests.unit.channels.pictures import picture, save_film, save_picture

LIMITS = MediaLimits(num_frames=3)
SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\nA <i>ship</i> sails\n{\\an8}at dawn.\n\n"
    "2\n00:00:03,000 --> 00:00:04,000\n42 sailors &amp; a cat\n"
)
VTT = (
    "WEBVTT\nKind: captions\n\nNOTE nobody says this\n\nSTYLE\n::cue { color: red }\n\nintro\n"
    "00:01.000 --> 00:02.000 align:start\n<v Anna>你好，世界\n\n00:02.000 --> 00:03.000\n你好，世界\n\n"
    "00:03.000 --> 00:04.000\nAhoy\n"
)


def colour(image: object) -> np.ndarray:
    return np.asarray(np.asarray(image, np.float64).reshape(-1, 3).mean(0))


def test_frames_come_evenly_from_a_film_in_its_order(tmp_path: Path) -> None:
    film = save_film(tmp_path / "film.mp4", [1, 2, 3])
    found = even_frames(film, LIMITS)
    assert len(found) == 3
    for frame, seed in zip(found, [1, 2, 3], strict=True):
        np.testing.assert_allclose(colour(frame), colour(picture(seed, (64, 48))), atol=12)


def test_a_folder_of_frames_is_a_film_too(tmp_path: Path) -> None:
    for number in range(9):
        save_picture(tmp_path / "film" / f"{number}.png", number)
    (tmp_path / "film" / "notes.txt").write_text("x")
    found = even_frames(tmp_path / "film", LIMITS)
    assert [colour(one).tolist() for one in found] == [colour(picture(n)).tolist() for n in (1, 4, 7)]
    assert len(even_frames(tmp_path / "film", MediaLimits(num_frames=50))) == 9


def test_middles_are_even_distinct_and_inside() -> None:
    assert middles(9, 3) == [1, 4, 7]
    assert middles(2, 8) == [0, 1]
    assert middles(0, 3) == []


def test_what_is_no_film_is_refused_also_a_list_that_names_other_files(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("no film")
    real = save_film(tmp_path / "real.mp4", [1])
    (tmp_path / "cut.mp4").write_bytes(real.read_bytes()[:80])
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile://{real}\n#EXT-X-ENDLIST\n"
    (tmp_path / "list.m3u8").write_text(playlist)
    (tmp_path / "list.mp4").write_text(playlist)
    (tmp_path / "concat.mp4").write_text(f"ffconcat version 1.0\nfile {real.name}\n")
    for name in ("empty", "text.mp4", "cut.mp4", "list.m3u8", "list.mp4", "concat.mp4"):
        with pytest.raises(UnreadableFileError, match="broken_video"):
            even_frames(tmp_path / name, LIMITS)
    with pytest.raises(UnreadableFileError, match="too_large"):
        even_frames(real, MediaLimits(max_video_bytes=10))
    with pytest.raises(UnreadableFileError, match="broken_video"):
        even_frames(real, MediaLimits(max_pixels=100))


def test_without_the_extra_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"recsys-on-ray\[media\]"):
        even_frames(tmp_path / "film.mp4", LIMITS)


def test_a_film_is_the_unit_mean_of_its_frames_in_whatever_order() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    np.testing.assert_allclose(mean_vector(vectors), np.array([2, 1]) / 5**0.5, atol=1e-6)
    assert (mean_vector(vectors) == mean_vector(vectors[::-1])).all()
    opposed = np.array([[1, 0], [-1, 0]], np.float32)
    assert (mean_vector(opposed) == opposed[0]).all()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_subtitles_are_what_is_said(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.srt").write_text(SRT.replace("\n", "\r\n"), encoding=encoding)
    assert read_subtitles(tmp_path / "a.srt") == "A ship sails at dawn. 42 sailors & a cat"
    (tmp_path / "a.vtt").write_text(VTT, encoding=encoding)
    assert read_subtitles(tmp_path / "a.vtt") == "你好，世界 Ahoy"


def test_files_without_times_and_absent_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.srt").write_text("just words")
    for name in ("x.srt", "absent.srt"):
        with pytest.raises(UnreadableFileError, match="broken_subtitles"):
            read_subtitles(tmp_path / name)
