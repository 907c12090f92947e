"""What one user may say to everybody, and who says nothing because a machine speaks."""

from recsys.robustness.activity import Activity
from recsys.robustness.caps import capped
from recsys.robustness.screening import Reason, Screening, screen
from recsys.robustness.settings import load_robustness

__all__ = ["Activity", "Reason", "Screening", "capped", "load_robustness", "screen"]
