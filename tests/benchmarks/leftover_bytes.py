"""What is left of a person's rows in the bytes of a SQLite file, by `secure_delete`, and after `VACUUM`?

python -m tests.benchmarks.leftover_bytes [--rows 20000]
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

CANARY, SHARE, COMMIT_ROWS = "CANARY", 0.01, 50
TABLES = """
create table events (seq integer primary key, event_id text unique, user_key text not null, review text);
create index events_by_user on events (user_key, seq);
"""


def rows(num: int, seed: int) -> Iterator[tuple[int, str, str, str | None]]:
    """Events of 20,000 people; the canary's have its name in id, key and review."""
    drawn = random.Random(seed)
    for seq in range(1, num + 1):
        tail = f"{drawn.getrandbits(32):08x}"
        if drawn.random() < SHARE:
            review = f"unique {CANARY} " + "y" * drawn.choice([0, 50, 6_000])
            yield seq, f"{tail}-{CANARY}", f"user:m{CANARY}", review
        else:
            review = "z" * drawn.choice([30, 300, 5_000]) if drawn.random() < 0.2 else ""
            yield (
                seq,
                tail + f"{drawn.getrandbits(32):08x}",
                f"user:{drawn.randrange(20_000)}",
                review or None,
            )


def count(file: Path) -> int:
    """How often the canary's name is in the file and its log."""
    return sum(one.read_bytes().count(CANARY.encode()) for one in file.parent.glob(f"{file.name}*"))


def measure(folder: Path, secure: str, num: int, seed: int) -> tuple[int, int]:
    """Pieces of the canary after its deletion, and after `VACUUM`."""
    file = folder / f"{secure}-{seed}.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=OFF", f"secure_delete={secure}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(TABLES)
        waiting: list[tuple[int, str, str, str | None]] = []
        for row in rows(num, seed):
            waiting.append(row)
            if len(waiting) == COMMIT_ROWS:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("insert into events values (?, ?, ?, ?)", waiting)
                connection.execute("COMMIT")
                waiting = []
        connection.execute("delete from events where user_key = ?", [f"user:m{CANARY}"])
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    deleted = count(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted, count(file)


def main() -> None:
    """Print a row for each setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=8)
    asked = parser.parse_args()
    print(f"SQLite {sqlite3.sqlite_version}, {asked.rows:,} events, {SHARE:.0%} of them one person's\n")
    print("| secure_delete | pieces left, by seed | after VACUUM |\n|---|---|---|")
    for secure in ("OFF", "FAST", "ON"):
        with tempfile.TemporaryDirectory() as folder:
            found = [measure(Path(folder), secure, asked.rows, seed) for seed in range(asked.seeds)]
        left, after = (", ".join(str(pair[place]) for pair in found) for place in (0, 1))
        print(f"| {secure} | {left} | {after} |", flush=True)


if __name__ == "__main__":
    main()
