"""`recsys federate`: one encoder for several shops, none of which shows its events to another."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cluster.federation import FederationReport, ShopPart, federate
from cluster.runtime import ResourceRequest, connect
from jobs.options import database_url_of
from jobs.publish_index import newest_encoder_version
from jobs.train_encoder import training_data
from recsys.config import FitConfig, RuntimeConfig, TrainConfig
from recsys.errors import InputError
from recsys.training.model_card import write_card
from recsys.workspace import Workspace


def run_federate(
    shops: Sequence[Path],
    config: TrainConfig,
    fit: FitConfig,
    rounds: int,
    name: str | None,
    on_round: Callable[[int], None] = lambda number: None,
) -> dict[str, Any]:
    """Train together; an encoder of the same name and weights in each shop's workspace.

    Raises `InputError` for fewer than two shops, a shop that is named twice, or a name that is taken.
    """
    runtimes = [RuntimeConfig(workspace=shop) for shop in shops]
    places = [Workspace(runtime.workspace) for runtime in runtimes]
    if len({place.root for place in places}) < max(len(places), 2):
        raise InputError("too few shops", expected="two or more different workspaces", found=str(len(shops)))
    parts = [
        ShopPart(place.root, database_url_of(runtime), newest_encoder_version(place))
        for place, runtime in zip(places, runtimes, strict=True)
    ]
    name = name or _name_of(config, rounds, parts)
    targets = [place.encoders / name for place in places]
    if taken := [target for target in targets if target.exists()]:
        raise InputError("an encoder has this name", expected="a new --name", found=str(taken[0]))
    make_data = functools.partial(_data_of, fit)
    with connect(runtimes[0], request=ResourceRequest(len(parts), 0.5)):
        report = federate(parts, config, rounds, make_data, targets, on_round)
    for target, before, after in zip(targets, report.before, report.after, strict=True):
        curve = [{"epoch": 0.0, **before}, {"epoch": float(rounds), **after}]
        write_card(target, _facts(config, rounds, parts, report), curve)
    return {"encoder": name, "rounds": rounds, **_rows(parts, report)}


def _data_of(fit: FitConfig, shop: Any, config: TrainConfig) -> Any:
    return training_data(shop, config, fit)


def _name_of(config: TrainConfig, rounds: int, parts: Sequence[ShopPart]) -> str:
    said = config.model_dump_json() + str(rounds) + "".join(str(part.workspace) for part in parts)
    return f"federated-{config.mode.value}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def _facts(
    config: TrainConfig, rounds: int, parts: Sequence[ShopPart], report: FederationReport
) -> dict[str, Any]:
    """What the card says: of the other shops no more than their number and their pairs together."""
    return {
        "base_encoder_version": parts[0].encoder_version,
        "mode": config.mode.value,
        "objective": config.objective,
        "federated_shops": len(parts),
        "rounds": rounds,
        "pairs": sum(report.num_pairs),
        "config": config.model_dump(mode="json"),
        "licence": "that of the base encoder",
    }


def _rows(parts: Sequence[ShopPart], report: FederationReport) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for part, pairs, before, after in zip(parts, report.num_pairs, report.before, report.after, strict=True):
        shown = f"{pairs} pairs, ndcg@10 {before['ndcg@10']:.4f} before, {after['ndcg@10']:.4f} after"
        rows[part.workspace.name] = shown
    return rows
