"""The benchmark's load and processes for real: wrk posts what it should, what is started is ended."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jobs.bench.event_writers import events_script
from jobs.bench.processes import descendants, end, start, title_of
from jobs.bench.wrk import post_script, run_wrk

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


class Recorder(BaseHTTPRequestHandler):
    """Keeps bodies; refuses those that ask for it."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(body)
        self.send_response(422 if b"refuse" in body else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    """Says nothing when wrk leaves in the middle of an answer."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def recorder() -> Iterator[str]:
    Recorder.bodies = []
    server = Quiet(("127.0.0.1", 0), Recorder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@needs_wrk
def test_wrk_posts_every_body_in_turn_and_counts_refusals(recorder: str, tmp_path: Path) -> None:
    bodies = [{"user_id": "a"}, {"user_id": "b", "why": "refuse"}]
    load = run_wrk(recorder, post_script(tmp_path / "x.lua", "/v1/recommend", bodies), 1, 1)
    # wrk asks for one request more than it sends.
    assert [json.loads(body) for body in Recorder.bodies[:4]] == [bodies[1], bodies[0]] * 2
    assert load.requests_per_s > 0
    assert load.failed >= len(Recorder.bodies) // 2 - 1


@needs_wrk
def test_no_event_is_posted_twice_by_two_scripts(recorder: str, tmp_path: Path) -> None:
    for number in range(2):
        assert run_wrk(recorder, events_script(tmp_path / f"{number}.lua", 50, 10), 2, 1).failed == 0
    events = [event for body in Recorder.bodies for event in json.loads(body)["events"]]
    ids = [event["event_id"] for event in events]
    assert len(ids) == len(set(ids)) == 10 * len(Recorder.bodies)
    assert set(events[0]) == {"event_id", "user_id", "item_id", "event_type"}


def test_a_process_that_does_not_stop_is_ended_with_its_children(tmp_path: Path) -> None:
    child = "import time; print('up', flush=True); time.sleep(60)"
    stubborn = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"subprocess.run([sys.executable, '-c', {child!r}])\n"
    )
    process = start([sys.executable, "-c", stubborn], tmp_path / "log")
    while "up" not in (tmp_path / "log").read_text():
        assert process.poll() is None
    children = descendants(process.pid)
    assert len(children) == 1
    end(process, patience_s=0.2)
    assert process.poll() is not None
    deadline = time.monotonic() + 10.0
    while title_of(children[0]):  # a killed process is there for a moment
        assert time.monotonic() < deadline
        time.sleep(0.01)
