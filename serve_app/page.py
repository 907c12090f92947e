"""What every list of one request shares: one view, one state of decisions, one shopper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from recsys.experiments.assigned import Assigned, assignments
from recsys.filters import AllOf, Filter, parse_filter
from recsys.history import user_key
from recsys.merchandising import Facts, RulePlan, plan_rules
from recsys.merchandising.scenario import DEFAULT, ScenarioSettings
from recsys.moderation import Viewer
from recsys.payloads import Shopper
from recsys.profile import UserProfile
from serve_app.controls import Controls
from serve_app.index_view import IndexView


@dataclass(frozen=True)
class Page:
    """One request, pinned when it begins."""

    view: IndexView
    controls: Controls
    shopper: Shopper
    profile: UserProfile
    degraded: frozenset[str]
    """What is missing of the profile."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def now_us(self) -> int:
        """When the request began, microseconds since 1970 UTC."""
        return int(self.now.timestamp() * 1e6)

    @property
    def unit(self) -> str:
        """Key under which the shopper is counted; empty for nobody."""
        if self.shopper.user_id is None and self.shopper.visitor_id is None:
            return ""
        return user_key(self.shopper.user_id, self.shopper.visitor_id)

    @property
    def viewer(self) -> Viewer:
        """What limits of age and region go by."""
        return Viewer(self.shopper.age, self.shopper.region)

    def assigned(self, scenario: str) -> Assigned:
        """The shopper's arms in a scenario."""
        if not self.controls.experiments:
            return Assigned()
        return assignments(self.controls.experiments, scenario, self.unit, self.now_us)

    def plan(self, scenario: str, settings: ScenarioSettings) -> RulePlan:
        """What rules ask of a list of a scenario."""
        if not self.controls.rules:
            return RulePlan()
        named = settings.rules
        rules = [rule for rule in self.controls.rules if named is None or rule.rule_id in named]
        facts = Facts(scenario, self.shopper.user, self.shopper.context)
        return plan_rules(rules, facts, self.now)

    def where(
        self,
        asked: dict[str, Any] | None,
        settings: ScenarioSettings,
        plan: RulePlan,
        more: Sequence[Any] = (),
    ) -> Filter | None:
        """Everything that decides inside the search which items may be listed; None when all may."""
        parts: list[Any] = [parse_filter(raw).root for raw in (asked, settings.filter) if raw is not None]
        parts += [*self.controls.visible, *more]
        if (visible := plan.visible) is not None:
            parts.append(visible)
        return joined(parts)


def joined(parts: Sequence[Any]) -> Filter | None:
    """The filter that every part must pass; built from parts that were bounded one by one."""
    if not parts:
        return None
    root = parts[0] if len(parts) == 1 else AllOf.model_construct(parts=tuple(parts))
    return Filter.model_construct(root=root)


def name_of(scenario: str | None) -> str:
    """Name of a scenario as rules, experiments and answers give it."""
    return scenario or DEFAULT
