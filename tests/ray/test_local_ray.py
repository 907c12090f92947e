"""A local Ray asks for a token and listens where only this machine's processes reach it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from ray._private import ray_constants  # noqa: PLC2701

from cluster.local_ray import AUTH_MODE, TOKEN, TOKEN_PATH, only_for_this_machine

LISTENERS = """
import ipaddress, json, os, psutil, ray
from cluster.runtime import connect
from recsys.config import RuntimeConfig

def listening(process):
    try:
        sockets = process.net_connections(kind="inet")
    except psutil.NoSuchProcess:  # Ray ends workers that wait too long: what is gone listens nowhere
        return
    for socket in sockets:
        if socket.status == psutil.CONN_LISTEN:
            address = ipaddress.ip_address(socket.laddr.ip)
            yield str(getattr(address, "ipv4_mapped", None) or address)

with connect(RuntimeConfig(), num_cpus=1, dashboard=True):
    ray.get(ray.remote(lambda: 1).remote())
    me = psutil.Process()
    addresses = {address for one in [me, *me.children(recursive=True)] for address in listening(one)}
    jobs = f"http://{ray._private.worker.get_dashboard_url()}/api/jobs/"
    print(json.dumps([sorted(addresses), os.environ["RAY_AUTH_MODE"], jobs]), flush=True)
    input()
"""
JOB = {"entrypoint": "true"}


def test_every_socket_is_on_loopback_and_whoever_lacks_the_token_is_turned_away(tmp_path: Path) -> None:
    environment = {name: text for name, text in os.environ.items() if name not in (AUTH_MODE, TOKEN)}
    token = tmp_path / "token"
    with subprocess.Popen(
        [sys.executable, "-c", LISTENERS],
        env=environment | {TOKEN_PATH: str(token)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout
        addresses, mode, jobs = json.loads(started.stdout.readline())
        assert addresses == ["127.0.0.1"]
        assert mode == "token"
        assert token.stat().st_mode & 0o777 == 0o600
        answers = [
            httpx.request(method, jobs, headers={"Authorization": f"Bearer {text}"} if text else {}, json=JOB)
            for method, text in (("GET", ""), ("POST", ""), ("POST", "0" * 64), ("GET", token.read_text()))
        ]
        started.communicate("\n", timeout=60)
    assert [answer.status_code for answer in answers] == [401, 401, 403, 200]
    assert [job["submission_id"] for job in answers[-1].json()] == [
        None
    ]  # this driver; nothing was submitted


def test_the_switch_is_back_afterwards_and_a_readable_token_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("made by ray")
    token.chmod(0o644)
    monkeypatch.setenv(TOKEN_PATH, str(token))
    monkeypatch.delenv(TOKEN, raising=False)
    monkeypatch.delenv(AUTH_MODE, raising=False)
    with only_for_this_machine():
        assert not ray_constants.ENABLE_RAY_CLUSTER
    assert ray_constants.ENABLE_RAY_CLUSTER
    assert token.read_text() == "made by ray"
    assert token.stat().st_mode & 0o777 == 0o600
    token.unlink()
    with only_for_this_machine():
        assert token.stat().st_mode & 0o777 == 0o600
        assert len(token.read_text()) == 64
    token.unlink()
    monkeypatch.setenv(AUTH_MODE, "disabled")
    with only_for_this_machine():
        assert not token.exists()
