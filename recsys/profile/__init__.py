"""A user's profile: signed, decayed interests from the history, and the vector derived from them."""

from recsys.profile.context import Context, with_context
from recsys.profile.interests import Interest, UserProfile, build_profile, newest_events
from recsys.profile.progress import Progress, progress_of
from recsys.profile.vector import Part, PartKind, UserVector, user_vector

__all__ = [
    "Context",
    "Interest",
    "Part",
    "PartKind",
    "Progress",
    "UserProfile",
    "UserVector",
    "build_profile",
    "newest_events",
    "progress_of",
    "user_vector",
    "with_context",
]
