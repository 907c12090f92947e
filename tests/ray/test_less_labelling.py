"""The commands for shops that know little, on one small shop: choose, search, use what was found, train."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from recsys.errors import ConfigError, InputError
from recsys.shop import make_shop
from tests.serve.conftest import NOW, make_small_shop

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("ray_cluster")]


def run(*arguments: str | Path) -> dict[str, object]:
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_shop_chooses_searches_fits_and_trains_on_texts(tmp_path: Path, tiny_bert: Path) -> None:
    shop, out = tmp_path / "shop", tmp_path / "next.csv"
    make_small_shop(shop, tiny_bert, make_shop(num_items=80, num_shoppers=60, now=NOW))
    busiest = run("label", "choose", "-w", shop, "-n", "5", "--by", "traffic", "--out", out)
    assert 0.0 < float(str(busiest["traffic_newly_known"])) < 1.0
    run("label", "choose", "-w", shop, "-n", "5", "--out", out)
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["place"] for row in rows] == ["1", "2", "3", "4", "5"]
    gains = [float(row["gain"]) for row in rows]
    assert gains == sorted(gains, reverse=True)
    assert all(row["reason"] and row["title"] for row in rows)

    search = ("tune", "signals", "-w", shop, "--split", "leave-one-out", "--trials", "2")
    found = run(*search)
    assert len(found["trials"]) == 2  # type: ignore[arg-type]
    report = (shop / "tuning" / "signals" / "tuning.md").read_text()
    assert "test, new items" in report
    assert "(today" in report
    refused = CliRunner().invoke(app, [*map(str, search)])
    assert isinstance(refused.exception, ConfigError)
    other = CliRunner().invoke(app, [*map(str, search), "--resume", "--seed", "3"])
    assert isinstance(other.exception, ConfigError)
    again = run(*search, "--resume")
    assert again["trials"] == found["trials"]

    settings = shop / "tuning" / "signals" / "settings.json"
    fitted = run("fit", "-w", shop, "--split", "leave-one-out", "--settings", settings, "--trials", "4")
    chosen = json.loads(settings.read_text())["settings"]
    assert fitted["settings"] == chosen
    wrong = CliRunner().invoke(app, ["fit", "-w", str(shop), "--settings", str(out)])
    assert isinstance(wrong.exception, InputError)

    tuned = run("tune", "encoder", "-w", shop, "--split", "leave-one-out", "--trials", "2", "--epochs", "2")
    assert str(tuned["use"]).startswith("recsys train -w shop --mode head --objective contrastive")
    trained = run(
        "train", "-w", shop, "--objective", "title-description", "--batch", "16", "--epochs", "1",
        "--split", "leave-one-out",
    )  # fmt: skip
    card = json.loads((Path(str(trained["encoder"])) / "card.json").read_text())
    assert (card["learned_from"], card["judged_by"]) == ("texts", "held-out events")
