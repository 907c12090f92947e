"""A program: whether any of the byte strings on stdin (hexadecimal, one a line) is in any of the files.

Ends with 0 where one is, `NOTHING` where none is. Needs no more than the standard library: it starts quickly.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

NOTHING = 10
WINDOW = 16 << 20


def holds(file: Path, needles: Iterable[bytes]) -> bool:
    """Whether a file holds one of the byte strings; one that is not there holds none."""
    sought = [needle for needle in needles if needle]
    overlap, tail = max(map(len, sought), default=1) - 1, b""
    if not sought or not file.is_file():
        return False
    with file.open("rb") as opened:
        while part := opened.read(WINDOW):
            window = tail + part
            if any(needle in window for needle in sought):
                return True
            tail = window[len(window) - overlap :]
    return False


def main(files: Sequence[str]) -> int:
    """The exit code."""
    needles = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    return 0 if any(holds(Path(file), needles) for file in files) else NOTHING


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
