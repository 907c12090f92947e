"""Short reviews whose words agree with their stars."""

from __future__ import annotations

import numpy as np

GOOD = (
    "Love this {thing}, it does exactly what I hoped.",
    "Great quality, I use the {thing} almost every day.",
    "Wonderful {thing}. Would buy it again without thinking.",
    "Beautifully made and a joy to use.",
    "Better than I expected from the photos. Very happy with the {thing}.",
    "My friends keep asking where I got this {thing}.",
)
MIXED = (
    "The {thing} is fine, nothing special.",
    "Does the job, though I expected a bit more for the price.",
    "Good material, but the size was a little off.",
    "It is okay. The {thing} arrived late.",
)
BAD = (
    "Disappointed. The {thing} felt cheap and I sent it back.",
    "Broke after a week, poor quality.",
    "Not for me, the {thing} is awkward and useless here.",
    "Terrible. I regret buying this {thing}.",
)


def review(rng: np.random.Generator, title: str, stars: int) -> str:
    """A sentence about the item by its stars, 1 to 5; it names the last words of the title."""
    choices = GOOD if stars >= 4 else MIXED if stars == 3 else BAD
    thing = " ".join(title.split(",")[0].split(" (")[0].split()[-2:])
    return choices[int(rng.integers(len(choices)))].format(thing=thing)
