"""The one thing that a list is made around where its scenario says `because`."""

from __future__ import annotations

from recsys.merchandising.scenario import ScenarioSettings
from recsys.profile import UserProfile
from serve_app.draft import Draft

BECAUSE = "because"
MOST = 5
"""Newest interests that are tried: what the catalog has lost is no anchor."""


async def anchored(
    profile: UserProfile, draft: Draft, settings: ScenarioSettings, named: str | None
) -> UserProfile:
    """The profile of one interest alone, which the draft notes as its anchor.

    It is that in the item `named`; where none is named, the newest in an item that the catalog has and
    no block list names. Without one there is no anchor, and the request's own context speaks.
    """
    able = [one for one in profile.anchors(settings.finished) if one.item_id not in draft.barred]
    able = [one for one in able if named in (None, one.item_id)][:MOST]
    known = await draft.view.items([one.item_id for one in able])
    anchor = next((one for one in able if one.item_id in known), None)
    draft.anchor = anchor.item_id if anchor else ""
    return profile.about(anchor)
