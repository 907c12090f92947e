from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import ray
from safetensors.torch import load_file, save_file

from cluster.database import open_database
from cluster.embedding import EmbedProgress, EmbedReport, embed_catalog
from cluster.embedding.folder_lock import sole_writer
from cluster.embedding.unit_encoder import MAX_ATTEMPTS, UnitEncoder
from cluster.item_store import ItemStore
from recsys.config import EmbedConfig, EncoderConfig
from recsys.embeddings import read_embeddings, unit_files
from recsys.encoder import TextEncoder, encoder_version
from recsys.errors import CapacityError, EncoderError, OverloadedError
from recsys.schemas import ITEMS
from recsys.text import text_hash
from recsys.workspace import Workspace
from tests.tiny_encoders import WORDS, tiny_bert

pytestmark = pytest.mark.usefixtures("ray_cluster")

SMALL_UNITS = EmbedConfig(unit_texts=8, cpus_per_actor=0.5, local_texts=0)


def titles_of(count: int) -> list[str]:
    return [f"{WORDS[i % 90]} {WORDS[i * 7 % 90]} {i}" for i in range(count)]


class Shop:
    """A workspace with a catalog and a tiny encoder."""

    def __init__(self, root: Path, encoder: Path, titles: Sequence[str] = ()) -> None:
        self.workspace = Workspace(root).create()
        self.items = ItemStore(open_database(self.workspace.database_url))
        self.encoder = EncoderConfig(source=str(encoder))
        self.folder = self.workspace.embeddings(encoder_version(self.encoder))
        self.put(dict(enumerate(titles)))

    def put(self, titles: dict[int, str]) -> None:
        rows = [{"item_id": f"{i:05}", "title": title, "available": True} for i, title in titles.items()]
        self.items.upsert(pa.Table.from_pylist(rows, schema=ITEMS))

    def embed(self, config: EmbedConfig = SMALL_UNITS, on_progress: Any = lambda _: None) -> EmbedReport:
        return embed_catalog(self.workspace, self.items, self.encoder, config, on_progress)

    def vectors(self, titles: list[str]) -> np.ndarray:
        return read_embeddings(self.folder).lookup(map(text_hash, titles))


@dataclass
class FirstRun:
    """A shop that was embedded once, and what that run said."""

    shop: Shop
    report: EmbedReport
    progress: list[EmbedProgress]


TITLES = [*titles_of(30), *titles_of(10)]


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, ray_cluster: None) -> FirstRun:
    """Shared by tests that leave it as it is."""
    shop = Shop(tmp_path_factory.mktemp("shop"), tiny_bert, TITLES)
    progress: list[EmbedProgress] = []
    return FirstRun(shop, shop.embed(on_progress=progress.append), progress)


@pytest.fixture
def embedded(first_run: FirstRun, tmp_path: Path, tiny_bert: Path) -> Shop:
    """A copy of the shop of the first run, to change at will."""
    shutil.copytree(first_run.shop.workspace.root, tmp_path / "copy")
    return Shop(tmp_path / "copy", tiny_bert)


def assert_as_clean(shop: Shop, titles: list[str]) -> None:
    """The vectors are those that one encoder in this process gives."""
    np.testing.assert_allclose(shop.vectors(titles), TextEncoder.load(shop.encoder).encode(titles), atol=1e-5)


def test_every_distinct_text_gets_its_vector_and_the_report_counts(first_run: FirstRun) -> None:
    report, seen, shop = first_run.report, first_run.progress, first_run.shop
    assert_as_clean(shop, TITLES)
    assert (report.items, report.distinct_texts, report.reused, report.embedded) == (40, 30, 0, 30)
    assert (report.encoder_version, report.dim) == (shop.folder.name, 32)
    assert report.rate > 0
    assert [(p.done, p.total) for p in seen] == [(d, 30) for d in sorted(p.done for p in seen)]
    assert (seen[0].done, seen[0].eta_s, seen[-1].done, seen[-1].eta_s) == (0, None, 30, 0.0)
    assert len(read_embeddings(shop.folder)) == 30
    assert not list(shop.workspace.catalog(0).parent.glob("*")), "exported texts are cleared"


