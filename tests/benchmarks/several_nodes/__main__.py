"""A shop on three Ray nodes of one machine: embedded, trained, served; one node is killed under load.

python -m tests.benchmarks.several_nodes FOLDER [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx

from cluster.runtime import prepare_serve

# Ray lets its workers step back behind everything else on a machine; here they are all there is to a node.
os.environ.setdefault("RAY_worker_niceness", "0")
prepare_serve()  # counts before Serve is imported, here and in the nodes that are started

import ray  # noqa: E402

from cluster.database import open_database  # noqa: E402
from cluster.event_store import EventStore  # noqa: E402
from cluster.item_store import ItemStore  # noqa: E402
from jobs.bench.processes import end, start  # noqa: E402
from jobs.bench.service import free_port  # noqa: E402
from jobs.simulation.oracle import Version  # noqa: E402
from recsys.workspace import Workspace  # noqa: E402
from tests.benchmarks.several_nodes.load import Task  # noqa: E402
from tests.benchmarks.several_nodes.outcome import figures, mismatches, read_log  # noqa: E402
from tests.benchmarks.several_nodes.serving import look, wait_until  # noqa: E402
from tests.local_nodes import LocalNodes, local_nodes  # noqa: E402
from tests.tiny_encoders import tiny_bert  # noqa: E402

NODES = ["head", "one", "two"]
READY_TIMEOUT_S = 300.0
HEALED_TIMEOUT_S = 180.0
QUIET_LOOP = {"embed": {"on": False}, "fit": {"on": False}}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "folder", type=Path, help="where the workspace and the logs go; emptied but for --again"
    )
    parser.add_argument("--json", type=Path, help="where the figures are written")
    parser.add_argument("--again", action="store_true", help="serve the workspace of an earlier rehearsal")
    parser.add_argument("--items", type=int, default=1200)
    parser.add_argument("--shoppers", type=int, default=300)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--shard-replicas", type=int, default=2)
    parser.add_argument("--recommenders", type=int, default=3)
    parser.add_argument("--encoders", type=int, default=2)
    parser.add_argument("--cpus", type=float, default=4, help="CPUs that each node says it has")
    parser.add_argument("--head-cpus", type=float, help="CPUs of the head; those of the others when absent")
    parser.add_argument("--rate", type=float, default=12.0, help="requests a second")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="load before the kill and after the healing"
    )
    return parser.parse_args()


def recsys(folder: Path, *words: str) -> dict[str, Any]:
    """One command of the product on the rehearsal's workspace; what it says."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "jobs.cli", *words, "--workspace", str(folder / "workspace"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (folder / f"{words[0]}.log").write_text(" ".join(words) + "\n" + done.stdout + done.stderr)
    if done.returncode:
        sys.exit(f"recsys {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    say(f"recsys {' '.join(words[:1])}: {time.monotonic() - begun:.1f} s")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {name: value for line in lines for name, value in line.items()}


@contextmanager
def watched(nodes: LocalNodes, title: str) -> Iterator[dict[str, set[int]]]:
    """Processes with `title` that were seen on each node while the block ran."""
    seen: dict[str, set[int]] = {name: set() for name in nodes.nodes}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            for name in seen:
                seen[name] |= set(nodes.processes(name, title))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def prepare(asked: argparse.Namespace, nodes: LocalNodes) -> dict[str, Any]:
    """From nothing to a published version of a trained encoder; where the work was done."""
    folder, address = asked.folder, nodes.cluster.address
    encoder = tiny_bert(folder / "tiny-bert")
    shop = folder / "shop"
    subprocess.run(
        [sys.executable, "-m", "jobs.cli", "shop", str(shop), "--items", str(asked.items), "--shoppers",
         str(asked.shoppers)], check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    recsys(folder, "import", "items", str(shop / "items.parquet"))
    recsys(folder, "import", "events", str(shop / "events.parquet"))
    shards = ("--shards", str(asked.shards))
    embed = ("embed", "--address", address, "--actors", "2-3", "--cpus", "1", "--backend", "torch",
             "--precision", "fp32", *shards)  # fmt: skip
    with watched(nodes, "ray::MapWorker") as first:
        recsys(folder, *embed, "--encoder", str(encoder))
    trained = recsys(
        folder, "train", "--address", address, "--workers", "2", "--epochs", "1", "--name", "tuned"
    )
    with watched(nodes, "ray::MapWorker") as second:
        recsys(folder, *embed, "--encoder", str(folder / "workspace" / "encoders" / "tuned"), "--no-index")
    recsys(folder, "fit", "--trials", "10")
    return {
        "embedding_actors": {name: len(first[name] | second[name]) for name in first},
        "training_machines": trained["machines"],
        "training_steps": trained["steps"],
    }


@contextmanager
def served(asked: argparse.Namespace, nodes: LocalNodes, port: int) -> Iterator[str]:
    """`recsys serve` on the cluster until the block ends; its URL."""
    url, config = f"http://127.0.0.1:{port}", asked.folder / "loop.json"
    config.write_text(json.dumps(QUIET_LOOP))
    command = [
        sys.executable, "-m", "jobs.cli", "serve", "--workspace", str(asked.folder / "workspace"),
        "--address", nodes.cluster.address, "--port", str(port), "--placement", "remote",
        "--recommenders", str(asked.recommenders), "--shard-replicas", str(asked.shard_replicas),
        "--encoders", str(asked.encoders), "--loop-config", str(config),
    ]  # fmt: skip
    process = start(command, asked.folder / "serve.log")
    try:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the service did not start: {(asked.folder / 'serve.log').read_text()[-3000:]}")
            time.sleep(0.5)
        yield url
    finally:
        end(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5.0).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextmanager
def loaded(asked: argparse.Namespace, nodes: LocalNodes, port: int, victim: str) -> Iterator[Path]:
    """Shoppers at the proxies of all nodes until the block ends; their log."""
    database = open_database(Workspace(asked.folder / "workspace").database_url)
    users = [key.removeprefix("user:") for key in EventStore(database).typical_users(100)]
    items = [str(i) for table in ItemStore(database).scan() for i in table.column("item_id").to_pylist()]
    log, stop = asked.folder / "load.jsonl", asked.folder / "stop"
    raylets = {str(pid): name for pid, name in nodes.raylets().items()}
    clients = {name: 1 if name == victim else 3 for name in nodes.nodes}
    task = Task(
        port, raylets, clients, {}, asked.rate, users, items, str(log), str(stop), time.time_ns() % 10**9
    )  # fmt: skip
    (asked.folder / "task.json").write_text(json.dumps(asdict(task)))
    command = [sys.executable, "-m", "tests.benchmarks.several_nodes.load", str(asked.folder / "task.json")]
    process = start(command, asked.folder / "load.log")
    try:
        while not log.exists() or not log.read_text():
            if process.poll() is not None:
                sys.exit(f"the load did not start: {(asked.folder / 'load.log').read_text()[-3000:]}")
            time.sleep(0.2)
        yield log
    finally:
        stop.touch()
        process.wait(60.0)


def choose_victim(nodes: LocalNodes) -> str:
    """The worker that more of what there is one of lies on."""
    state = look(nodes.node_ids())
    single = [name for name, wanted in state.wanted.items() if wanted == 1]
    workers = [name for name in nodes.nodes if name != "head"]
    return max(
        workers, key=lambda node: (len(set(single) & set(state.on(node))), "EncoderService" in state.on(node))
    )


def rehearse(asked: argparse.Namespace, nodes: LocalNodes, port: int) -> dict[str, Any]:
    """Load, a kill, healing on the nodes left, another node; the figures."""
    whole = wait_until(lambda: look(nodes.node_ids()).missing() == 0, READY_TIMEOUT_S)
    before = look(nodes.node_ids())
    victim = choose_victim(nodes)
    proxies = {name: len(nodes.processes(name, "ray::ProxyActor")) for name in nodes.nodes}
    say(f"served after {whole} s: {before.table()}; {victim} will be killed")
    with loaded(asked, nodes, port, victim) as log:
        begun = time.time()
        time.sleep(asked.seconds)
        lost = before.on(victim)
        killed = time.time()
        gone_s = nodes.kill(victim)
        say(f"killed {victim} with {lost}; its processes were gone after {gone_s:.2f} s")
        on_the_rest = wait_until(
            lambda: (
                look(nodes.node_ids()).missing(("shard-", "profiles-", "EncoderService", "EventLog")) == 0
            ),
            HEALED_TIMEOUT_S,
        )
        say(f"shards and single copies are whole on the other nodes after {on_the_rest} s")
        added = time.time()
        nodes.add("three")
        full = wait_until(lambda: look(nodes.node_ids()).missing() == 0, HEALED_TIMEOUT_S)
        healed = time.time()
        say(f"another node was added; all replicas {full} s later")
        time.sleep(asked.seconds)
        ended = time.time()
    after = look(nodes.node_ids())
    requests = read_log(log)
    phases = {
        "before": (begun, killed),
        "during": (killed, healed),
        "after": (healed, ended),
        "all": (0.0, ended + 1e9),
    }
    workspace = Workspace(asked.folder / "workspace")
    version = Version.read(workspace, workspace.current.read_text().strip())
    living = [one for one in requests if one.node != victim]
    return {
        "replicas_before": before.table(),
        "replicas_after": after.table(),
        "proxies": proxies,
        "killed": {"node": victim, "with": lost, "processes_gone_s": round(gone_s, 2)},
        "seconds": {
            "until_shards_and_single_copies_whole": on_the_rest,
            "from_kill_to_the_new_node": round(added - killed, 1),
            "from_the_new_node_until_all_replicas": full,
        },
        "clients_of_living_nodes": figures(living, phases),
        "clients_of_the_killed_node": figures([one for one in requests if one.node == victim], phases),
        "brute_force": mismatches(requests, version, asked.shards),
        "events": events_kept(asked, requests),
    }


def events_kept(asked: argparse.Namespace, requests: list[Any]) -> dict[str, int]:
    """Acked events of the load that the store has."""
    store = EventStore(open_database(Workspace(asked.folder / "workspace").database_url))
    acked = {one.subject for one in requests if one.kind == "event" and one.status == 200}
    stored = [
        event.event_id for batch in store.scan() for event in batch if event.event_id.startswith("load-")
    ]
    sent = {one.subject for one in requests if one.kind == "event"}
    return {
        "acked": len(acked),
        "lost": len(acked - set(stored)),
        "duplicated": len(stored) - len(set(stored)),
        "phantoms": len(set(stored) - sent),
    }


def say(text: str) -> None:
    """Where the rehearsal stands."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> None:
    """Rehearse and print the figures."""
    asked = arguments()
    if asked.again:
        (asked.folder / "stop").unlink(missing_ok=True)
        (asked.folder / "load.jsonl").unlink(missing_ok=True)
    else:
        shutil.rmtree(asked.folder, ignore_errors=True)
    asked.folder.mkdir(parents=True, exist_ok=True)
    asked.folder = asked.folder.resolve()
    os.environ["PYTHONPATH"] = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    port = free_port()
    head_cpus = asked.cpus if asked.head_cpus is None else asked.head_cpus
    with local_nodes(NODES, asked.cpus, head_cpus) as nodes:
        ray.init(address=nodes.cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        say(f"nodes: {', '.join(nodes.nodes)}")
        found: dict[str, Any] = {} if asked.again else {"prepared": prepare(asked, nodes)}
        with served(asked, nodes, port):
            found |= rehearse(asked, nodes, port)
        ray.shutdown()
    text = json.dumps(found, indent=1, default=str)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
