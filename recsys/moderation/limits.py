"""Who may see an item: the age it is for and the regions it may be sold in, fail closed.

An item says so in its attributes: `min_age` (years), `regions` and `blocked_regions` (codes separated
by commas or spaces, such as `DE, AT`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recsys.filters import AllOf, AnyOf, Condition, Not, Op

MIN_AGE, REGIONS, BLOCKED_REGIONS = "min_age", "regions", "blocked_regions"
_AGE = re.compile(r"[0-9]{1,3}(\.0+)?")
_CODES = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Viewer:
    """What is known of who looks; what is not known is read in the strictest way."""

    age: int | None = None
    region: str | None = None


def refusal(item: Mapping[str, Any], viewer: Viewer) -> str | None:
    """Why a viewer may not see an item (`age`, `region`); None when the viewer may.

    A limit that cannot be read hides the item from everybody.
    """
    attributes = item.get("attributes")
    if not attributes:
        return None
    said = attributes if isinstance(attributes, Mapping) else dict(attributes)
    if (limit := said.get(MIN_AGE)) is not None and not _old_enough(limit, viewer.age):
        return "age"
    if REGIONS in said or BLOCKED_REGIONS in said:
        return None if _in_region(said, viewer.region) else "region"
    return None


def _old_enough(limit: str, age: int | None) -> bool:
    text = str(limit).strip()
    return bool(_AGE.fullmatch(text)) and age is not None and age >= float(text)


def _in_region(said: Mapping[str, Any], region: str | None) -> bool:
    if region is None:
        return False
    wanted = region.upper()
    if REGIONS in said and wanted not in _codes(said[REGIONS]):
        return False
    return wanted not in _codes(said.get(BLOCKED_REGIONS, ""))


def _codes(text: Any) -> set[str]:
    return {code.upper() for code in _CODES.findall(str(text))}


def scan_condition(viewer: Viewer) -> AllOf:
    """A condition that every item passes which the viewer may see, for the search itself.

    Some that the viewer may not see pass as well (codes are looked for as parts of the text); the last
    look, `refusal`, decides. A blocked region hides, in the search, also items blocked for a longer
    code that contains it.
    """
    ages: list[Any] = [_absent(MIN_AGE)]
    if viewer.age is not None:
        ages.append(Condition(field=f"attributes.{MIN_AGE}", op=Op.LE, value=viewer.age))
    parts: list[Any] = [AnyOf.model_construct(parts=tuple(ages))]
    if viewer.region is None:
        parts += [_absent(REGIONS), _absent(BLOCKED_REGIONS)]
    else:
        inside = Condition(field=f"attributes.{REGIONS}", op=Op.CONTAINS, value=viewer.region)
        outside = Condition(field=f"attributes.{BLOCKED_REGIONS}", op=Op.CONTAINS, value=viewer.region)
        parts.append(AnyOf.model_construct(parts=(_absent(REGIONS), inside)))
        parts.append(Not.model_construct(part=outside))
    return AllOf.model_construct(parts=tuple(parts))


def _absent(name: str) -> Condition:
    return Condition(field=f"attributes.{name}", op=Op.EXISTS, value=False)
