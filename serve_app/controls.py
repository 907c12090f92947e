"""What a shop's people have decided, as one request sees it, and the watch that keeps it current."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from cluster.control_store import ControlStore
from recsys.config import Config, Scenario
from recsys.errors import InputError
from recsys.experiments.experiment import Experiment, parse_experiment
from recsys.filters import Not
from recsys.merchandising import Rule
from recsys.merchandising.scenario import BUILT_IN, DEFAULT, ScenarioSettings
from recsys.moderation import BlockList
from recsys.moderation.review import HIDDEN_STATES, Review
from serve_app.refreshing import refresh_for_ever

log = logging.getLogger(__name__)
KINDS: Mapping[str, type[Config]] = {
    "scenario": ScenarioSettings,
    "rule": Rule,
    "experiment": Experiment,
    "block": BlockList,
    "review": Review,
}
"""Kinds of documents with what they must be."""
NAMED = {"rule": "rule_id", "experiment": "experiment_id", "review": "item_id"}
"""Field that repeats a document's name."""


def parse_control(kind: str, name: str, body: Mapping[str, Any]) -> Config:
    """The decision in `body`; raises `InputError` with the place of the first fault."""
    own = {NAMED[kind]: name} if kind in NAMED else {}
    if kind == "experiment":
        return parse_experiment({**body, **own})
    try:
        return KINDS[kind].model_validate({**body, **own})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join([kind, *map(str, first["loc"])])
        raise InputError(
            f"the {kind} is refused", expected=first["msg"], found=str(first.get("input"))[:200], where=where
        ) from error


@dataclass(frozen=True)
class Controls:
    """All decisions at one moment; immutable, so that a request keeps to one state of them."""

    scenarios: Mapping[str, ScenarioSettings] = field(default_factory=lambda: dict(BUILT_IN))
    rules: tuple[Rule, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    blocks: Mapping[str, BlockList] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    """Items that are blocked by id, rejected, or held until somebody has looked at them."""
    visible: tuple[Not, ...] = ()
    """Conditions that keep blocked items out of a search."""

    def scenario(self, name: str | None) -> ScenarioSettings:
        """The settings of a place; raises `InputError` for one that is not there."""
        found = self.scenarios.get(name or DEFAULT)
        if found is None:
            known = ", ".join(sorted(self.scenarios))
            raise InputError("there is no such scenario", expected=known, found=str(name), where="scenario")
        return found


class ControlWatch:
    """The current `Controls`, read again when any document changed."""

    def __init__(self, store: ControlStore, weights: Mapping[str, Scenario], refresh_s: float) -> None:
        """`weights`: scenarios of the command line, which know weights only."""
        self._store, self._refresh_s, self._seq = store, refresh_s, -1
        given = {name: ScenarioSettings(weights=own) for name, own in weights.items()}
        self._built_in = {**BUILT_IN, **given}
        self.state = Controls(self._built_in)

    async def refresh(self) -> None:
        """Read what changed, if anything did; raises `StoreError`."""
        seq = await asyncio.to_thread(self._store.last_seq)
        if seq != self._seq:
            self.state = await asyncio.to_thread(self._read)
            self._seq = seq

    async def run(self) -> None:
        """Refresh for ever; one failed look does not end it."""
        await refresh_for_ever(self.refresh, self._refresh_s, log, "decisions could not be read")

    def _read(self) -> Controls:
        scenarios: dict[str, Any] = {**self._built_in, **self._parsed("scenario")}
        blocks: dict[str, Any] = self._parsed("block")
        reviews: dict[str, Any] = self._parsed("review")
        rules: dict[str, Any] = self._parsed("rule")
        experiments: dict[str, Any] = self._parsed("experiment")
        held = {name for name, review in reviews.items() if review.state in HIDDEN_STATES}
        ids = frozenset(held).union(*(block.item_ids for block in blocks.values()))
        visible = tuple(block.visible for block in blocks.values() if block.visible is not None)
        return Controls(
            scenarios,
            tuple(rules.values()),
            tuple(experiments.values()),
            blocks,
            ids,
            visible,
        )

    def _parsed(self, kind: str) -> dict[str, BaseModel]:
        """Documents by name; one that this release refuses is left out, and said so."""
        found: dict[str, BaseModel] = {}
        for document in self._store.all_of(kind):
            try:
                found[document.name] = parse_control(kind, document.name, document.body)
            except InputError as error:
                log.error("%s %s is not kept: %s", kind, document.name, error)
        return found
