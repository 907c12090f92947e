"""Two shops train one encoder on a real Ray; each finds it in its own workspace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster.federation import ShopPart, federate
from jobs.cli import app
from recsys.config import EncoderConfig, TrainConfig
from recsys.encoder import TextEncoder
from recsys.encoder.folder import HEAD
from recsys.errors import InputError
from recsys.shop import make_shop
from tests.serve.conftest import NOW, make_small_shop


@pytest.mark.usefixtures("ray_cluster")
def test_two_shops_end_with_the_same_weights_and_none_saw_the_other(tmp_path: Path, tiny_bert: Path) -> None:
    for number, name in enumerate(("books", "garden")):
        made = make_shop(num_items=100, num_shoppers=60, now=NOW, seed=number)
        make_small_shop(tmp_path / name, tiny_bert, made)
    command = ["federate", "--rounds", "2", "--batch", "16", "--name", "both", "--json"]
    shops = [argument for name in ("books", "garden") for argument in ("--shop", str(tmp_path / name))]
    said = CliRunner().invoke(app, [*command, *shops])
    assert said.exit_code == 0, said.output
    assert set(json.loads(said.stdout)) >= {"encoder", "rounds", "books", "garden"}
    folders = [tmp_path / name / "encoders" / "both" for name in ("books", "garden")]
    heads = [(folder / HEAD).read_bytes() for folder in folders]
    assert heads[0] == heads[1]
    card = json.loads((folders[0] / "card.json").read_text())
    assert (card["federated_shops"], card["rounds"]) == (2, 2)
    assert "garden" not in (folders[0] / "card.json").read_text()
    vectors = TextEncoder.load(EncoderConfig(source=str(folders[0]), max_tokens=64)).encode(["a lamp"])
    assert vectors.shape[0] == 1
    again = CliRunner().invoke(app, [*command, *shops])
    assert isinstance(again.exception, InputError)
    alone = CliRunner().invoke(app, [*command, "--shop", str(tmp_path / "books")])
    assert isinstance(alone.exception, InputError)


def test_shops_of_different_encoders_are_refused(tmp_path: Path) -> None:
    parts = [ShopPart(tmp_path, "sqlite://", version) for version in ("a", "b")]
    with pytest.raises(InputError, match="different encoders"):
        federate(parts, TrainConfig(), 1, lambda shop, config: None, [])  # type: ignore[arg-type, return-value]
