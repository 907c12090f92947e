"""SQLite's write-ahead log read from outside: whether each frame is as it was written.

SQLite itself ends its reading at the first frame that is not and says nothing of what follows, which may be
appends that were acked.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

HEADER, FRAME_HEADER = 32, 24
MAGIC = 0x377F0682
"""The last bit says that checksums are over big-endian words."""
MARK = ".damaged-"
FORMAT = 3_007_000
BLOCK_FRAMES = 1_024
Words = NDArray[np.uint32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class LogDamage:
    """What SQLite will leave out of a log."""

    first: int
    """Place of the first frame that is not as it was written."""
    frames: int
    """Page images from there on."""
    commits: int
    """Transactions among them. The last may never have been acked: a power loss cuts it so too."""


def log_of(database: Path) -> Path:
    """The log beside a database file."""
    return database.with_name(f"{database.name}-wal")


def damage_of(log: Path) -> LogDamage | None:
    """What a reader of this log would lose; None when every frame of its generation is whole."""
    if not log.is_file() or log.stat().st_size <= HEADER:
        return None
    with log.open("rb") as file:
        head = file.read(HEADER)
        parts = [
            (frames[:, :FRAME_HEADER], _adds_up(head, frames, last)) for frames, last in _blocks(file, head)
        ]
    if not parts:
        return None
    words = np.concatenate([part[0] for part in parts]).view(">u4").astype(np.uint32)
    adds_up, header = np.concatenate([part[1] for part in parts]), _words(head)
    salts, head_is_whole = words[:, 2:4], _header_is_whole(head)
    mine = (salts == (header[4:6] if head_is_whole else salts[0])).all(1)
    whole = mine & adds_up & head_is_whole
    first = len(whole) if whole.all() else int(np.argmin(whole))
    lost = mine[first:].copy()
    if len(lost):
        lost[0] |= adds_up[first] and _one_bit_apart(salts[first], header[4:6])
    if not lost.any():
        return None
    return LogDamage(first, int(lost.sum()), int((words[first:, 1][lost] > 0).sum()))


def set_aside(log: Path) -> Path:
    """A copy of a damaged log beside it, for `recsys events repair`; the same log is copied once."""
    digest = blake2b(log.read_bytes(), digest_size=6).hexdigest()
    copy = log.with_name(f"{log.name}{MARK}{digest}")
    if not copy.exists():
        shutil.copy2(log, copy)
    return copy


def logs_set_aside(database: Path) -> list[Path]:
    """Damaged logs that wait for a repair."""
    return sorted(database.parent.glob(f"{log_of(database).name}{MARK}*"))


def page_images(log: Path) -> Iterator[tuple[int, bytes]]:
    """`(page number, content)` of every frame, whole or not, in the order of the log."""
    with log.open("rb") as file:
        for frames, _ in _blocks(file, file.read(HEADER)):
            for frame in frames:
                yield int.from_bytes(frame[:4].tobytes(), "big"), frame[FRAME_HEADER:].tobytes()


def _blocks(file: BinaryIO, head: bytes) -> Iterator[tuple[Bytes, Bytes]]:
    """Frames `[F, 24 + page size]`, a block at a time, and the checksum before each block's first."""
    size = int.from_bytes(head[8:12], "big")
    if len(head) < HEADER or not 512 <= size <= 65_536 or size & (size - 1):
        size = 4_096  # the name of the size itself is changed; ours are all of SQLite's own choice
    width, last = FRAME_HEADER + size, np.frombuffer(head[24:32], np.uint8)
    while content := file.read(BLOCK_FRAMES * width):
        frames = np.frombuffer(content, np.uint8, len(content) // width * width).reshape(-1, width)
        if len(frames):
            yield frames, last
            last = frames[-1, 16:24]


def _adds_up(head: bytes, frames: Bytes, last: Bytes) -> NDArray[np.bool_]:
    """`[F]`: whether each frame's checksum follows from the one before it."""
    sums = _words(np.ascontiguousarray(frames[:, 16:24]).tobytes()).reshape(-1, 2)
    before = np.vstack([_words(last.tobytes())[None], sums[:-1]])
    body = np.hstack([frames[:, :8], frames[:, FRAME_HEADER:]]).view(_order(head)).astype(np.uint32)
    found: NDArray[np.bool_] = (_checksums(before, body) == sums).all(1)
    return found


def _order(head: bytes) -> str:
    return ">u4" if head[3] & 1 else "<u4"


def _words(content: bytes) -> Words:
    return np.frombuffer(content, ">u4").astype(np.uint32)


def _header_is_whole(head: bytes) -> bool:
    header, body = _words(head), np.frombuffer(head[:24], _order(head)).astype(np.uint32)[None]
    sums = _checksums(np.zeros((1, 2), np.uint32), body)[0]
    known = header[0] & ~np.uint32(1) == MAGIC and header[1] == FORMAT
    return bool((sums == header[6:8]).all() and known)


def _checksums(before: Words, body: Words) -> Words:
    """SQLite's running sums `[F, 2]` after each body `[F, 2 n]`, each begun from `before`."""
    first, second = body[:, 0::2], body[:, 1::2]
    factors = _factors(first.shape[1])
    steps = np.stack([first, first + second], 1)  # [F, 2, n]; uint32 wraps as SQLite's sums do
    added: Words = np.einsum("fjn,nij->fi", steps, factors[1:], dtype=np.uint32, casting="unsafe")
    added += np.einsum("fj,ij->fi", before, factors[0], dtype=np.uint32, casting="unsafe")
    return added


@lru_cache(maxsize=8)
def _factors(count: int) -> Words:
    """`[count + 1, 2, 2]`: what a pair of words is multiplied by until the end; first, the start's."""
    step, powers = np.array([[1, 1], [1, 2]], np.uint32), [np.eye(2, dtype=np.uint32)]
    for _ in range(count):
        powers.append(powers[-1] @ step)
    return np.array(powers[::-1])


def _one_bit_apart(left: Words, right: Words) -> bool:
    return int(np.bitwise_count(left ^ right).sum()) == 1
