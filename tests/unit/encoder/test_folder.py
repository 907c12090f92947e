from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.config import EncoderConfig
from recsys.encoder import TextEncoder, encoder_version
from recsys.encoder.folder import verify
from recsys.errors import EncoderError

Damage = Callable[[Path], object]


def set_config(**entries: Any) -> Damage:
    return lambda folder: _merge(folder / "config.json", entries)


def _merge(file: Path, entries: dict[str, Any]) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | entries))


def _pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _escape(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "w.safetensors")
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "../w.safetensors"}})
    )


def _truncate(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-7])


DAMAGES: dict[str, tuple[Damage, str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "config.json"),
    "config is no JSON": (lambda f: (f / "config.json").write_text("{"), "config.json"),
    "config is a list": (lambda f: (f / "config.json").write_text("[]"), "config.json"),
    "config nested too deep": (
        lambda f: (f / "config.json").write_text('{"a":' * 900 + "1" + "}" * 900),
        "config",
    ),
    "no architecture": (set_config(model_type=None), "model_type"),
    "custom code": (set_config(auto_map={"AutoModel": "evil.Model"}), "auto_map"),
    "custom code inside": (set_config(text_config={"auto_map": {"AutoModel": "evil.Model"}}), "auto_map"),
    "custom code of the tokenizer": (
        lambda f: _merge(f / "tokenizer_config.json", {"auto_map": {"AutoTokenizer": "evil.T"}}),
        "auto_map",
    ),
    "remote kernel": (set_config(_attn_implementation="someone/kernel"), "someone/kernel"),
    "remote kernel, internal field": (set_config(_attn_implementation_internal="a/b:c"), "a/b:c"),
    "remote kernel by part": (set_config(attn_implementation={"": "a/b"}), "a/b"),
    "quantised": (set_config(quantization_config={"quant_method": "hqq"}), "quantization_config"),
    "Python file": (lambda f: (f / "modeling_x.py").touch(), "modeling_x.py"),
    "adapter": (lambda f: (f / "adapter_config.json").write_text("{}"), "adapter"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "no weights"),
    "weights only as pickle": (_pickle_only, "pytorch_model.bin"),
    "weights outside the folder": (_escape, r"\.\./w\.safetensors"),
    "weights cut off": (_truncate, "not whole"),
    "weights empty": (lambda f: (f / "model.safetensors").write_bytes(b""), "0 bytes"),
    "weights no safetensors": (lambda f: (f / "model.safetensors").write_bytes(b"PK" * 99), "198 bytes"),
}


@pytest.fixture
def folder(tmp_path: Path, tiny_bert: Path) -> Path:
    return shutil.copytree(tiny_bert, tmp_path / "encoder")


@pytest.mark.parametrize("name", DAMAGES)
def test_a_bad_folder_is_refused_with_what_and_where(folder: Path, name: str) -> None:
    damage, told = DAMAGES[name]
    verify(folder)
    damage(folder)
    for attempt in (encoder_version, TextEncoder.load):
        with pytest.raises(EncoderError, match=told) as caught:
            attempt(EncoderConfig(source=str(folder)))
        assert str(folder) in str(caught.value)


def test_an_unknown_architecture_is_refused(folder: Path) -> None:
    set_config(model_type="no-such-thing")(folder)
    with pytest.raises(EncoderError, match="no-such-thing"):
        TextEncoder.load(EncoderConfig(source=str(folder)))


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    set_config(intermediate_size=48)(folder)
    with pytest.raises(EncoderError, match="weights"):
        TextEncoder.load(EncoderConfig(source=str(folder)))


@pytest.mark.parametrize("entry", [{"_attn_implementation": "eager"}, {"attn_implementation": None}])
def test_local_attention_is_accepted(folder: Path, entry: dict[str, str | None]) -> None:
    set_config(**entry)(folder)
    assert TextEncoder.load(EncoderConfig(source=str(folder))).dim


def test_pickles_beside_safetensors_are_ignored(folder: Path) -> None:
    before = encoder_version(EncoderConfig(source=str(folder)))
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert encoder_version(EncoderConfig(source=str(folder))) == before
    assert TextEncoder.load(EncoderConfig(source=str(folder))).dim
