"""Requests of the HTTP benchmark, and whether what they are answered is whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from jobs.bench.shop_history import user_id
from jobs.bench.wrk import post_script
from recsys.errors import StoreError

NUM_BODIES = 3_000
LIST_LENGTH = 10
PRICES = (2_000, 5_000, 10_000, 20_000)
CATEGORIES = ("Kitchen", "Outdoor", "Home")
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Traffic:
    """The same shoppers in the same order, asked of our service and of the bare one."""

    ours: Path
    """wrk's script for our service: a third without filter, one by price, one by category; with reasons."""
    bare: Path
    """wrk's script for the bare service."""
    bodies: tuple[dict[str, Any], ...]
    """What our service is asked."""


def make_traffic(folder: Path, num_users: int, seed: int = 0) -> Traffic:
    """Scripts for wrk in `folder`."""
    rng = np.random.default_rng(seed)
    users = [user_id(number) for number in rng.integers(num_users, size=NUM_BODIES).tolist()]
    filters = [_filter(rng, number) for number in range(NUM_BODIES)]
    bodies = tuple(
        {"user_id": user, "n": LIST_LENGTH, "explain": True, **({"filter": where} if where else {})}
        for user, where in zip(users, filters, strict=True)
    )
    return Traffic(
        post_script(folder / "ours.lua", "/v1/recommend", bodies),
        post_script(
            folder / "bare.lua", "/recommend", [{"user_id": user, "n": LIST_LENGTH} for user in users]
        ),
        bodies,
    )


def require_whole_answers(url: str, traffic: Traffic, num_requests: int = 30) -> None:
    """Ask a few of the requests and raise `StoreError` unless lists are full, explained and not degraded."""
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        for body in traffic.bodies[:num_requests]:
            answer = client.post("/v1/recommend", json=body)
            found = answer.json()
            if answer.status_code != httpx.codes.OK or found["degraded"] or not _is_full(found["items"]):
                raise StoreError(
                    "an answer is not whole",
                    expected=f"{LIST_LENGTH} items with reasons",
                    found=answer.text[:300],
                )


def degraded_answers(url: str) -> float:
    """How many answers of our service were degraded since it started."""
    return counted(url, "recsys_degraded_total")


def counted(url: str, name: str, **labels: str) -> float:
    """Sum over the samples of one of our service's metrics that have these labels."""
    text = httpx.get(f"{url}/metrics", timeout=TIMEOUT_S).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return float(
        sum(
            sample.value
            for sample in samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )
    )


def _is_full(items: list[dict[str, Any]]) -> bool:
    return len(items) == LIST_LENGTH and all(item["reasons"] for item in items)


def _filter(rng: np.random.Generator, number: int) -> dict[str, Any] | None:
    price, category = int(rng.choice(PRICES)), str(rng.choice(CATEGORIES))
    return (
        None,
        {"field": "price_minor", "op": "<=", "value": price},
        {"field": "category", "op": "under", "value": category},
    )[number % 3]
