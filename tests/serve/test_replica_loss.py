"""Replicas that die with a call: it is made again elsewhere, or what it was for goes on without it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from ray import serve
from ray.serve import Application
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.event_writer import EventWriter
from recsys.config import Door, Placement, RuntimeConfig, ServeConfig
from recsys.errors import ConfigError, InputError, StoreError
from recsys.identifiers import shard_of
from recsys.schemas import EVENTS, conform
from serve_app.app import build_application
from serve_app.breaker import CircuitBreaker
from serve_app.event_log import EventClient, EventLog
from serve_app.profiles import RemoteProfiles
from serve_app.replica_call import answered
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop
from tests.serve.test_api import ids, play

pytestmark = pytest.mark.timeout(300)
PATIENCE_S = 60.0


class Mortal:
    """Dies, fails or sleeps when it is told to; counts its calls in a file."""

    def __init__(self, calls: str) -> None:
        self._calls = Path(calls)

    async def call(self, deaths: int, fault: bool = False, sleep_s: float = 0.0) -> int:
        with self._calls.open("a") as file:
            file.write(".")
        so_far = self._calls.stat().st_size
        if so_far <= deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault:
            raise InputError("this is refused")
        await asyncio.sleep(sleep_s)
        return so_far


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File of the calls that `mortal` was made."""
    return tmp_path_factory.mktemp("mortal") / "calls"


@pytest.fixture(scope="module")
def mortal(calls: Path, ray_cluster: None) -> Iterator[DeploymentHandle[Any]]:
    """A deployment with more replicas than deaths in one test."""
    serve.start(proxy_location="Disabled")
    deployment: Any = serve.deployment(Mortal)
    options = {"num_replicas": 3, "ray_actor_options": {"num_cpus": 0.1}, "health_check_period_s": 1.0}
    yield serve.run(deployment.options(**options).bind(str(calls)), name="mortal", route_prefix=None)
    serve.shutdown()  # type: ignore[no-untyped-call]  # Serve's own signature has no types


def test_a_call_whose_replica_died_is_answered_by_another(mortal: DeploymentHandle[Any], calls: Path) -> None:
    calls.write_text("")
    asked = answered(lambda: mortal.call.remote(2), PATIENCE_S)
    assert asyncio.run(asked) == 3


def test_what_the_callee_says_and_a_late_answer_are_not_asked_for_again(
    mortal: DeploymentHandle[Any], calls: Path
) -> None:
    calls.write_text("")
    with pytest.raises(InputError, match="this is refused"):
        asyncio.run(answered(lambda: mortal.call.remote(0, fault=True), PATIENCE_S))
    with pytest.raises(TimeoutError):
        asyncio.run(answered(lambda: mortal.call.remote(0, sleep_s=30.0), 0.5))
    assert calls.read_text() == ".."


def events(*ids: str) -> pa.Table:
    """One click for each id."""
    at = pa.array([1_700_000_000_000_000] * len(ids), pa.timestamp("us", "UTC"))
    columns = {"event_id": list(ids), "user_id": ["u"] * len(ids), "item_id": ["i"] * len(ids)}
    kinds = {"event_type": ["click"] * len(ids), "occurred_at": at, "received_at": at}
    return conform(pa.table(columns | kinds), EVENTS)


def test_events_are_taken_while_the_log_is_away_and_by_the_log_when_it_is_back(
    tmp_path: Path, mortal: DeploymentHandle[Any]
) -> None:
    url = f"sqlite:///{tmp_path}/events.db"
    store = EventStore(open_database(url))
    deployment: Any = serve.deployment(EventLog)
    bound = deployment.options(ray_actor_options={"num_cpus": 0.1}, health_check_period_s=1.0).bind(url)
    log = serve.run(bound, name="log", route_prefix=None)
    client = EventClient(log, EventWriter(store), timeout_s=1.0, rest_s=0.5)

    async def scene() -> int:
        await client.append(events("before"))
        os.kill(await log.process_id.remote(), signal.SIGKILL)
        for number in range(4):
            assert (await client.append(events(f"away-{number}"))).appended == 1
        deadline = time.monotonic() + PATIENCE_S
        while client._breaker.is_open:
            await client.append(events(f"later-{time.monotonic()}"))
            await asyncio.sleep(0.1)
            assert time.monotonic() < deadline, "the log is not used again"
        return (await client.append(events("before", "away-0", "away-3"))).duplicates

    assert asyncio.run(scene()) == 3
    stored = [event.event_id for batch in store.scan() for event in batch]
    assert len(stored) == len(set(stored)) >= 5


