from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray

from cluster.runtime import ResourceRequest, connect, require
from recsys.config import RuntimeConfig
from recsys.errors import CapacityError

NODES = [{"CPU": 2.0}, {"CPU": 5.0, "GPU": 1.0}, {"memory": 1.0}]


@pytest.mark.parametrize(
    ("request_", "fits"),
    [
        (ResourceRequest(3, 2.0), 3),
        (ResourceRequest(4, 2.0), 3),
        (ResourceRequest(1, 6.0), 0),
        (ResourceRequest(70, 0.1), 70),
        (ResourceRequest(71, 0.1), 70),
        (ResourceRequest(3, 1.0, 0.5), 2),
        (ResourceRequest(1, 1.0, 2.0), 0),
    ],
)
def test_an_actor_must_fit_on_one_node(request_: ResourceRequest, fits: int) -> None:
    assert request_.fitting(NODES) == fits


def test_what_cannot_ever_fit_is_refused_at_once_with_both_numbers(ray_cluster: None) -> None:
    with pytest.raises(CapacityError, match=r"1 actors of 9 CPUs each.*room for 0 in 8 CPUs"):
        require(ResourceRequest(1, 9.0))
    with pytest.raises(CapacityError, match="1 CPUs and 1 GPUs"):
        require(ResourceRequest(1, 1.0, 1.0))
    require(ResourceRequest(8, 1.0))


def test_what_others_hold_is_waited_for_and_then_refused(ray_cluster: None) -> None:
    @ray.remote(num_cpus=7)
    class Holder:
        def ready(self) -> bool:
            return True

    holder = Holder.remote()  # type: ignore[attr-defined]  # Ray's decorator is untyped
    ray.get(holder.ready.remote())
    try:
        with pytest.raises(CapacityError, match=r"busy.*2 actors of 1 CPUs each"):
            require(ResourceRequest(2, 1.0), patience_s=0.0)
    finally:
        ray.kill(holder)
    require(ResourceRequest(2, 1.0))


def test_a_ray_that_was_there_before_is_used_and_left_alone(ray_cluster: None) -> None:
    before = ray.get_runtime_context().gcs_address
    with connect(RuntimeConfig()):
        assert ray.get_runtime_context().gcs_address == before
    assert ray.is_initialized()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:x"])
def test_an_address_where_nothing_answers_is_told_at_once(address: str, tmp_path: Path) -> None:
    code = (
        "import sys; from cluster.runtime import connect; from recsys.config import RuntimeConfig\n"
        "from recsys.errors import CapacityError\n"
        "try:\n    connect(RuntimeConfig(address=sys.argv[1])).__enter__()\n"
        "except CapacityError as error:\n    print(error.where)\n"
    )
    started = time.monotonic()
    run = subprocess.run([sys.executable, "-c", code, address], capture_output=True, text=True, timeout=60)
    assert run.stdout == f"{address}\n", run.stderr
    assert time.monotonic() - started < 60


def test_a_local_ray_is_quiet_passes_the_environment_on_and_ends_with_the_block() -> None:
    code = (
        "import json, os, ray; from cluster.runtime import connect; from recsys.config import RuntimeConfig\n"
        "os.environ['HF_HUB_OFFLINE'] = '1'; os.environ.pop('TOKENIZERS_PARALLELISM', None)\n"
        "names = ('HF_HUB_OFFLINE', 'TOKENIZERS_PARALLELISM')\n"
        "try:\n"
        "  with connect(RuntimeConfig(), num_cpus=3, terse=True):\n"
        "    look = ray.remote(lambda: [os.environ.get(name) for name in names])\n"
        "    found = [ray.cluster_resources()['CPU'], ray.get(look.remote())]\n"
        "    raise KeyError\n"
        "except KeyError:\n"
        "  print(json.dumps([*found, ray.is_initialized()]))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert json.loads(run.stdout) == [3.0, ["1", "false"], False]
    assert run.stderr == ""
