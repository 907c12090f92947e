from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recsys.config import EncoderConfig, Pooling
from recsys.encoder import embedding_dim, encoder_version
from tests.tiny_encoders import TINY_DIM, tiny_bert


@pytest.fixture
def folder(tmp_path: Path, tiny_bert: Path) -> Path:
    return shutil.copytree(tiny_bert, tmp_path / "my encoder")


def test_a_version_is_a_readable_file_name(folder: Path) -> None:
    assert re.fullmatch(r"my-encoder-[0-9a-f]{12}", encoder_version(EncoderConfig(source=str(folder))))


def test_whatever_shapes_vectors_changes_the_version(folder: Path, tmp_path: Path) -> None:
    config = EncoderConfig(source=str(folder))
    versions = [
        encoder_version(config),
        encoder_version(config.model_copy(update={"pooling": Pooling.CLS})),
        encoder_version(config.model_copy(update={"max_tokens": 99})),
    ]
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        content = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(content, indent=7))
        versions.append(encoder_version(config))
    other = tiny_bert(tmp_path / "other", seed=1)
    shutil.copy(other / "model.safetensors", folder)
    versions.append(encoder_version(config))
    assert len(set(versions)) == len(versions)


def test_our_own_code_version_changes_the_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = EncoderConfig(source=str(folder))
    before = encoder_version(config)
    monkeypatch.setattr("recsys.encoder.version.ENCODING_VERSION", "next")
    assert encoder_version(config) != before


def test_speed_settings_other_files_and_the_place_do_not_change_the_version(
    folder: Path, tmp_path: Path
) -> None:
    config = EncoderConfig(source=str(folder))
    before = encoder_version(config)
    (folder / "README.md").write_text("new words")
    fast = config.model_copy(update={"batch_tokens": 7, "device": "cpu", "num_threads": 3})
    moved = shutil.copytree(folder, tmp_path / "elsewhere" / "my encoder")
    assert (
        encoder_version(fast) == encoder_version(config.model_copy(update={"source": f"{moved}/"})) == before
    )


def test_the_width_is_known_without_loading(folder: Path) -> None:
    assert embedding_dim(EncoderConfig(source=str(folder))) == TINY_DIM


def test_asking_for_a_version_does_not_import_torch(folder: Path) -> None:
    code = (
        "import sys; from recsys.config import EncoderConfig; from recsys.encoder import encoder_version\n"
        f"encoder_version(EncoderConfig(source={str(folder)!r}))\n"
        "assert not {'torch', 'transformers', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
