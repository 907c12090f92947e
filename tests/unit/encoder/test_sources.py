from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recsys.encoder import hub
from recsys.encoder.sources import resolve, short_name
from recsys.errors import EncoderError


def package(root: Path, name: str, *folders: str) -> None:
    (root / name).mkdir(parents=True)
    (root / name / "__init__.py").write_text("raise SystemExit('imported')")
    for folder in folders:
        (root / name / folder).mkdir(parents=True)
        (root / name / folder / "config.json").write_text("{}")
        (root / name / folder / "model.safetensors").touch()


def test_a_folder_is_itself(tmp_path: Path) -> None:
    assert resolve(str(tmp_path)) == tmp_path.resolve()


def test_a_package_is_searched_without_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "carries_weights", "data/model")
    (tmp_path / "carries_weights" / "config.json").write_text("{}")
    monkeypatch.syspath_prepend(str(tmp_path))
    expected = (tmp_path / "carries_weights" / "data" / "model").resolve()
    assert resolve("package:carries_weights") == resolve("package:carries-weights") == expected
    assert "carries_weights" not in sys.modules


@pytest.mark.parametrize("folders", [(), ("a", "b")])
def test_a_package_without_exactly_one_encoder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: tuple[str, ...]
) -> None:
    package(tmp_path, f"carries_{len(folders)}", *folders)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(EncoderError, match="exactly one"):
        resolve(f"package:carries_{len(folders)}")


@pytest.mark.parametrize("name", ["no_such_package_here", "os.path", "", "../x", "a b"])
def test_an_absent_package_says_how_to_install_it(name: str) -> None:
    with pytest.raises(EncoderError, match="pip install"):
        resolve(f"package:{name}")


@pytest.mark.parametrize("source", ["/no/such/folder", "./no-such", "a/b/c", "s3://bucket/x", "", "../x"])
def test_a_path_that_is_not_there_is_never_asked_of_the_hub(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "snapshot_download", lambda *a, **k: pytest.fail("asked the hub"))
    with pytest.raises(EncoderError, match="no such encoder folder"):
        resolve(source)


def test_a_hub_name_offline_and_not_cached_says_what_to_do() -> None:
    with pytest.raises(EncoderError, match="HF_HUB_OFFLINE"):
        resolve("nobody/no-such-encoder")


def test_only_weights_tokenizer_and_config_are_asked_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}

    def snapshot(name: str, allow_patterns: list[str]) -> str:
        asked.update(name=name, patterns=allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", snapshot)
    assert resolve("org/name") == tmp_path
    assert asked["name"] == "org/name"
    assert {Path(str(p)).suffix for p in asked["patterns"]} == {".json", ".txt", ".safetensors", ".model"}  # type: ignore[attr-defined]  # a list


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("package:a_b", "a_b"),
        ("org/My.Model-1", "My.Model-1"),
        ("/x/y z/", "y-z"),
        ("/", "encoder"),
        ("é" * 99, "encoder"),
    ],
)
def test_a_short_name_is_safe_in_a_path(source: str, name: str) -> None:
    assert short_name(source) == name
