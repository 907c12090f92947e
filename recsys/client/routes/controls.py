"""What a shop's people decide: scenarios, rules, experiments, block lists, reviews, their log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from recsys.client.call import Call, call_of, posted, reading
from recsys.payloads import AuditBody, ControlBody, Decision, RulesPreview, RulesPreviewed

Kind = Literal["scenarios", "rules", "experiments", "blocks"]


def decisions(kind: Kind) -> Call[list[ControlBody]]:
    """All decisions of a kind, by name."""
    return call_of("GET", f"/v1/{kind}", reading(list[ControlBody]))


def decision(kind: Kind, name: str) -> Call[ControlBody]:
    """One decision."""
    return call_of("GET", f"/v1/{kind}/{{name}}", reading(ControlBody), ids={"name": name})


def put_decision(
    kind: Kind,
    name: str,
    body: Mapping[str, Any],
    *,
    revision: int | None = None,
    actor: str | None = None,
) -> Call[ControlBody]:
    """Make or replace a decision; in force within a second.

    With the `revision` that was read it is changed only where nobody changed it meanwhile (`ChangedError`
    else); 0 says that it must be new. `actor` is who the log says it was.
    """
    headers = _actor(actor) | ({} if revision is None else {"if-match": str(revision)})
    return call_of(
        "PUT",
        f"/v1/{kind}/{{name}}",
        reading(ControlBody),
        ids={"name": name},
        body=dict(body),
        headers=headers,
        # Sent twice, the second would meet the revision that the first one made.
        repeatable=revision is None,
    )


def delete_decision(kind: Kind, name: str, *, actor: str | None = None) -> Call[ControlBody]:
    """Take a decision away; what it was."""
    return call_of(
        "DELETE",
        f"/v1/{kind}/{{name}}",
        reading(ControlBody),
        ids={"name": name},
        headers=_actor(actor),
        repeatable=False,
    )


preview_rules = posted(
    RulesPreview,
    "/v1/rules:preview",
    RulesPreviewed,
    """What a list would become under other rules; nothing changes.""",
)


def reviews() -> Call[list[ControlBody]]:
    """Items that were found doubtful, with what was decided."""
    return call_of("GET", "/v1/reviews", reading(list[ControlBody]))


def decide_review(
    item_id: str, *, approve: bool, note: str = "", actor: str | None = None
) -> Call[ControlBody]:
    """Approve or reject an item."""
    body = Decision(approve=approve, note=note)
    ids = {"item_id": item_id}
    return call_of(
        "POST",
        "/v1/reviews/{item_id}",
        reading(ControlBody),
        ids=ids,
        body=body,
        headers=_actor(actor),
        repeatable=False,
    )


def audit(limit: int = 100, before: int | None = None) -> Call[list[AuditBody]]:
    """Every change of a decision, the newest first; `before` pages on from a `seq`."""
    return call_of("GET", "/v1/audit", reading(list[AuditBody]), query={"limit": limit, "before": before})


def _actor(actor: str | None) -> dict[str, str]:
    return {} if actor is None else {"x-actor": actor}
