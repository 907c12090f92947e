"""How long a kind of run waits after a failure."""

from __future__ import annotations

import numpy as np

from recsys.feedback.loop_config import RetryConfig

MOST_DOUBLINGS = 60
"""Beyond this every cap is reached, and a float is still a float."""


def back_off_s(attempt: int, config: RetryConfig, rng: np.random.Generator) -> float:
    """Seconds after the `attempt`-th failure in a row (1 is the first).

    `base * 2^(attempt - 1)`, at most the cap, of which the later half is drawn: several shops on one
    cluster that failed together do not try again together.
    """
    full = min(config.cap_s, config.base_s * 2.0 ** min(attempt - 1, MOST_DOUBLINGS))
    return full * (0.5 + 0.5 * float(rng.random()))
