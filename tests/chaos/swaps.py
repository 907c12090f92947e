"""S13: fifty publishings and rollbacks under load; one version in each answer, the same lists again."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress

import httpx

from cluster.confirmed_publish import publish_confirmed, rollback_confirmed
from cluster.database import open_database
from cluster.indexing import build_index
from cluster.item_store import ItemStore
from cluster.replica_board import ReplicaBoard
from cluster.serving_database import open_serving_database
from jobs.simulation.oracle import Version
from recsys.config import IndexConfig, Metric
from recsys.errors import GateError
from recsys.index import current_version, load_manifest
from recsys.workspace import Workspace
from tests.chaos.figures import not_200, percentile_ms, statuses
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import BEFORE_S, NUM_SHARDS, inline_service, loaded, shop_of

SWAPS = 50
ROLLBACK_S = 10.0
PROBES = [f"item-{number:05d}" for number in (1, 17, 101, 555, 1_234)]
AFTER_S = 5.0


def run(place: Place, outcome: Outcome) -> None:
    """Publish the one version, roll back to the other, in turn; lists are compared with brute force."""
    workspace = shop_of(place)
    old, new = current_version(workspace), _other(workspace)
    versions = {name: Version.read(workspace, name) for name in (old, new)}
    board = ReplicaBoard(open_serving_database(f"sqlite:///{workspace.serving_database}"))
    counts: Counter[str] = Counter()
    first: dict[tuple[str, str], list[str]] = {}
    taken: list[float] = []
    with inline_service(workspace, place.folder) as service, loaded(service, place.folder) as load:
        time.sleep(BEFORE_S)
        begun = time.monotonic()
        for number in range(place.times(SWAPS, 4)):
            at = time.monotonic()
            with suppress(GateError):
                if number % 2:
                    rollback_confirmed(workspace, board)
                else:
                    publish_confirmed(workspace, board, new)
                taken.append(time.monotonic() - at)
            _probe(service.url, versions, first, counts)
        ended = time.monotonic()
        time.sleep(AFTER_S)
        answers = load.stop()
    swapping = [one for one in answers if begun <= one.at_s < ended]
    backs = taken[1::2]
    outcome.figures |= {
        "swaps": len(taken),
        "of them rollbacks": len(backs),
        "slowest rollback s": round(max(backs, default=0.0), 1),
        "requests": len(answers),
        "statuses": statuses(answers),
        "lists compared": counts["compared"],
        "p99_before_ms": percentile_ms([one for one in answers if one.at_s < begun], 99),
        "p99_during_ms": percentile_ms(swapping, 99),
        "p99_after_ms": percentile_ms([one for one in answers if one.at_s >= ended], 99),
    }
    seen = {one.index_version for one in swapping}
    outcome.require("swaps", f"{place.times(SWAPS, 4)}", len(taken), len(taken) == place.times(SWAPS, 4))
    outcome.require("versions seen under load", "2", len(seen), seen == {old, new})
    slowest = round(max(backs, default=float("inf")), 1)
    outcome.require("slowest rollback", f"at most {ROLLBACK_S:g} s", slowest, slowest <= ROLLBACK_S)
    outcome.require_zero(
        not_200=not_200(answers),
        mixed_lists=counts["mixed"],
        lists_other_than_before=counts["changed"],
        partial_answers=sum(one.ratio < 1.0 for one in answers),
    )


def _other(workspace: Workspace) -> str:
    """Another version of the same items: by distance instead of cosine."""
    manifest = load_manifest(workspace, current_version(workspace))
    config = IndexConfig(num_shards=NUM_SHARDS, metric=Metric.EUCLIDEAN)
    store = ItemStore(open_database(workspace.database_url))
    return build_index(workspace, store, manifest.encoder_version, config).index_version


def _probe(
    url: str,
    versions: dict[str, Version],
    first: dict[tuple[str, str], list[str]],
    counts: Counter[str],
) -> None:
    """Lists of similar items, each by the version that it names and as it was the first time."""
    for item_id in PROBES:
        answer = httpx.post(f"{url}/v1/similar", json={"item_id": item_id, "n": 10}, timeout=30.0).json()
        name, listed = answer["index_version"], [item["item_id"] for item in answer["items"]]
        counts["compared"] += 1
        counts["mixed"] += not versions[name].agrees(item_id, listed)
        counts["changed"] += first.setdefault((name, item_id), listed) != listed