def test_a_second_run_embeds_nothing_and_does_not_even_look_for_ray(
    embedded: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [(file, file.stat().st_mtime_ns) for file in unit_files(embedded.folder)]
    monkeypatch.setattr("cluster.embedding.ray_run.connect", lambda *a, **k: pytest.fail("looked for Ray"))
    report = embedded.embed()
    assert (report.embedded, report.reused, report.distinct_texts) == (0, 30, 30)
    assert [(file, file.stat().st_mtime_ns) for file in unit_files(embedded.folder)] == before


def test_a_changed_text_is_embedded_alone(embedded: Shop) -> None:
    embedded.put({3: "a brand new guitar", 4: TITLES[5]})
    report = embedded.embed()
    assert (report.embedded, report.distinct_texts) == (1, 31)
    assert_as_clean(embedded, ["a brand new guitar", *TITLES])


def test_an_empty_catalog_is_nothing_to_do(tmp_path: Path, tiny_bert: Path) -> None:
    report = Shop(tmp_path, tiny_bert, []).embed()
    assert (report.items, report.embedded, report.dim) == (0, 0, 32)


def test_two_actors_give_the_vectors_of_one(tmp_path: Path, tiny_bert: Path, first_run: FirstRun) -> None:
    two = Shop(tmp_path, tiny_bert, TITLES)
    two.embed(SMALL_UNITS.model_copy(update={"num_actors": 2}))
    np.testing.assert_allclose(two.vectors(TITLES), first_run.shop.vectors(TITLES), atol=1e-6)


def test_a_killed_actor_costs_a_unit_at_most_and_changes_no_vector(tmp_path: Path, tiny_bert: Path) -> None:
    titles = titles_of(400)
    shop = Shop(tmp_path, tiny_bert, titles)
    killed: list[int] = []

    def kill_at_first_and_middle(progress: EmbedProgress) -> None:
        if progress.done >= (1, 200, 401)[len(killed)]:
            killed.append(_encoder_process())
            os.kill(killed[-1], signal.SIGKILL)

    report = shop.embed(on_progress=kill_at_first_and_middle)
    assert len(set(killed)) == 2
    assert report.embedded == 400
    assert_as_clean(shop, titles)


def test_a_killed_run_is_continued_by_the_next(tmp_path: Path, tiny_bert: Path) -> None:
    titles = titles_of(1600)
    shop = Shop(tmp_path, tiny_bert, titles)
    code = (
        "import sys; from pathlib import Path; from jobs.embed_catalog import run_embed\n"
        "from recsys.config import EmbedConfig, EncoderConfig, RuntimeConfig\n"
        "run_embed(RuntimeConfig(workspace=Path(sys.argv[1]), address=sys.argv[2]),"
        " EncoderConfig(source=sys.argv[3]), EmbedConfig(unit_texts=8, cpus_per_actor=0.5, local_texts=0))"
    )
    address = ray.get_runtime_context().gcs_address
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path), address, str(tiny_bert)]) as run:
        while run.poll() is None and len(unit_files(shop.folder)) < 4:
            time.sleep(0.02)
        assert run.poll() is None, "the run must be in the middle of its work"
        run.send_signal(signal.SIGKILL)
    landed = len(read_embeddings(shop.folder))
    report = shop.embed(EmbedConfig(unit_texts=100, local_texts=0))
    assert 0 < landed <= report.reused < 1600
    assert report.embedded + report.reused == 1600
    assert report.broken_units == 0
    assert_as_clean(shop, titles)
    assert shop.embed().embedded == 0


def test_rubbish_is_cleared_and_a_broken_unit_is_embedded_anew(embedded: Shop) -> None:
    (embedded.folder / ".unit-abc.parquet.x1").touch()
    broken = unit_files(embedded.folder)[1]
    broken.write_bytes(broken.read_bytes()[:-10])
    lost = 30 - len(read_embeddings(embedded.folder))
    report = embedded.embed()
    assert (report.broken_units, report.embedded, report.reused) == (1, lost, 30 - lost)
    assert not list(embedded.folder.glob(".unit-*"))
    assert_as_clean(embedded, TITLES)
    assert embedded.embed().broken_units == 0


def test_an_encoder_that_yields_nan_is_an_encoder_error_and_lands_nothing(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "encoder")
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.word_embeddings.weight"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    shop = Shop(tmp_path / "shop", folder, titles_of(10))
    with pytest.raises(EncoderError, match="NaN"):
        shop.embed()
    assert unit_files(shop.folder) == []


def test_more_actors_than_the_cluster_holds_is_told_at_once(tmp_path: Path, tiny_bert: Path) -> None:
    shop = Shop(tmp_path, tiny_bert, titles_of(3))
    with pytest.raises(CapacityError, match=r"100 actors of 1 CPUs each.*room for 8 in 8 CPUs"):
        shop.embed(EmbedConfig(num_actors=100, local_texts=0))


def test_two_runs_of_one_encoder_do_not_mix(tmp_path: Path, tiny_bert: Path) -> None:
    shop = Shop(tmp_path, tiny_bert, titles_of(3))
    with sole_writer(shop.folder), pytest.raises(OverloadedError, match="another run"):
        shop.embed()


def test_a_unit_on_which_actors_keep_dying_is_refused(tmp_path: Path, tiny_bert: Path) -> None:
    config = EncoderConfig(source=str(tiny_bert))
    actor = UnitEncoder(config, encoder_version(config), 32, str(tmp_path))
    (tmp_path / "unit-x.attempts").write_bytes(b"." * MAX_ATTEMPTS)
    outcome = actor(pa.table({"unit": [str(tmp_path / "unit-x.parquet")]})).to_pylist()[0]
    assert "die on this unit" in outcome["fault"][0]


def test_a_node_with_another_encoder_is_refused(tmp_path: Path, tiny_bert: Path) -> None:
    actor = UnitEncoder(EncoderConfig(source=str(tiny_bert)), "other-0123456789ab", 32, str(tmp_path))
    unit = tmp_path / "texts" / "unit-x.parquet"
    unit.parent.mkdir()
    pa.parquet.write_table(pa.table({"text_hash": [text_hash("a")], "text": ["a"]}), unit)
    outcome = actor(pa.table({"unit": [str(unit)]})).to_pylist()[0]
    assert "another one" in outcome["fault"][0]
    assert unit_files(tmp_path) == []


def _encoder_process() -> int:
    """Process id of an encoder actor below this process; other clusters on the machine are left alone."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            named = b"UnitEncoder" in (folder / "cmdline").read_bytes()
            if named and _is_below(int(folder.name), os.getpid()):
                return int(folder.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    raise AssertionError("no encoder actor is running")


def _is_below(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return False
