"""Where a machine's replicas count the requests of each key and day together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from cluster.key_usage import CountedUse
from serve_app.shared_count import SharedCount

FILE = re.compile(r"([0-9a-f]{12})-([0-9]{1,9})")
"""Name of a file: a key's id and a day."""
Place = tuple[str, int]
"""A key's id and a day."""


class CountFiles:
    """The counts of one folder, one file for each key and day. Every call raises `OSError`."""

    def __init__(self, folder: Path) -> None:
        """`folder`: made with the first count where it is not there."""
        self._folder = folder
        self._open: dict[Place, SharedCount] = {}

    def count(self, key_id: str, day: int) -> SharedCount:
        """The count of a key and day; begins it where no replica has."""
        if (count := self._open.get((key_id, day))) is None:
            count = self._open[key_id, day] = SharedCount(self._folder / f"{key_id}-{day}")
        return count

    def let_go_before(self, day: int) -> None:
        """Have no file of an earlier day open any more."""
        self._open = {place: count for place, count in self._open.items() if place[1] >= day}

    def untold(self, day: int) -> Iterator[CountedUse]:
        """What the database does not have yet, whichever replica counted it.

        Files of days before `day` that it has go: nobody counts there any more, around midnight neither.
        """
        for file in list(self._folder.iterdir()) if self._folder.is_dir() else ():
            if (named := FILE.fullmatch(file.name)) is None:
                continue
            place = named[1], int(named[2])
            counts = self.count(*place).read()
            if counts.own > counts.written:
                yield CountedUse(*place, counts.counter, counts.own)
            elif place[1] < day:
                file.unlink(missing_ok=True)
                del self._open[place]

    def note_told(self, told: Iterable[CountedUse]) -> None:
        """The database has these now."""
        for one in told:
            self.count(one.key_id, one.day).note(written=one.requests)

    def learn(self, found: Iterable[CountedUse]) -> None:
        """Take in what all counters have told the database, of which some are this machine's own."""
        by_place: defaultdict[Place, list[CountedUse]] = defaultdict(list)
        for one in found:
            by_place[one.key_id, one.day].append(one)
        for (key_id, day), counted in by_place.items():
            if FILE.fullmatch(f"{key_id}-{day}"):
                count = self.count(key_id, day)
                known = count.read()
                others = sum(one.requests for one in counted if one.counter != known.counter)
                if others > known.others:
                    count.note(others=others)
