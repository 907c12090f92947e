"""A catalog of films from made clips, titles and subtitles to lists: the whole way on the command line."""

from __future__ import annotations

import asyncio
import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from jobs.cli import app
from recsys.config import ServeConfig
from recsys.encoder import TextEncoder
from recsys.encoder_record import load_encoder_config
from recsys.index import current_version, load_manifest
from recsys.shop import make_shop
from recsys.workspace import Workspace
from tests.serve.conftest import SmallShop, assemble_inline, client_of
from tests.tiny_encoders import tiny_bert, tiny_clip
from tests.unit.channels.pictures import save_film

pytestmark = pytest.mark.timeout(300)
MOODS = ("ship", "garden", "kitchen", "music")
PER_MOOD = 6
SHELVES = Path(__file__).parents[2] / "docs" / "films.json"
MINE = (("film-04", 0.97, 30), ("film-09", 0.6, 20), ("film-10", 0.15, 2), ("film-08", 0.95, 10))
"""What one viewer has played: film, share, hours ago."""


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
        rows.writerow(["user_id", "item_id", "event_type", "progress", "occurred_at"])
        begin = datetime.now(UTC) - timedelta(days=40)
        for user in range(40):
            for step in range(4):
                film = user % len(MOODS) + len(MOODS) * ((user // len(MOODS) + step) % PER_MOOD)
                rows.writerow(
                    [
                        f"u{user}",
                        f"film-{film:02}",
                        "view",
                        1.0,
                        (begin + timedelta(days=9 * step, minutes=user)).isoformat(),
                    ]
                )
        for item_id, share, hours in MINE:
            at = datetime.now(UTC) - timedelta(hours=hours)
            rows.writerow(["me", item_id, "played", share, at.isoformat()])
    return root


@pytest.fixture(scope="module")
def fitted(films: Path) -> Workspace:
    """The films imported, encoded by text and frames, fitted and published in two shards."""
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
    report = run("fit", "--split", "leave-one-out", "--trials", "1", "--shards", "2", "--force", *place)
    assert report["items"] == len(MOODS) * PER_MOOD + 1
    return Workspace(films / "shop")


def test_films_are_imported_with_what_is_said_in_them_encoded_and_fitted(fitted: Workspace) -> None:
    listed = run("channel", "list", "--workspace", str(fitted.root))
    assert listed["film"].startswith("video, 32 wide")


def test_the_published_films_are_served_on_the_shelves_of_a_film_site(fitted: Workspace) -> None:
    manifest = load_manifest(fitted, current_version(fitted))
    encoder = TextEncoder.load(load_encoder_config(fitted, manifest.encoder_version))
    shop = SmallShop(fitted, encoder, make_shop(num_items=50, num_shoppers=1))
    config = ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)

    async def shelves() -> dict[str, Any]:
        async with client_of(assemble_inline(shop, config)) as client:
            return await asked(client)

    found = asyncio.run(shelves())
    going_on = found["continue"]["items"]
    assert [(one["item_id"], one["reasons"][0]["text"]) for one in going_on] == [
        ("film-10", "Watched to 15%"),
        ("film-09", "Watched to 60%"),
    ]
    like = found["because"]["items"]
    assert {one["reasons"][0]["text"] for one in like} == {"Because you watched Film 8"}
    assert len(like) == 5
    assert not {one["item_id"] for one in like} & {film for film, *_ in MINE}
    home = {one["item_id"] for one in found["film_home"]["items"]}
    assert len(home) == 5
    assert not home & {one["item_id"] for one in (*going_on, *like)}, "no film stands on two shelves"


async def asked(client: httpx.AsyncClient) -> dict[str, Any]:
    """The lists of one page, after the site's scenarios are put."""
    scenarios = json.loads(SHELVES.read_text(encoding="utf-8"))
    for name, body in scenarios.items():
        assert (await client.put(f"/v1/scenarios/{name}", json=body)).status_code == 200
    lists = [{"name": name, "scenario": name, "n": 5} for name in ("continue", "because", "film_home")]
    answer = await client.post("/v1/lists", json={"user_id": "me", "lists": lists})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["lists"]
    return found
