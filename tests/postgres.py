"""A private PostgreSQL server for tests, on a free loopback port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "postgres"
PASSWORD = "s3cret-of-the-tests"


@contextmanager
def private_server() -> Iterator[str]:
    """SQLAlchemy URL of a fresh, empty database; skips where the server's binaries are absent."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs or not (programs[-1] / "initdb").exists():
        pytest.skip("PostgreSQL's server programs are not installed")
    root = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        yield from _serve(programs[-1], root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _serve(programs: Path, root: Path) -> Iterator[str]:
    secret = root / "password"
    secret.write_text(PASSWORD)
    if os.geteuid() == 0:
        person = pwd.getpwnam(USER)
        for path in (root, secret):
            os.chown(path, person.pw_uid, person.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = str(root / "data")
    _run(
        programs / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"
    )
    options = f"-h 127.0.0.1 -p {port} -k {root} -c fsync=off"
    _run(programs / "pg_ctl", "-D", data, "-w", "-l", str(root / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _run(program: Path, *arguments: str) -> None:
    # The server refuses to run as root; its own user is made by the package.
    prefix = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, str(program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")
