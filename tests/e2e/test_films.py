"""A catalog of films from made clips, titles and subtitles to lists: the whole way on the command line."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from tests.tiny_encoders import tiny_bert, tiny_clip
from tests.unit.channels.pictures import save_film

pytestmark = pytest.mark.timeout(300)
MOODS = ("ship", "garden", "kitchen", "music")
PER_MOOD = 6


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output[-2_000:] + str(done.exception)
    return json.loads(done.stdout[done.stdout.index("{") :])


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 clips of a few frames, their subtitles, a table of them, and who watched what."""
    root = tmp_path_factory.mktemp("films")
    with (root / "films.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["item_id", "title", "genre", "video", "subtitles"])
        for number in range(len(MOODS) * PER_MOOD):
            mood = MOODS[number % len(MOODS)]
            save_film(root / "media" / f"{number}.mp4", [number % len(MOODS), 50 + number], frames_each=2)
            cue = f"1\n00:00:01,000 --> 00:00:02,000\nA {mood} in the light\n"
            (root / "media" / f"{number}.srt").write_text(cue)
            rows.writerow([f"film-{number:02}", f"Film {number}", mood, f"{number}.mp4", f"{number}.srt"])
        rows.writerow(["lost", "Lost film", "music", "lost.mp4", "lost.srt"])
    with (root / "watched.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "event_type", "occurred_at"])
        begin = datetime.now(UTC) - timedelta(days=40)
        for user in range(40):
            for step in range(4):
                film = user % len(MOODS) + len(MOODS) * ((user // len(MOODS) + step) % PER_MOOD)
                rows.writerow(
                    [
                        f"u{user}",
                        f"film-{film:02}",
                        "view",
                        (begin + timedelta(days=9 * step, minutes=user)).isoformat(),
                    ]
                )
    return root


def test_films_are_imported_with_what_is_said_in_them_encoded_and_fitted(films: Path) -> None:
    place = ["--workspace", str(films / "shop")]
    items = run("import", "items", str(films / "films.csv"), "--subtitles", str(films / "media"), *place)
    assert items["accepted"] == len(MOODS) * PER_MOOD + 1
    assert items["mended"]["subtitles_missing"] == 1
    run("import", "events", str(films / "watched.csv"), *place)
    run("embed", "--encoder", str(tiny_bert(films / "bert")), "--no-index", *place)
    clip = str(tiny_clip(films / "clip"))
    asked = ["--kind", "video", "--files", str(films / "media"), "--encoder", clip, "--frames", "3"]
    channel = run("channel", "embed", "film", *asked, *place)
    assert (channel["with_vector"], channel["refused"]) == (len(MOODS) * PER_MOOD, {"missing_file": 1})
    again = run("channel", "embed", "film", *place)
    assert (again["embedded"], again["reused"]) == (0, len(MOODS) * PER_MOOD)
    fitted = run("fit", "--split", "leave-one-out", "--trials", "1", "--force", *place)
    assert fitted["items"] == len(MOODS) * PER_MOOD + 1
    listed = run("channel", "list", *place)
    assert listed["film"].startswith("video, 32 wide")
