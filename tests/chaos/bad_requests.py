"""A2: requests no client should send; answers are 4xx, or lists that say what they are."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx

from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import inline_service, shop_of
from tests.serve.test_api import HOSTILE

Request = tuple[str, bytes]
IDS = (
    "../../etc/passwd",
    "a\0b",
    "\u202egnol",
    "x" * 10_000,
    "",
    " ",
    "%00",
    "'; DROP TABLE events; --",
    "\ud83d\ude00",
    "nul\u0000",
)
NUMBERS: tuple[Any, ...] = (0, -1, 10**9, 10**30, 1.5, "NaN", None, True, [], {})
MIB = 2**20
TIMEOUT_S = 120.0


def run(place: Place, outcome: Outcome) -> None:
    """Every request once; then ask whether the service still answers as before."""
    statuses: Counter[str] = Counter()
    server_errors: list[str] = []
    unstable: list[str] = []
    with (
        inline_service(shop_of(place), place.folder, "--recommenders", "1") as service,
        httpx.Client(base_url=service.url, timeout=TIMEOUT_S) as client,
    ):
        before = _list(client)
        requests = _requests()
        for path, content in requests:
            answer = client.post(path, content=content, headers={"content-type": "application/json"})
            statuses[str(answer.status_code)] += 1
            if answer.status_code >= 500:
                server_errors.append(f"{path} {content[:60]!r}: {answer.status_code}")
            elif answer.status_code >= 400 and not _is_problem(answer):
                unstable.append(f"{path} {content[:60]!r}: {answer.text[:60]}")
        labels = _labelled(client)
        after = _list(client)
    outcome.figures |= {
        "requests": len(requests),
        "statuses": ", ".join(f"{k}: {n}" for k, n in sorted(statuses.items())),
    }
    outcome.require_zero(server_errors=len(server_errors), errors_of_another_shape=len(unstable))
    for what, (wanted, found, held) in labels.items():
        outcome.require(what, wanted, found, held)
    outcome.require(
        "the same list before and after", "yes", "yes" if before == after else "no", before == after
    )
    outcome.notes += server_errors[:5] + unstable[:5]


def _list(client: httpx.Client) -> list[str]:
    answer = client.post("/v1/similar", json={"item_id": "item-00001", "n": 10})
    return [item["item_id"] for item in answer.json()["items"]]


def _is_problem(answer: httpx.Response) -> bool:
    try:
        return bool({"type", "message", "request_id"} <= answer.json().keys())
    except ValueError:
        return False


def _labelled(client: httpx.Client) -> dict[str, tuple[str, str, bool]]:
    """Requests that are fine and for which there is nothing, or nobody known."""
    stranger = client.post("/v1/recommend", json={"user_id": "never-seen", "n": 5}).json()
    nothing = client.post(
        "/v1/recommend", json={"n": 5, "filter": {"field": "price_minor", "op": "<", "value": 0}}
    ).json()
    unknown = client.post("/v1/similar", json={"item_id": "never-seen", "n": 5})
    event = {"user_id": "u", "item_id": "never-seen", "event_type": "view"}
    acked = client.post("/v1/events:batch", json={"events": [event]}).json()
    shown = len(stranger["items"])
    return {
        "an unknown user": ("five items, labelled fallback", f"{shown}, {stranger['degraded']}",
                            shown == 5 and "fallback" in stranger["degraded"]),
        "everything filtered out": ("an empty list", f"{len(nothing['items'])} items", not nothing["items"]),
        "an unknown item": ("404", str(unknown.status_code), unknown.status_code == 404),
        "an event of an unknown item": ("counted", str(acked["unknown_items"]), acked["unknown_items"] == 1),
    }  # fmt: skip


def _requests() -> list[Request]:
    found = [(path, json.dumps(body).encode()) for path, body, _ in HOSTILE]
    for one in IDS:
        found += [_request(path, body) for path, body in _with_id(one)]
    for number in NUMBERS:
        for path in ("/v1/recommend", "/v1/similar", "/v1/search"):
            body = {"n": number, "item_id": "item-00001"} if path == "/v1/similar" else {"n": number}
            found.append(_request(path, body | ({"text": "lamp"} if path == "/v1/search" else {})))
    return [*found, *_large(), *_broken()]


def _with_id(one: str) -> list[tuple[str, dict[str, Any]]]:
    event = {"event_id": one, "user_id": one, "item_id": one, "event_type": "view"}
    return [
        ("/v1/recommend", {"user_id": one}),
        ("/v1/recommend", {"visitor_id": one, "item_id": one}),
        ("/v1/recommend", {"scenario": one}),
        ("/v1/similar", {"item_id": one}),
        ("/v1/events:batch", {"events": [event]}),
        ("/v1/items:batch", {"items": [{"item_id": one, "title": one}]}),
        ("/v1/rank", {"user_id": one, "item_ids": [one]}),
    ]


def _request(path: str, body: Any) -> Request:
    return path, json.dumps(body).encode()


def _large() -> list[Request]:
    event = {"user_id": "u", "item_id": "i", "event_type": "view"}
    nested: Any = {"field": "price_minor", "op": "<", "value": 1}
    for _ in range(200):
        nested = {"not": nested}
    return [
        ("/v1/recommend", b'{"user_id": "' + b"x" * (10 * MIB) + b'"}'),
        _request("/v1/events:batch", {"events": [event] * 100_000}),
        _request("/v1/items:batch", {"items": [{"item_id": "i", "title": "t" * MIB}]}),
        _request("/v1/recommend", {"filter": nested}),
        _request("/v1/rank", {"item_ids": [f"i{n}" for n in range(50_000)]}),
        _request("/v1/embed", {"texts": ["t"] * 10_000}),
    ]


def _broken() -> list[Request]:
    bodies = (
        b"", b"{", b"null", b"[]", b'{"n": NaN}', b'{"n": 1e400}', b'{"user_id": "\\ud800"}', b"\xff\xfe",
        b'{"filter": ' + b'{"not":' * 50_000 + b"{}" + b"}" * 50_001, b"[" * 100_000,
    )  # fmt: skip
    paths = ("/v1/recommend", "/v1/events:batch", "/v1/items:batch", "/v1/search")
    return [(path, body) for path in paths for body in bodies]
