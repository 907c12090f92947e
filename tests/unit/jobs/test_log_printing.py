"""What is written to a folder's log files is printed: every line once, whole, also over a new beginning."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.log_printing import LogFollower, printed_log


@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=12), st.booleans()), max_size=25))
def test_every_line_is_read_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bytes, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    (folder / "0.log").write_bytes(b"of an earlier run\n")
    follower = LogFollower(folder)
    written: dict[int, bytes] = {0: b"", 1: b""}
    read = b""
    for number, content, renamed in steps:
        file = folder / f"{number}.log"
        with file.open("ab") as open_file:
            open_file.write(content)
        written[number] += content
        read += b"".join(follower.new_lines())
        if renamed:  # as a rotating handler does
            file.rename(folder / f"{number}.log.1")
            file.touch()
            read += b"".join(follower.new_lines())
    follower.close()
    whole = [line for content in written.values() for line in content.split(b"\n")[:-1]]
    assert sorted(read.split(b"\n")[:-1]) == sorted(whole)


def test_lines_are_printed_while_the_block_runs_and_the_last_ones_at_its_end(tmp_path: Path) -> None:
    printed: list[bytes] = []
    with printed_log(tmp_path, printed.append), (tmp_path / "a.jsonl").open("wb") as file:
        file.write(b'{"n": 1}\n')
    assert b"".join(printed) == b'{"n": 1}\n'
