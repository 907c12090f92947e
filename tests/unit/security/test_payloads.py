"""Code hidden in files that this product reads: it never runs, and the refusal says what was found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recsys.config import EncoderConfig, ImportConfig
from recsys.embeddings.units import read_unit
from recsys.encoder import TextEncoder
from recsys.encoder_record import load_encoder_config, save_encoder_config
from recsys.errors import EncoderError, IndexCorruptError, UnreadableFileError
from recsys.index import IndexManifest, verify
from recsys.index.files import sha256_of
from recsys.index.manifest import MANIFEST
from recsys.index.seal import sealed
from recsys.reading import Fault, SourceBatch, read_file
from recsys.workspace import Workspace
from tests.chaos.canary import Mark
from tests.unit.index.test_versions import build

Plant = Callable[[Path, Mark], object]


@pytest.fixture
def canary(tmp_path: Path) -> Mark:
    """Not fired yet."""
    return Mark(tmp_path / "fired")


def settings_of(file: str, **entries: object) -> Plant:
    def plant(folder: Path, canary: Mark) -> None:
        (folder / "evil.py").write_text(canary.source) if "auto_map" in entries else None
        known = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(known | entries))

    return plant


def pickle_as(file: str, *, instead: str = "") -> Plant:
    def plant(folder: Path, canary: Mark) -> None:
        (folder / instead).unlink() if instead else None
        (folder / file).write_bytes(canary.pickled)

    return plant


def adapter(folder: Path, canary: Mark) -> None:
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    (folder / "adapter_model.bin").write_bytes(canary.pickled)


REFUSED: dict[str, Plant] = {
    ".pt": pickle_as("model.pt", instead="model.safetensors"),
    ".bin": pickle_as("pytorch_model.bin", instead="model.safetensors"),
    ".pkl": pickle_as("model.pkl", instead="model.safetensors"),
    "a pickle called safetensors": pickle_as("model.safetensors"),
    "a pickled head": pickle_as("head.safetensors"),
    "a pickled config": pickle_as("config.json"),
    "a pickled tokenizer": pickle_as("tokenizer.json"),
    "auto_map": settings_of("config.json", auto_map={"AutoModel": "evil.Model", "AutoConfig": "evil.C"}),
    "auto_map of the tokenizer": settings_of("tokenizer_config.json", auto_map={"AutoTokenizer": "evil.T"}),
    "attention from a hub": settings_of("config.json", _attn_implementation="canary/kernel"),
    "attention from a hub, by part": settings_of("config.json", attn_implementation={"": "canary/kernel:f"}),
    "kernels of layers": settings_of("config.json", use_kernels={"RMSNorm": "canary/kernel"}),
    "an adapter": adapter,
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_encoder_folder_with_a_payload_is_refused(
    tmp_path: Path, tiny_bert: Path, canary: Mark, name: str
) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "encoder"))
    REFUSED[name](folder, canary)
    with pytest.raises(EncoderError) as caught:
        TextEncoder.load(EncoderConfig(source=str(folder)))
    assert "encoder" in str(caught.value)
    assert not canary.fired


def test_pickles_beside_what_is_read_are_never_opened(tmp_path: Path, tiny_bert: Path, canary: Mark) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "encoder"))
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "vectors.npy"):
        (folder / name).write_bytes(canary.pickled)
    assert TextEncoder.load(EncoderConfig(source=str(folder))).dim
    assert not canary.fired


def test_a_pickle_as_the_record_of_an_encoder_is_refused(
    tmp_path: Path, tiny_bert: Path, canary: Mark
) -> None:
    workspace = Workspace(tmp_path)
    save_encoder_config(workspace, "e", EncoderConfig(source=str(tiny_bert)))
    (workspace.embeddings("e") / "encoder.json").write_bytes(canary.pickled)
    with pytest.raises(EncoderError, match="not valid"):
        load_encoder_config(workspace, "e")
    assert not canary.fired


def object_array(file: Path, canary: Mark) -> None:
    with file.open("wb") as sink:
        np.save(sink, np.array([canary], dtype=object), allow_pickle=True)


def arrow_with_a_pickled_type(file: Path, canary: Mark) -> None:
    field = pa.field("item_id", pa.string(), metadata=pickled_types(canary)["pyarrow"])
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, pa.schema([field])) as writer:
        writer.write_table(pa.table({"item_id": ["a"]}, schema=pa.schema([field])))


def pickled_types(canary: Mark) -> dict[str, dict[bytes, bytes]]:
    """Metadata of columns by whose reader would unpickle it: pyarrow until 14.0, Ray Data 2.49 to 2.54."""
    name, told = b"ARROW:extension:name", b"ARROW:extension:metadata"
    return {
        "pyarrow": {name: b"arrow.py_extension_type", told: canary.pickled},
        "ray": {name: b"ray.data.arrow_tensor", told: canary.pickled},
        "ray v2": {name: b"ray.data.arrow_tensor_v2", told: canary.pickled},
        "ray variable": {name: b"ray.data.arrow_variable_shaped_tensor", told: canary.pickled},
        "ray object": {name: b"ray.data.arrow_pickled_object", told: canary.pickled},
    }


PLANTS: dict[str, tuple[int, Plant]] = {
    "items, pickled": (0, lambda file, canary: file.write_bytes(canary.pickled)),
    "items, pickled type": (0, arrow_with_a_pickled_type),
    "vectors": (1, object_array),
    "links": (2, lambda file, canary: file.write_bytes(canary.pickled)),
    "whitening": (-1, object_array),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_payload_in_a_version_whose_hashes_were_made_to_fit_is_refused(
    tmp_path: Path, canary: Mark, name: str
) -> None:
    workspace = Workspace(tmp_path / "ws")
    manifest = build(workspace)
    folder, (number, plant) = workspace.index_version(manifest.index_version), PLANTS[name]
    plant(folder / manifest.files[number].path, canary)
    forged, content = sealed(with_true_hashes(manifest, folder))
    folder.rename(workspace.index_version(forged.index_version))
    (workspace.index_version(forged.index_version) / MANIFEST).write_bytes(content)
    with pytest.raises(IndexCorruptError, match=r"cannot be read|another shape"):
        verify(workspace, forged.index_version)
    assert not canary.fired


def with_true_hashes(manifest: IndexManifest, folder: Path) -> IndexManifest:
    """The manifest as somebody would write it who may write the workspace."""
    files = tuple(
        file.model_copy(
            update={
                "sha256": sha256_of(folder / file.path),
                "bytes": (folder / file.path).stat().st_size,
            }
        )
        for file in manifest.files
    )
    forged = manifest.model_copy(update={"files": files})
    return forged.model_copy(update={"index_version": f"20260101T000000000000-{forged.content_digest}"})


def test_a_pickle_as_a_manifest_is_refused(tmp_path: Path, canary: Mark) -> None:
    workspace = Workspace(tmp_path / "ws")
    manifest = build(workspace)
    (workspace.index_version(manifest.index_version) / MANIFEST).write_bytes(canary.pickled)
    with pytest.raises(IndexCorruptError, match="not valid"):
        verify(workspace, manifest.index_version)
    assert not canary.fired


@pytest.mark.parametrize("kind", ["pyarrow", "ray", "ray v2", "ray variable", "ray object"])
def test_a_parquet_file_whose_columns_carry_pickles_is_read_without_them_or_set_aside(
    tmp_path: Path, canary: Mark, kind: str
) -> None:
    import ray.data  # noqa: F401  # registers its own column types with pyarrow

    plain = pa.list_(pa.float32()) if kind.startswith("ray") else pa.string()
    column = pa.array([[1.0], [2.0]] if kind.startswith("ray") else ["a", "b"], plain)
    carrier = pa.field("extra", plain, metadata=pickled_types(canary)[kind])
    table = pa.table(
        {"item_id": ["i1", "i2"], "title": ["one", "two"], "extra": column},
        schema=pa.schema([("item_id", pa.string()), ("title", pa.string()), carrier]),
    )
    pq.write_table(table, tmp_path / "items.parquet")
    parts = list(read_file(tmp_path / "items.parquet", ImportConfig()))
    assert not canary.fired
    for part in parts:
        if isinstance(part, SourceBatch):
            assert part.table.column("item_id").to_pylist() == ["i1", "i2"]
        else:
            assert part.reason == "unreadable_file"
            assert "expected Parquet" in part.detail
    assert len(parts) == 1
    with pytest.raises(UnreadableFileError):
        read_unit(tmp_path / "items.parquet", "e", 1)
    assert not canary.fired


@pytest.mark.parametrize("suffix", [".pkl", ".pt", ".npy", ".joblib", ".py", ".feather"])
def test_an_import_opens_no_file_of_a_kind_that_can_carry_code(
    tmp_path: Path, canary: Mark, suffix: str
) -> None:
    file = tmp_path / f"items{suffix}"
    file.write_bytes(canary.pickled)
    (fault,) = read_file(file, ImportConfig())
    assert isinstance(fault, Fault)
    assert fault.reason == "unknown_format"
    assert not canary.fired


def test_the_bait_works(canary: Mark) -> None:
    import pickle

    pickle.loads(canary.pickled)  # noqa: S301
    assert canary.fired
