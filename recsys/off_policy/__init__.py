"""What another policy would have earned, from lists whose one place was left to chance."""

from recsys.off_policy.decisions import DecisionLog, from_records
from recsys.off_policy.estimates import Estimate, dr, ips, snips
from recsys.off_policy.report import OffPolicyConfig, OffPolicyReport, evaluate_policies
from recsys.off_policy.targets import greedy, softmax, uniform

__all__ = [
    "DecisionLog",
    "Estimate",
    "OffPolicyConfig",
    "OffPolicyReport",
    "dr",
    "evaluate_policies",
    "from_records",
    "greedy",
    "ips",
    "snips",
    "softmax",
    "uniform",
]
