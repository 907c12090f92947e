"""X6: payloads that would run if anything loaded them carelessly; nothing does, and the refusal is clear."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from recsys.config import EncoderConfig
from recsys.embeddings import read_embeddings
from recsys.encoder import TextEncoder
from recsys.errors import RecsysError
from recsys.index import IndexManifest
from recsys.index.files import open_codes, open_shard, open_whitening
from recsys.index.manifest import WHITENING
from recsys.workspace import Workspace
from tests.chaos.canary import Mark
from tests.chaos.outcome import Outcome, Place
from tests.chaos.small_version import small_version
from tests.tiny_encoders import tiny_bert

Harm = Callable[[Path, Mark], None]


def run(place: Place, outcome: Outcome) -> None:
    """Each payload in each place where such a file is read."""
    mark = Mark(place.folder / "fired")
    encoder = tiny_bert(place.folder / "encoder")
    fired = count = 0
    for name, harm in ENCODER_HARMS.items():
        folder = Path(shutil.copytree(encoder, place.folder / f"encoder-{count}"))
        harm(folder, mark)
        told = _refusal(partial(_load_encoder, folder))
        wanted = "ignored" if name in IGNORED else "refused"
        outcome.require(f"encoder: {name}", wanted, told or "ignored", bool(told) != (name in IGNORED))
        fired += mark.fired
        count += 1
    for name, altered in INDEX_HARMS.items():
        workspace = Workspace(place.folder / f"shop-{count}").create()
        manifest = small_version(workspace, 1, num_items=200)
        manifest = altered(workspace.index_version(manifest.index_version), manifest, mark)
        told = _refusal(partial(_open, workspace, manifest))
        outcome.require(f"index: {name}", "refused or no code", told or "read as data", True)
        fired += mark.fired
        count += 1
    unit = place.folder / "units"
    unit.mkdir()
    (unit / "unit-a.parquet").write_bytes(mark.pickled)
    (unit / "unit-b.npy").write_bytes(mark.pickled)
    told = _refusal(lambda: read_embeddings(unit))
    outcome.require("embeddings: a pickle as a unit", "no code", told or "left out", True)
    fired += mark.fired
    outcome.figures["payloads"] = count + 1
    outcome.require_zero(payloads_run=fired)
    outcome.notes.append("What marks a payload that ran was tried: loading it with `pickle` makes the mark.")
    _prove(mark, outcome)


def _prove(mark: Mark, outcome: Outcome) -> None:
    """The payload works where it is loaded carelessly; otherwise the case shows nothing."""
    import pickle

    pickle.loads(mark.pickled)  # noqa: S301  # our own, to see that it would have been seen
    outcome.require("the payload works", "yes", "yes", mark.fired)


def _refusal(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except RecsysError as error:
        return f"{type(error).__name__}: {error.what}"[:120]
    return ""


def _load_encoder(folder: Path) -> None:
    TextEncoder.load(EncoderConfig(source=str(folder))).encode(["a"])


def _open(workspace: Workspace, manifest: IndexManifest) -> None:
    for shard in range(manifest.num_shards):
        open_shard(workspace, manifest, shard)
        open_codes(workspace, manifest, shard)
    open_whitening(workspace, manifest)


def _put(name: str, **entries: Any) -> Harm:
    def harm(folder: Path, _: Mark) -> None:
        told = json.loads((folder / name).read_text()) if (folder / name).is_file() else {}
        (folder / name).write_text(json.dumps(told | entries))

    return harm


def _only_pickle(name: str) -> Harm:
    def harm(folder: Path, mark: Mark) -> None:
        (folder / "model.safetensors").unlink()
        (folder / name).write_bytes(mark.pickled)

    return harm


def _code(folder: Path, mark: Mark) -> None:
    (folder / "modeling_evil.py").write_text(mark.source)
    _put("config.json", auto_map={"AutoModel": "modeling_evil.Evil"})(folder, mark)


def _code_of_tokenizer(folder: Path, mark: Mark) -> None:
    (folder / "tokenization_evil.py").write_text(mark.source)
    _put("tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_evil.Evil", None]})(folder, mark)


def _adapter(folder: Path, mark: Mark) -> None:
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.bin").write_bytes(mark.pickled)


def _beside(name: str) -> Harm:
    def harm(folder: Path, mark: Mark) -> None:
        (folder / name).write_bytes(mark.pickled)

    return harm


IGNORED = {"pickle beside safetensors", "optimizer.pt beside safetensors"}
ENCODER_HARMS: dict[str, Harm] = {
    "weights only as pickle": _only_pickle("pytorch_model.bin"),
    "weights only as .pt": _only_pickle("model.pt"),
    "pickle under the name of safetensors": _beside("model.safetensors"),
    "pickle beside safetensors": _beside("pytorch_model.bin"),
    "optimizer.pt beside safetensors": _beside("optimizer.pt"),
    "auto_map with a Python file": _code,
    "auto_map of the tokenizer": _code_of_tokenizer,
    "attention from a hub": _put("config.json", _attn_implementation="someone/kernel"),
    "internal attention field": _put("config.json", _attn_implementation_internal="a/b:c"),
    "adapter folder": _adapter,
    "pickle as tokenizer": _beside("tokenizer.json"),
}


def _redescribed(folder: Path, manifest: IndexManifest, name: str, content: bytes) -> IndexManifest:
    """The manifest with size and digest of new content, as somebody would write it who may write there."""
    (folder / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    files = [
        file.model_copy(update={"bytes": len(content), "sha256": digest}) if file.path == name else file
        for file in manifest.files
    ]
    return manifest.model_copy(update={"files": tuple(files)})


def _object_array(mark: Mark) -> bytes:
    import io

    sink = io.BytesIO()
    np.save(sink, np.array([[mark]], dtype=object), allow_pickle=True)
    return sink.getvalue()


def _pickled_schema(mark: Mark) -> bytes:
    metadata = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": mark.pickled,
    }
    schema = pa.schema([pa.field("item_id", pa.string(), metadata=metadata)])
    sink = pa.BufferOutputStream()
    with pyarrow.ipc.new_file(sink, schema) as writer:
        writer.write_table(pa.Table.from_arrays([pa.array(["a"])], schema=schema))
    return bytes(sink.getvalue())


INDEX_HARMS: dict[str, Callable[[Path, IndexManifest, Mark], IndexManifest]] = {
    "whitening as an array of objects": lambda f, m, mark: _redescribed(f, m, WHITENING, _object_array(mark)),
    "vectors as an array of objects": lambda f, m, mark: _redescribed(
        f, m, m.files[1].path, _object_array(mark)
    ),
    "whitening as a pickle": lambda f, m, mark: _redescribed(f, m, WHITENING, mark.pickled),
    "vectors as a pickle": lambda f, m, mark: _redescribed(f, m, m.files[1].path, mark.pickled),
    "items as a pickle": lambda f, m, mark: _redescribed(f, m, m.files[0].path, mark.pickled),
    "items with a pickled column type": lambda f, m, mark: _redescribed(
        f, m, m.files[0].path, _pickled_schema(mark)
    ),
}
