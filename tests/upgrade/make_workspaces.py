"""Make the kept workspaces again: each by the code that its commit had, in a folder of its own.

`python -m tests.upgrade.make_workspaces [NAME ...]`, in a clone with the whole history. Minutes.
"""

from __future__ import annotations

import lzma
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from tests.tiny_encoders import tiny_bert
from tests.upgrade.releases import RELEASES, SERVED, SHOP, Release

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("old_shop.py")
LEFT_OUT = (
    *("logs", "exported", "catalog", "reports", "trials", "tuning.html"),
    *("*.db-wal", "*.db-shm", ".lock", ".publishing"),
)
"""What a workspace does without: it is large and only looked at, or of a process that has ended."""


def make(release: Release) -> None:
    """One workspace, packed with its encoder and its listing."""
    with tempfile.TemporaryDirectory() as scratch:
        code, place = Path(scratch) / "code", Path(scratch) / "place"
        _check_out(release.commit, code)
        place.mkdir()
        tiny_bert(place / "encoder")
        for step in release.steps:
            _play(step, code, place)
        _run(code, place, str(SCRIPT), "list")
        pack(place, release.archive)
    print(f"{release.name}: {release.archive.stat().st_size:,} bytes")


def _check_out(commit: str, code: Path) -> None:
    code.mkdir()
    tree = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(code)], input=tree.stdout, check=True)


def _play(step: tuple[str, ...], code: Path, place: Path) -> None:
    print("recsys", *step)
    if step == SERVED:
        _run(code, place, str(SCRIPT), "serve")
    else:
        _run(code, place, "-m", "jobs.cli", *step)
    if step == SHOP:
        _run(code, place, str(SCRIPT), "files")


def _run(code: Path, place: Path, *arguments: str) -> None:
    variables = {"PYTHONPATH": str(code), "HF_HUB_OFFLINE": "1", "RAY_TRAIN_V2_ENABLED": "1"}
    subprocess.run([sys.executable, *arguments], cwd=place, env=os.environ | variables, check=True)


def pack(place: Path, archive: Path) -> None:
    """`shop`, `encoder` and `listing.json`, small; times stay: the newest encoder is told by them."""
    for database in (place / "shop").glob("*.db"):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for pattern in LEFT_OUT:
        for path in list((place / "shop").rglob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for report in [*place.glob("shop/tuning/*/*.json"), *place.glob("shop/tuning/*/*.md")]:
        report.write_text(report.read_text().replace(f"{place}/", ""))  # where it was made is nobody's
    with lzma.open(archive, "wb", preset=9) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("encoder", "listing.json", "shop"):
            tar.add(place / name, arcname=name, filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = int(member.mtime)
    return member


if __name__ == "__main__":
    wanted = sys.argv[1:] or [release.name for release in RELEASES]
    for one in RELEASES:
        if one.name in wanted:
            make(one)
