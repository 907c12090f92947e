"""Our score as a scorer: all signals, weighed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.blend.histories import Histories
from recsys.blend.settings import Blend
from recsys.blend.signals import Signals


@dataclass(frozen=True, eq=False)
class Blended:
    """Signals with the factors of one scenario."""

    signals: Signals
    blend: Blend

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`."""
        return self.signals.scores(histories, self.blend)
