"""A user's profile: signed, decayed interests from the history, and the vector derived from them."""

from recsys.profile.context import Context, with_context
from recsys.profile.interests import Interest, UserProfile, build_profile, newest_events
from recsys.profile.vector import Part, PartKind, UserVector, user_vector

__all__ = [
    "Context",
    "Interest",
    "Part",
    "PartKind",
    "UserProfile",
    "UserVector",
    "build_profile",
    "newest_events",
    "user_vector",
    "with_context",
]
