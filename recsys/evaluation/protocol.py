"""The questions of an evaluation: what settings are chosen on, and what is asked once at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recsys.blend.fit import choosing_sample
from recsys.config import FitConfig
from recsys.errors import InputError
from recsys.evaluation.splits import COLD_SHARE, Split, cold_items, cold_question


@dataclass(frozen=True, eq=False)
class Protocol:
    """Validation and test questions of one table."""

    title: str
    mask_seen: bool
    """Whether items the user has acted on are left out of lists and targets."""
    validation: Split
    """Drawn down to the users that settings are chosen on."""
    test: Split


def protocols(
    validation: Split, test: Split, config: FitConfig, say: Callable[[str], None]
) -> list[Protocol]:
    """New items only, then repeats as well; the first is left out where nobody has a new target."""
    found = []
    for title, mask_seen in (("seen items hidden", True), ("repeats allowed", False)):
        asked = [split.unseen_only() if mask_seen else split for split in (validation, test)]
        if all(len(split.users) for split in asked):
            found.append(Protocol(title, mask_seen, choosing_sample(asked[0], config), asked[1]))
        else:
            say(f"{title}: nobody has a target; that table is left out")
    return found


def cold_protocol(test: Split, config: FitConfig, say: Callable[[str], None]) -> Protocol | None:
    """The test's targets among items whose events were all removed from training; None without any."""
    try:
        asked = cold_question(test.unseen_only(), cold_items(test.train.item_ids, COLD_SHARE))
    except InputError:
        say("cold items: nobody has a target; that table is left out")
        return None
    return Protocol(f"cold items: {COLD_SHARE:.0%} of the catalog without any event", True, asked, asked)
