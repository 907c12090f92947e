"""The writing half of what a shop's people decide: checked, stored with an audit row, in force at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cluster.control_store import AuditEntry, ControlStore, Document
from recsys.errors import InputError, NotFoundError
from recsys.merchandising import Rule, changes
from recsys.merchandising.scenario import BUILT_IN, ScenarioSettings
from recsys.payloads import (
    AuditBody,
    ControlBody,
    Decision,
    PreviewedChange,
    RulesPreview,
    RulesPreviewed,
)
from serve_app.controls import NAMED, Controls, ControlWatch, parse_control
from serve_app.page import name_of
from serve_app.recommender import Recommender

ANYBODY = "anonymous"


@dataclass
class Decisions:
    """Scenarios, rules, experiments, block lists and reviews."""

    store: ControlStore
    watch: ControlWatch
    lists: Recommender

    async def put(
        self, kind: str, name: str, body: Mapping[str, Any], actor: str, revision: int | None
    ) -> ControlBody:
        """Check and store; in force in this replica at once, in the others within their period.

        Raises `InputError` for a body that is refused, `ConflictError` for an outdated revision.
        """
        parsed = parse_control(kind, name, body)
        said = parsed.model_dump(
            mode="json", exclude_unset=True, exclude={NAMED.get(kind, "")}, by_alias=True
        )
        made = await asyncio.to_thread(self.store.put, kind, name, said, actor, revision=revision)
        await self.watch.refresh()
        return _body(made)

    async def delete(self, kind: str, name: str, actor: str) -> ControlBody:
        """Take a decision back; raises `NotFoundError`."""
        gone = await asyncio.to_thread(self.store.delete, kind, name, actor)
        await self.watch.refresh()
        return _body(gone)

    async def get(self, kind: str, name: str) -> ControlBody:
        """One decision; a built-in scenario that was never changed has revision 0."""
        try:
            return _body(await asyncio.to_thread(self.store.get, kind, name))
        except NotFoundError:
            if kind == "scenario" and name in BUILT_IN:
                return _built_in(name)
            raise

    async def all_of(self, kind: str) -> list[ControlBody]:
        """Every decision of a kind, by name; built-in scenarios among them."""
        stored = {one.name: _body(one) for one in await asyncio.to_thread(self.store.all_of, kind)}
        built_in = {name: _built_in(name) for name in BUILT_IN} if kind == "scenario" else {}
        return [body for _, body in sorted((built_in | stored).items())]

    async def audit(self, limit: int, before_seq: int | None) -> list[AuditBody]:
        """Changes, the newest first."""
        return [_audit(one) for one in await asyncio.to_thread(self.store.audit, limit, before_seq)]

    async def decide(self, item_id: str, decision: Decision, actor: str) -> ControlBody:
        """A reviewer's word on an item; raises `NotFoundError` for one that nobody asked about."""
        known = await asyncio.to_thread(self.store.get, "review", item_id)
        review: Any = parse_control("review", item_id, known.body)
        said = review.decided(decision.approve).model_dump(mode="json", exclude={"item_id"})
        action = "approve" if decision.approve else "reject"
        made = await asyncio.to_thread(
            self.store.put, "review", item_id, said, actor, action=action, note=decision.note
        )
        await self.watch.refresh()
        return _body(made)

    async def preview(self, asked: RulesPreview) -> RulesPreviewed:
        """A list as it is and as other rules would make it; nothing is stored or logged."""
        rules = [_rule(raw, number) for number, raw in enumerate(asked.rules)]
        page = await self.lists.page(asked.request)
        page = replace(page, now=asked.at or page.now)
        controls = replace(page.controls, rules=tuple(rules))
        if asked.settings is not None:
            controls = _with_settings(controls, name_of(asked.request.scenario), asked.settings)
        tried = replace(page, controls=controls)
        before, after = (
            await self.lists.preview(asked.request, page),
            await self.lists.preview(asked.request, tried),
        )
        old, new = ([item.item_id for item in one.items] for one in (before, after))
        left = [item for item in old if item not in new]
        why: dict[str, list[str]] = {item.item_id: item.rules for item in after.items}
        why |= await self.lists.taken_away(asked.request, tried, left)
        found = [PreviewedChange(**asdict(one)) for one in changes(old, new, why)]
        entered = [item for item in new if item not in old]
        return RulesPreviewed(before=before, after=after, entered=entered, left=left, changes=found)


def _with_settings(controls: Controls, name: str, raw: Mapping[str, Any]) -> Controls:
    parsed = parse_control("scenario", name, raw)
    assert isinstance(parsed, ScenarioSettings)
    return replace(controls, scenarios={**controls.scenarios, name: parsed})


def _rule(raw: Mapping[str, Any], number: int) -> Rule:
    name = raw.get("rule_id")
    parsed = parse_control("rule", str(name) if name else f"rule {number}", raw)
    if not isinstance(parsed, Rule):
        raise InputError("this is no rule", where=f"rules.{number}")
    return parsed


def _body(document: Document) -> ControlBody:
    return ControlBody(
        name=document.name,
        body=dict(document.body),
        revision=document.revision,
        updated_at=_time(document.updated_at_us),
        updated_by=document.updated_by,
    )


def _built_in(name: str) -> ControlBody:
    body = BUILT_IN[name].model_dump(mode="json", exclude_defaults=True)
    return ControlBody(name=name, body=body, revision=0, updated_at=_time(0), updated_by="built-in")


def _audit(entry: AuditEntry) -> AuditBody:
    return AuditBody(
        seq=entry.seq,
        at=_time(entry.at_us),
        actor=entry.actor,
        action=entry.action,
        kind=entry.kind,
        name=entry.name,
        before=None if entry.before is None else dict(entry.before),
        after=None if entry.after is None else dict(entry.after),
        note=entry.note,
    )


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat()