class Gone:
    """The handle of a deployment without replicas: calls wait."""

    def __init__(self) -> None:
        self.profile, self.asked = self, 0

    async def remote(self, user_key: str, now_us: int, **_: Any) -> None:
        self.asked += 1
        await asyncio.sleep(30.0)


def test_a_partition_that_does_not_answer_is_soon_not_waited_for() -> None:
    gone: Any = Gone()
    profiles = RemoteProfiles([gone], 0.01, lambda: CircuitBreaker(3, 60.0))
    for _ in range(10):
        with pytest.raises(StoreError):
            asyncio.run(profiles.profile("user:u", 0))
    assert gone.asked == 3


def deployments(application: Application) -> dict[str, Any]:
    """Options of every deployment of a graph, by name."""
    found, waiting = {}, [application]
    while waiting:
        one: Any = waiting.pop()
        if isinstance(one, Application):
            bound: Any = one._bound_deployment
            found[bound.name] = bound
            waiting += [*bound.init_args, *bound.init_kwargs.values()]
        elif isinstance(one, list):
            waiting += one
    return found


def test_on_several_machines_copies_lie_apart_and_ranges_reach_serve(small_shop: SmallShop) -> None:
    runtime = RuntimeConfig(workspace=small_shop.workspace.root, address="127.0.0.1:1")
    config = ServeConfig(
        placement=Placement.REMOTE, num_recommenders=2, max_recommenders=6, shard_replicas=2,
        max_shard_replicas=3, num_encoders=2,
    )  # fmt: skip
    found = deployments(build_application(runtime, config, machines=3))
    limits = {name: one._replica_config.max_replicas_per_node for name, one in found.items()}
    assert limits == {
        "Ingress": 2, "shard-0": 1, "shard-1": 1, "EncoderService": 1, "EventLog": None,
        "profiles-0": None, "profiles-1": None,
    }  # fmt: skip
    scaled = {name: one._deployment_config.autoscaling_config for name, one in found.items()}
    ranges = {name: (one.min_replicas, one.max_replicas) for name, one in scaled.items() if one is not None}
    assert ranges == {"Ingress": (2, 6), "shard-0": (2, 3), "shard-1": (2, 3)}
    alone = deployments(build_application(runtime, config))
    assert {one._replica_config.max_replicas_per_node for one in alone.values()} == {None}


def test_replicas_that_listen_themselves_have_a_fixed_number(small_shop: SmallShop) -> None:
    runtime = RuntimeConfig(workspace=small_shop.workspace.root)
    config = ServeConfig(num_recommenders=1, max_recommenders=3)
    with pytest.raises(ConfigError, match="--door proxy"):
        build_application(runtime, config)
    build_application(runtime, config.model_copy(update={"door": Door.PROXY}))


class LostShard:
    """A shard without a living replica."""

    in_process = True

    def __getattr__(self, name: str) -> Any:
        async def lost(*_: Any) -> None:
            raise RayServeException("no replica")

        return lost


def test_an_item_of_a_lost_shard_is_not_called_unknown(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        lost = next(i for i in map("item-{:05d}".format, range(1, 50)) if shard_of(i, 2) == 1)
        shards: Any = service.watch._shards
        shards[1] = LostShard()
        answer = (await client.post("/v1/similar", json={"item_id": lost, "n": 5})).json()
        assert len(ids(answer)) == 5
        assert lost not in ids(answer)
        assert {"shard_down", "fallback"} <= set(answer["degraded"])
        assert answer["coverage"]["shards_ok"] == 1
        whole = {"item_id": lost, "n": 5, "require_full": True}
        assert (await client.post("/v1/similar", json=whole)).status_code == 503
        kept = next(f"no-item-{n}" for n in range(50) if shard_of(f"no-item-{n}", 2) == 0)
        assert (await client.post("/v1/similar", json={"item_id": kept})).status_code == 404

    play(service, scene)
