"""P-values and intervals that hold whenever one looks, however often.

The mixture sequential ratio test (Robbins 1970; Johari, Koomen, Pekelis, Walsh 2022) on an estimate and its
standard error, which with estimated noise is an asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha,
Kennedy, Ramdas 2024). Unlike exact sequences it needs no bound on what a shopper may spend.
"""

from __future__ import annotations

import math


def evidence(estimate: float, error: float, expected: float) -> float:
    """Likelihood of effects drawn from N(0, expected²) over that of no effect; 1 without information.

    Under no effect it passes 1/alpha at any time with a chance of at most alpha. It is most sensitive once
    data suffice to find `expected` with a power of about 80 % in an ordinary test.
    """
    if error <= 0.0:
        return 1.0
    mass = (expected / error) ** 2
    exponent = 0.5 * (estimate / error) ** 2 * mass / (1.0 + mass) - 0.5 * math.log1p(mass)
    return math.exp(min(exponent, 700.0))


def p_value(estimate: float, error: float, expected: float) -> float:
    """Chance, under no effect, of such evidence at any moment at all."""
    return min(1.0, 1.0 / evidence(estimate, error, expected))


def reach(error: float, expected: float, alpha: float) -> float:
    """Half the width of the interval that holds at all moments together; infinite without information."""
    if error <= 0.0:
        return math.inf
    mass = (expected / error) ** 2
    return error * math.sqrt((1.0 + 1.0 / mass) * (math.log1p(mass) - 2.0 * math.log(alpha)))
