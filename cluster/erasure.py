"""Erasing a person: tombstone first, then every row, file and leftover byte."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from cluster import person_rows
from cluster.answer_store import ON_THE_WAY_US
from cluster.database import draw_numbers, reading, writing
from cluster.erased_traces import answer_traces, event_traces
from cluster.erasure_counts import ErasureCounts
from cluster.event_store import COUNTER
from cluster.leftover_bytes import Leftovers, wipe
from cluster.quarantined_rows import remove_rows
from cluster.redacted_journals import redact_files, redact_runs
from cluster.tombstone_table import TOMBSTONES_TABLE, ErasedPeople, write_tombstones
from recsys.tombstones import NamedPeople, People, Tombstone, Tombstones
from recsys.workspace import Workspace

T = TOMBSTONES_TABLE.c


class Eraser:
    """Erasures in one shop: its two databases and its workspace. Thread-safe; any process may erase."""

    def __init__(
        self,
        workspace: Workspace,
        engine: Engine,
        serving: Engine,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self._workspace, self._engine, self._serving, self._now_us = workspace, engine, serving, now_us
        self._erased = ErasedPeople(engine, workspace.privacy)

    def erase(self, key: str, *, rebuild: bool = False) -> ErasureCounts:
        """Erase `user:ID` with the visitors who turned out to be this user, or one `visitor:ID`.

        The tombstone is durable before anything goes. Events and links go in one transaction that appends
        wait for, so that no event slips in between. Somebody unknown gets a tombstone, too: events may come
        late. Repeated, it finds nothing. With `rebuild` database files are written anew in any case. Raises
        `StoreError`.
        """
        with writing(self._engine) as connection:
            draw_numbers(connection, COUNTER, 0)  # takes the lock of the events' writers
            keys = person_rows.keys_of(connection, key)
            newest = person_rows.newest_event_us(connection, keys) or 0
            now = self._now_us()
            until = dict.fromkeys(keys, max(now, newest))
            needles = event_traces(connection, keys)
            made = self._erased.add(connection, until, now)
            people = NamedPeople(frozenset(keys))
            found = _Found(until, people, made, needles)
            taken = self._take_rows(connection, found)
        return self._take_the_rest(found, taken, rebuild)

    def replay(self, other: Path | None = None, *, rebuild: bool = False) -> ErasureCounts:
        """Erase again whoever the ledger names, in databases and files that were put back from a backup.

        `other`: folder of a newer ledger, which is merged first. Repeated, it finds nothing. Raises
        `InputError` for a folder that is no ledger, `StoreError`.
        """
        if other is not None:
            self._erased.ledger_or_refuse().merge(other)
        every = self._erased.ledger_or_refuse().read()
        if not every:
            return ErasureCounts()
        with writing(self._engine) as connection:
            draw_numbers(connection, COUNTER, 0)
            write_tombstones(connection, every)
            until = _until(person_rows.every_key(connection), self._erased.known(connection))
            owned = self._visitors_of(connection, until)
            made = self._erased.add(connection, owned) if owned else []
            people, until = self._erased.known(connection), until | owned
            found = _Found(until, people, [*every, *made], event_traces(connection, list(until)))
            taken = self._take_rows(connection, found)
        with reading(self._serving) as connection:
            answered = _until(person_rows.every_answered_key(connection), people)
        found = _Found(until | answered, people, found.tombstones, found.needles)
        return self._take_the_rest(found, taken, rebuild)

    def require_secret(self) -> None:
        """Return where erased people can be told from others here, and new ones by every other machine.

        Raises `StoreError` where they cannot: no event could be kept, so that a service is not to start.
        """
        with writing(self._engine) as connection:
            self._erased.known(connection)
            if self._engine.dialect.name != "sqlite":  # whose folder makes one when it is needed
                self._erased.agree(connection)

    def unapplied(self) -> bool:
        """Whether the ledger names somebody whom the database does not: a backup, or a process that died."""
        every = self._erased.ledger_or_refuse().read()
        with reading(self._engine) as connection:
            known = {row.person: row.until for row in connection.execute(select(T.person, T.until))}
        return any(known.get(one.person, -1) < one.until_us for one in every)

    def _visitors_of(self, connection: Connection, until: Mapping[str, int]) -> dict[str, int]:
        """Visitors of erased users of whom the ledger does not know, with their users' times."""
        links = person_rows.links_of(connection, until)
        return {
            visitor: until[user]
            for visitor, user in links
            if user in until
            and visitor not in until
            and not person_rows.still_says(connection, visitor, user, until[user])
        }

    def _take_rows(self, connection: Connection, found: _Found) -> _Taken:
        events = person_rows.delete_events(connection, found.until_us)
        links = person_rows.delete_links(connection, found.until_us)
        return _Taken(events, links, redact_runs(connection, found.people))

    def _take_the_rest(self, found: _Found, taken: _Taken, rebuild: bool) -> ErasureCounts:
        with writing(self._serving) as connection:
            write_tombstones(connection, found.tombstones)
            shown = {key: until + ON_THE_WAY_US for key, until in found.until_us.items()}
            needles = [*found.needles, *answer_traces(connection, list(shown))]
            answers = person_rows.delete_answers(connection, shown)
        refused = remove_rows(self._workspace.quarantine, found.people)
        lines = redact_files(self._workspace, found.people)
        left = Leftovers(clean=True)
        if rebuild or taken.links or any(taken.events.values()) or any(answers.values()):
            left = wipe((self._engine, self._serving), needles, rebuild=rebuild)
        named = [key for key in found.until_us if taken.events.get(key) or answers[key]]
        return ErasureCounts(
            people=len(named),
            events=sum(taken.events.values()),
            links=taken.links,
            answers=sum(answers.values()),
            refused_rows=refused,
            mentions=taken.cells + lines,
            clean=left.clean,
            rebuilt=left.rebuilt,
        )


@dataclass(frozen=True)
class _Found:
    """Who is erased, up to when, and what must not be left of them."""

    until_us: Mapping[str, int]
    people: People
    tombstones: Sequence[Tombstone]
    needles: Sequence[bytes]


@dataclass(frozen=True)
class _Taken:
    """What left the database of events."""

    events: Mapping[str, int]
    links: int
    cells: int


def _until(keys: Sequence[str], people: Tombstones) -> dict[str, int]:
    found = ((key, people.erased_until(key)) for key in keys)
    return {key: until for key, until in found if until is not None}
