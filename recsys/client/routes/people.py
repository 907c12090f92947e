"""What a shop believes of a person, and what a person may ask of a shop."""

from __future__ import annotations

from typing import Literal

from recsys.client.call import Call, call_of, reading
from recsys.payloads import ErasureAnswer, ExportAnswer, ProfileAnswer

Kind = Literal["user", "visitor"]


def profile(user_id: str, kind: Kind = "user") -> Call[ProfileAnswer]:
    """What is believed about a shopper, and from which items."""
    route = "/v1/users/{user_id}/profile"
    return call_of("GET", route, reading(ProfileAnswer), ids={"user_id": user_id}, query={"kind": kind})


def export_user(user_id: str, kind: Kind = "user") -> Call[ExportAnswer]:
    """Every record of one person, and of nobody else."""
    route = "/v1/users/{user_id}/export"
    return call_of("GET", route, reading(ExportAnswer), ids={"user_id": user_id}, query={"kind": kind})


def erase_user(user_id: str, kind: Kind = "user") -> Call[ErasureAnswer]:
    """Forget a person everywhere; zeros for somebody unknown, and when repeated."""
    route = "/v1/users/{user_id}"
    return call_of("DELETE", route, reading(ErasureAnswer), ids={"user_id": user_id}, query={"kind": kind})
