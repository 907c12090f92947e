"""What of the events that were sent and acked over HTTP is in the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from cluster.database import EVENTS_TABLE, open_database, reading
from recsys.workspace import Workspace
from tests.chaos.load import Answer
from tests.chaos.outcome import Outcome

PREFIX = "load-"


def require_ledger(outcome: Outcome, workspace: Workspace, answers: Sequence[Answer]) -> None:
    """Every acked event is stored, once; nothing is stored that was not sent."""
    posts = [one for one in answers if one.sent]
    sent = {event for one in posts for event in one.sent}
    acked = {event for one in posts if one.status == 200 for event in one.sent}
    stored = stored_ids(workspace)
    outcome.figures["acked"] = len(acked)
    outcome.figures["sent"] = len(sent)
    outcome.require("events acked", "some", len(acked), len(acked) > 0)
    outcome.require_zero(
        lost=len(acked - set(stored)),
        duplicated=sum(count - 1 for count in stored.values()),
        phantoms=len(set(stored) - sent),
        partial_batches=sum(0 < len(set(one.sent) & set(stored)) < len(one.sent) for one in posts),
    )


def stored_ids(workspace: Workspace) -> Counter[str]:
    """How often each event of a load is stored."""
    statement = select(EVENTS_TABLE.c.event_id).where(EVENTS_TABLE.c.event_id.startswith(PREFIX))
    with reading(open_database(workspace.database_url)) as connection:
        return Counter(connection.execute(statement).scalars())
