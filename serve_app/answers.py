"""A finished draft as the answer that leaves the service, and as the record that stays."""

from __future__ import annotations

import time
import uuid

from recsys.answer_record import AnswerRecord
from recsys.errors import IndexMissingError
from recsys.payloads import CoverageBody, HeldBackItem, ListAnswer, RankedItem, Reason
from recsys.retrieval import Details
from serve_app.draft import Draft, Place
from serve_app.explanations import Explainer
from serve_app.telemetry import current_request


async def answer_of(draft: Draft, explainer: Explainer | None, require_full: bool) -> ListAnswer:
    """The list with titles and reasons; raises `IndexMissingError` where it must be whole and is not."""
    coverage = draft.coverage or draft.view.coverage_now()
    if require_full and coverage.ratio < 1.0:
        raise IndexMissingError("a part of the index is not available", found=f"{coverage.ratio:.3f}")
    reasons: dict[str, list[Reason]] = {}
    if explainer:
        details = await explainer.details(draft.places)
        reasons = explainer.reasons(draft.places, details)
    else:
        details = Details(await draft.view.items([place.item_id for place in draft.places]))
    manifest = draft.view.manifest
    if (request := current_request()) is not None:
        request.note_list(manifest.index_version, coverage.ratio, draft.degraded)
    return ListAnswer(
        recommendation_id=uuid.uuid4().hex,
        items=[_item(place, draft, details, reasons.get(place.item_id, [])) for place in draft.places],
        coverage=CoverageBody(
            ratio=coverage.ratio,
            shards_ok=coverage.shards_ok,
            shards_total=coverage.shards_total,
            items=coverage.items_ok,
        ),
        degraded=sorted(draft.degraded),
        applied_rules=draft.applied_rules,
        rule_conflicts=draft.rule_conflicts,
        held_back=[
            HeldBackItem(item_id=one.item_id, relation=one.relation.value, because_of=one.because_of)
            for one in draft.held
        ],
        scenario=draft.scenario,
        variant=", ".join(f"{name}={arm}" for name, arm in sorted(draft.arms.items())) or None,
        model_version=manifest.encoder_version,
        index_version=manifest.index_version,
    )


def record_of(answer: ListAnswer, draft: Draft) -> AnswerRecord:
    """What is kept of an answer."""
    return AnswerRecord(
        answer.recommendation_id,
        time.time_ns() // 1_000,
        draft.unit,
        draft.scenario,
        answer.index_version,
        tuple(item.item_id for item in answer.items),
        draft.arms,
        draft.teams,
        draft.explored,
        tuple(answer.degraded),
    )


def _item(place: Place, draft: Draft, details: Details, reasons: list[Reason]) -> RankedItem:
    explored = draft.explored
    drawn = explored is not None and explored.chosen == place.item_id
    return RankedItem(
        item_id=place.item_id,
        title=details.fields.get(place.item_id, {}).get("title"),
        score=place.score,
        sources=[place.source],
        reasons=reasons,
        rules=list(place.rules),
        moved_by=list(place.moved_by),
        propensity=explored.propensity if explored is not None and drawn else None,
    )
