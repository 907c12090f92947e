"""Pictures of a catalog become a channel, in this process and on Ray actors alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.database import open_database
from cluster.embedding.channel_job import ChannelReport, embed_channel
from cluster.item_store import ItemStore
from recsys.channels import read_channels
from recsys.channels.image_encoder import ImageEncoder
from recsys.channels.images import open_image
from recsys.config import ChannelConfig, EmbedConfig, ImageEncoderConfig, MediaLimits
from recsys.errors import ConfigError
from recsys.schemas import ITEMS
from recsys.workspace import Workspace
from tests.tiny_encoders import TINY_DIM
from tests.unit.channels.pictures import save_film, save_picture


class Pictures:
    """A shop with a folder of pictures."""

    def __init__(self, root: Path, encoder: Path) -> None:
        self.workspace = Workspace(root / "shop").create()
        self.items = ItemStore(open_database(self.workspace.database_url))
        self.files = root / "files"
        self.files.mkdir(parents=True)
        self.config = ChannelConfig(
            files=self.files, encoder=ImageEncoderConfig(source=str(encoder)), unit_files=3
        )

    def put(self, item_id: str, image_url: str | None, **attributes: str) -> None:
        row = {"item_id": item_id, "title": item_id, "image_url": image_url, "available": True}
        self.items.upsert(pa.Table.from_pylist([row | {"attributes": attributes or None}], schema=ITEMS))

    def embed(self, local: bool = True, **changes: object) -> ChannelReport:
        embed = EmbedConfig(cpus_per_actor=0.5, local_texts=2_000 if local else 0)
        return embed_channel(self.workspace, self.items, self.config.model_copy(update=changes), embed)

    def vectors(self, *item_ids: str) -> np.ndarray:
        (channel,) = read_channels(self.workspace)
        return channel.block(item_ids).vectors


@pytest.fixture
def shop(tmp_path: Path, tiny_clip: Path) -> Pictures:
    """Seven items: two share a picture, one has none, three have faults of their own."""
    shop = Pictures(tmp_path, tiny_clip)
    for seed, name in enumerate(["a", "b", "c"]):
        save_picture(shop.files / f"{name}.png", seed)
        shop.put(name, f"{name}.png")
    shop.put("like-a", "https://shop.example/pictures/a.png?size=2")
    shop.put("plain", None)
    (shop.files / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    shop.put("broken", "broken.jpg")
    shop.put("absent", "absent.jpg")
    shop.put("outside", "../secret.png")
    return shop


def test_good_pictures_get_vectors_and_bad_ones_are_counted(shop: Pictures, tiny_clip: Path) -> None:
    report = shop.embed()
    assert report.refused == {"broken_image": 1, "missing_file": 1, "outside_folder": 1}
    assert (report.items, report.with_vector, report.without_file) == (8, 4, 1)
    assert (report.distinct_files, report.embedded, report.reused) == (4, 3, 0)
    assert report.quarantine_file is not None
    assert sorted(pq.read_table(report.quarantine_file).column("file").to_pylist()) == [
        "absent", "broken", "outside",
    ]  # fmt: skip
    vectors = shop.vectors("a", "b", "like-a", "plain", "broken")
    oracle = ImageEncoder.load(ImageEncoderConfig(source=str(tiny_clip)))
    pictures = [open_image(shop.files / f"{name}.png", MediaLimits()) for name in ("a", "b")]
    np.testing.assert_allclose(vectors[:2], oracle.encode(pictures), atol=1e-5)
    assert (vectors[2] == vectors[0]).all()
    assert (vectors[3:] == 0).all()
    assert vectors.shape == (5, TINY_DIM)


def test_only_what_changed_is_encoded_again(shop: Pictures) -> None:
    shop.embed()
    before = shop.vectors("a", "b", "c")
    assert (shop.embed().embedded, shop.embed().reused) == (0, 3)
    save_picture(shop.files / "b.png", 77)
    save_picture(shop.files / "broken.jpg", 78)  # mended
    shop.put("a", "a.png", colour="red")  # the item changed, not its picture
    report = shop.embed()
    assert (report.embedded, report.reused, report.refused.get("broken_image")) == (2, 2, None)
    after = shop.vectors("a", "b", "c")
    assert (after[[0, 2]] == before[[0, 2]]).all()
    assert np.abs(after[1] - before[1]).max() > 1e-3
    shop.items.delete(["c"])
    shop.embed()
    assert (shop.vectors("c") == 0).all()


def test_ray_actors_give_the_same_channel(shop: Pictures, ray_cluster: None) -> None:
    here = shop.embed()
    expected = shop.vectors("a", "b", "c", "like-a", "broken")
    for file in (shop.workspace.channel("image") / here.version).glob("unit-*"):
        file.unlink()
    there = shop.embed(local=False)
    assert (there.embedded, there.refused) == (here.embedded, here.refused)
    np.testing.assert_allclose(shop.vectors("a", "b", "c", "like-a", "broken"), expected, atol=1e-6)


def test_films_and_folders_of_frames_are_a_channel_too(tmp_path: Path, tiny_clip: Path) -> None:
    shop = Pictures(tmp_path, tiny_clip)
    save_film(shop.files / "film.mp4", [1, 2])
    for number in range(4):
        save_picture(shop.files / "frames" / f"{number}.png", number)
    (shop.files / "bad.mp4").write_bytes(b"no film")
    shop.put("film", None, video="film.mp4")
    shop.put("frames", None, video="frames")
    shop.put("bad", None, video="bad.mp4")
    shop.put("book", "cover.png")
    report = shop.embed(kind="video", limits=MediaLimits(num_frames=4))
    assert (report.with_vector, report.without_file, report.refused) == (2, 1, {"broken_video": 1})
    np.testing.assert_allclose(np.linalg.norm(shop.vectors("film", "frames"), axis=1), 1.0, atol=1e-5)
    fewer = shop.embed(kind="video", limits=MediaLimits(num_frames=2))
    assert fewer.version != report.version
    assert fewer.embedded == 2


def test_a_folder_that_is_not_there_is_said(shop: Pictures, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folder"):
        shop.embed(files=tmp_path / "nowhere")
