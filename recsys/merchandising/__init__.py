"""What a shop's merchandiser says about lists: rules, their conditions and effects."""

from recsys.merchandising.changes import Change, changes
from recsys.merchandising.facts import Facts
from recsys.merchandising.placing import Placed, Ranked, adjusted, place, spread
from recsys.merchandising.plan import RulePlan, plan_rules
from recsys.merchandising.rule import Rule

__all__ = [
    "Change",
    "Facts",
    "Placed",
    "Ranked",
    "Rule",
    "RulePlan",
    "adjusted",
    "changes",
    "place",
    "plan_rules",
    "spread",
]
