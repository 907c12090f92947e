"""Keeping a live shop fresh: what to run, when, and when to go back. Decisions only; nothing is run here."""

from recsys.feedback.decision import Action, Decision
from recsys.feedback.loop_config import KindConfig, LoopConfig, RetryConfig, VerdictConfig
from recsys.feedback.observations import ClickEvidence, Observations
from recsys.feedback.policy import decide
from recsys.feedback.run import Kind, Run, RunState, Trigger
from recsys.feedback.verdict import Verdict, service_verdict

__all__ = [
    "Action",
    "ClickEvidence",
    "Decision",
    "Kind",
    "KindConfig",
    "LoopConfig",
    "Observations",
    "RetryConfig",
    "Run",
    "RunState",
    "Trigger",
    "Verdict",
    "VerdictConfig",
    "decide",
    "service_verdict",
]
