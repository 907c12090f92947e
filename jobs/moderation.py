"""Reviewing a catalog and measuring who gets shown, over a shop's stores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cluster.answer_store import AnswerStore
from cluster.control_store import ControlStore
from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.serving_database import open_serving_database, serving_url
from jobs.options import database_url_of
from recsys.behavior import type_weight
from recsys.config import EventWeights, RuntimeConfig
from recsys.errors import InputError
from recsys.fairness import ExposureReport, exposure_report, groups_of
from recsys.moderation.classifier import KeywordClassifier, PolicyClassifier, Thresholds
from recsys.moderation.linear import LinearTextClassifier
from recsys.moderation.review import Review, ReviewState
from recsys.moderation.scan import reviews_of
from recsys.text import item_texts
from recsys.workspace import Workspace

REVIEW, CLASSIFIER = "review", "classifier"
HOUR_US = 3_600_000_000


def model_folder(runtime: RuntimeConfig) -> Path:
    """Where the learned classifier of a shop lies."""
    return runtime.workspace / "moderation"


def scan(
    runtime: RuntimeConfig, thresholds: Thresholds, on_progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """Judge every item whose text nobody has judged; what is doubtful waits for a look.

    Repeated, it passes over what was judged: a run that was stopped goes on.
    """
    engine = open_database(database_url_of(runtime))
    controls, items = ControlStore(engine), ItemStore(engine)
    known = {one.name: Review.model_validate(one.body) for one in controls.all_of(REVIEW)}
    classifiers: list[PolicyClassifier] = [KeywordClassifier()]
    if (model_folder(runtime) / "model.json").is_file():
        classifiers.append(LinearTextClassifier.load(model_folder(runtime)))
    total, done = items.count(), 0
    counts = {state.value: 0 for state in (ReviewState.HELD, ReviewState.PENDING)}
    for rows in _texts(items):
        for item_id, review in reviews_of(rows, classifiers, known, thresholds):
            said = review.model_dump(mode="json", exclude={"item_id"})
            controls.put(REVIEW, item_id, said, CLASSIFIER)
            counts[review.state.value] += 1
        done += len(rows)
        on_progress(done, total)
    return {"items": done, "classifiers": len(classifiers), **counts}


def queue(runtime: RuntimeConfig, limit: int) -> list[tuple[str, Review]]:
    """Reviews that wait for somebody, the surest doubts first."""
    controls = ControlStore(open_database(database_url_of(runtime)))
    found = [(one.name, Review.model_validate(one.body)) for one in controls.all_of(REVIEW)]
    waiting = [(name, review) for name, review in found if review.is_open]
    return sorted(waiting, key=lambda entry: (-entry[1].score, entry[0]))[:limit]


def decide(runtime: RuntimeConfig, item_id: str, approve: bool, actor: str, note: str) -> Review:
    """Approve or reject an item; raises `NotFoundError` for one that is not under review."""
    controls = ControlStore(open_database(database_url_of(runtime)))
    review = Review.model_validate(controls.get(REVIEW, item_id).body).decided(approve)
    said = review.model_dump(mode="json", exclude={"item_id"})
    action = "approve" if approve else "reject"
    controls.put(REVIEW, item_id, said, actor, action=action, note=note)
    return review


def train(runtime: RuntimeConfig, label: str) -> dict[str, Any]:
    """Learn a classifier from what people decided; raises `InputError` when that is too little."""
    engine = open_database(database_url_of(runtime))
    decided = {
        one.name: Review.model_validate(one.body).state is ReviewState.REJECTED
        for one in ControlStore(engine).all_of(REVIEW)
        if not Review.model_validate(one.body).is_open
    }
    texts = {row[0]: row[1] for rows in _texts(ItemStore(engine)) for row in rows if row[0] in decided}
    names = sorted(texts)
    model = LinearTextClassifier.fit([texts[n] for n in names], [decided[n] for n in names], label)
    model.save(model_folder(runtime))
    return model.card


def fairness(runtime: RuntimeConfig, hours: float, least: float) -> ExposureReport:
    """Exposure of the lists of the last hours; raises `InputError` when none was answered."""
    workspace = Workspace(runtime.workspace)
    engine = open_database(database_url_of(runtime))
    serving = open_serving_database(serving_url(workspace, runtime.database_url))
    since = time.time_ns() // 1_000 - int(hours * HOUR_US)
    lists = [one.item_ids for one in AnswerStore(serving).scan(since)]
    if not lists:
        raise InputError(
            "no list was answered in that time", expected="a service that runs", found=f"{hours:g} h"
        )
    demand: dict[str, float] = {}
    for item_id, event_type, _, count in EventStore(engine).popularity_since(0).rows:
        weight = max(type_weight(event_type, EventWeights()), 0.0)
        demand[item_id] = demand.get(item_id, 0.0) + weight * count
    items = [row for table in ItemStore(engine).scan() for row in table.to_pylist()]
    return exposure_report(lists, groups_of(items, demand), demand, least)


def _texts(items: ItemStore) -> Iterator[list[tuple[str, str, str]]]:
    for table in items.scan():
        found = item_texts(table)
        columns = (found.column(name).to_pylist() for name in ("item_id", "text", "text_hash"))
        yield list(zip(*columns, strict=True))
