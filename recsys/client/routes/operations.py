"""The service itself: whether it answers, with what, and its feedback loop."""

from __future__ import annotations

from recsys.client.call import Call, call_of, reading
from recsys.payloads import IndexAnswer, JobAsked, JobBody, LoopAnswer


def healthy() -> Call[bool]:
    """Whether the process lives; needs no key. Where it does not, `UnreachableError` says so."""
    return call_of("GET", "/healthz", lambda body: b"ok" in body)


def ready() -> Call[bool]:
    """Whether lists can be answered now; needs no key."""
    return call_of("GET", "/readyz", lambda body: b'"ready"' in body, answers={503})


def index() -> Call[IndexAnswer]:
    """The index version that answers now."""
    return call_of("GET", "/v1/index", reading(IndexAnswer))


def metrics() -> Call[str]:
    """Metrics in Prometheus' format."""
    return call_of("GET", "/metrics", bytes.decode)


def loop() -> Call[LoopAnswer]:
    """Whether the feedback loop turns, and what it did."""
    return call_of("GET", "/v1/loop", reading(LoopAnswer))


def pause_loop() -> Call[LoopAnswer]:
    """Let the loop decide nothing by itself until `resume_loop`."""
    return call_of("POST", "/v1/loop/pause", reading(LoopAnswer))


def resume_loop() -> Call[LoopAnswer]:
    """Let the loop decide again."""
    return call_of("POST", "/v1/loop/resume", reading(LoopAnswer))


def ask_job(kind: str) -> Call[JobAsked]:
    """Ask for a run: embed, fit, fine_tune, evaluate, rollback, or `due` for what the policy says."""
    # Each request is a run of its own.
    return call_of("POST", "/v1/jobs/{name}", reading(JobAsked), ids={"name": kind}, repeatable=False)


def jobs(limit: int = 50) -> Call[list[JobBody]]:
    """Runs, the newest first."""
    return call_of("GET", "/v1/jobs", reading(list[JobBody]), query={"limit": limit})


def job(run_id: str) -> Call[JobBody]:
    """One run with the end of its log."""
    return call_of("GET", "/v1/jobs/{name}", reading(JobBody), ids={"name": run_id})
