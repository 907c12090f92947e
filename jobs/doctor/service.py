"""A service that runs: alive, ready, and of the published version."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx

from jobs.doctor.finding import Finding, failed, ok, warning

TIMEOUT_S = 5.0


def examine_service(
    url: str, published: str | None, transport: httpx.BaseTransport | None = None
) -> Iterator[Finding]:
    """`/healthz` and `/readyz` of a service, then whether it answers with the `published` version."""
    with httpx.Client(base_url=url, timeout=TIMEOUT_S, transport=transport) as client:
        alive = _asked(client, "/healthz", "see the log of recsys serve; start it again")
        yield alive
        if alive.advice:
            return
        ready = _asked(client, "/readyz", "wait for the index to load; see docs/operations.md, no index")
        yield ready
        if not ready.advice:
            yield from _version(client, published)


def _asked(client: httpx.Client, path: str, advice: str) -> Finding:
    name, begun = f"service {path}", time.perf_counter()
    try:
        answer = client.get(path)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return failed(name, f"{client.base_url}: {type(error).__name__}: {error}", advice)
    if answer.status_code != httpx.codes.OK:
        return failed(name, f"{answer.status_code} {answer.text[:200]}", advice)
    return ok(name, f"{answer.status_code} in {(time.perf_counter() - begun) * 1000:.0f} ms")


def _version(client: httpx.Client, published: str | None) -> Iterator[Finding]:
    try:
        answer = client.get("/v1/index")
        served = answer.json().get("index_version") if answer.is_success else None
    except (httpx.HTTPError, ValueError):
        served = None
    if served is None:
        return  # a service that wants a key for this says nothing of its health by that
    if published is None or served == published:
        yield ok("service version", str(served))
    else:
        found = f"it answers with {served}, published is {published}"
        yield warning("service version", found, "see its log for a refused version; restart it")
