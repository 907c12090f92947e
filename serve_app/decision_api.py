"""Routes of what a shop's people decide: scenarios, rules, experiments, block lists, reviews, their log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, Path, Query

from recsys.experiments.result import ExperimentResults, InterleavingResults
from recsys.identifiers import MAX_ID_BYTES
from recsys.off_policy import OffPolicyReport
from recsys.payloads import (
    AuditBody,
    ControlBody,
    Decision,
    JobAsked,
    JobBody,
    LoopAnswer,
    OffPolicyRequest,
    RulesPreview,
    RulesPreviewed,
)
from serve_app.decisions import ANYBODY, Decisions
from serve_app.evidence import Evidence
from serve_app.loop_desk import LoopDesk

Name = Annotated[str, Path(min_length=1, max_length=MAX_ID_BYTES)]
Actor = Annotated[str, Header(alias="X-Actor", max_length=200, description="Who changes it.")]
Revision = Annotated[
    int | None, Header(alias="If-Match", ge=0, description="Revision that was read; 0: it must be new.")
]
EXAMPLES: dict[str, dict[str, Any]] = {
    "scenario": {"description": "Start page", "n": 8, "lists": {"diversity": 0.3}},
    "rule": {
        "description": "Own brand first in April",
        "items": {"field": "brand", "op": "==", "value": "Alder & Finch"},
        "effect": {"kind": "boost", "factor": 2.0},
        "when": {"field": "scenario", "op": "==", "value": "home"},
    },
    "experiment": {
        "arms": [
            {"name": "A", "share": 0.5},
            {"name": "B", "share": 0.5, "overrides": {"lists.diversity": 0.4}},
        ],
        "scenarios": ["home"],
    },
    "block": {"description": "Recalled", "brands": ["Umbra"]},
}
PLURALS = {"scenario": "scenarios", "rule": "rules", "experiment": "experiments", "block": "blocks"}


def add_decisions(api: FastAPI, decisions: Decisions) -> None:
    """All of these routes."""
    for kind, plural in PLURALS.items():
        _add_kind(api, decisions, kind, plural)
    _add_rest(api, decisions)


def _add_kind(api: FastAPI, decisions: Decisions, kind: str, plural: str) -> None:
    example: Any = Body(openapi_examples={kind: {"value": EXAMPLES[kind]}})

    @api.get(f"/v1/{plural}", tags=["decisions"], name=f"list_{plural}")
    async def all_of() -> list[ControlBody]:
        """All of them, by name."""
        return await decisions.all_of(kind)

    @api.get(f"/v1/{plural}/{{name}}", tags=["decisions"], name=f"get_{kind}")
    async def get(name: Name) -> ControlBody:
        """One of them."""
        return await decisions.get(kind, name)

    @api.put(f"/v1/{plural}/{{name}}", tags=["decisions"], name=f"put_{kind}")
    async def put(
        name: Name,
        actor: Actor = ANYBODY,
        revision: Revision = None,
        body: dict[str, Any] = example,
    ) -> ControlBody:
        """Make or replace one; in force within a second."""
        return await decisions.put(kind, name, body, actor, revision)

    @api.delete(f"/v1/{plural}/{{name}}", tags=["decisions"], name=f"delete_{kind}")
    async def delete(name: Name, actor: Actor = ANYBODY) -> ControlBody:
        """Take one away; what it was."""
        return await decisions.delete(kind, name, actor)


def add_evidence(api: FastAPI, evidence: Evidence) -> None:
    """Routes of what lists have led to."""

    @api.get("/v1/experiments/{name}/results", tags=["evidence"])
    async def results(name: Name) -> ExperimentResults | InterleavingResults:
        """An experiment as it stands; its verdict may be read every day."""
        return await evidence.results(name)

    @api.post("/v1/off-policy", tags=["evidence"])
    async def off_policy(body: OffPolicyRequest) -> OffPolicyReport:
        """What other policies would have earned in the place of chance, or why the log cannot tell."""
        return await evidence.off_policy(body)


def add_loop(api: FastAPI, desk: LoopDesk) -> None:
    """Routes of the feedback loop and its jobs."""

    @api.get("/v1/loop", tags=["jobs"])
    async def status() -> LoopAnswer:
        """Whether the loop turns, and what it did."""
        return await desk.status()

    @api.post("/v1/loop/pause", tags=["jobs"])
    async def pause() -> LoopAnswer:
        """Decide nothing by itself until `resume`."""
        return await desk.pause(True)

    @api.post("/v1/loop/resume", tags=["jobs"])
    async def resume() -> LoopAnswer:
        """Decide again."""
        return await desk.pause(False)

    @api.post("/v1/jobs/{name}", tags=["jobs"], status_code=202)
    async def ask(name: Name) -> JobAsked:
        """Ask for a run: embed, fit, fine_tune, evaluate, rollback, or `due` for what the policy says."""
        return await desk.ask(name)

    @api.get("/v1/jobs", tags=["jobs"])
    async def jobs(limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[JobBody]:
        """Runs, the newest first."""
        return await desk.jobs(limit)

    @api.get("/v1/jobs/{name}", tags=["jobs"])
    async def job(name: Name) -> JobBody:
        """One run, by its id, with the end of its log."""
        return await desk.job(name)


def _add_rest(api: FastAPI, decisions: Decisions) -> None:
    @api.post("/v1/rules:preview", tags=["decisions"])
    async def preview(body: RulesPreview) -> RulesPreviewed:
        """What a list would become under other rules; nothing changes."""
        return await decisions.preview(body)

    @api.get("/v1/reviews", tags=["decisions"])
    async def reviews() -> list[ControlBody]:
        """Items that were found doubtful, with what was decided."""
        return await decisions.all_of("review")

    @api.post("/v1/reviews/{item_id}", tags=["decisions"])
    async def decide(item_id: Name, body: Decision, actor: Actor = ANYBODY) -> ControlBody:
        """Approve or reject an item."""
        return await decisions.decide(item_id, body, actor)

    @api.get("/v1/audit", tags=["decisions"])
    async def audit(
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
        before: Annotated[int | None, Query(ge=0, le=2**62, description="Page on: a `seq`.")] = None,
    ) -> list[AuditBody]:
        """Every change of a decision, the newest first."""
        return await decisions.audit(limit, before)
