"""Names of people overwritten in text, every byte else where it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from recsys.tombstones import ROLES, NamedPeople, People, is_name_of_one

FILL = b"x"
LEAST_BARE = 6
"""Bytes from which an id is known without quotes and without its role: a `7` may be any number."""
QUOTED = re.compile(rb'"((?:[^"\\\n]|\\.){1,1024})"')
WORD = re.compile(rb"[^\s\"',;|(){}\[\]<>=&?/\\]+")
STRIPPED = b".:!`"


def redacted(text: bytes, people: People) -> bytes:
    """`text` (UTF-8, JSON or not) of the same length, with `x` in the place of the people's names.

    A name is a key (`user:ID`) or a bare id: quoted, or as a word of `LEAST_BARE` bytes or more.
    """
    if isinstance(people, NamedPeople) and not any(needle in text for needle in _needles(people)):
        return text
    found = bytearray(text)
    for start, stop in _spans(text, people):
        found[start:stop] = FILL * (stop - start)
    return bytes(found)


def _spans(text: bytes, people: People) -> Iterator[tuple[int, int]]:
    for quoted in QUOTED.finditer(text):
        if is_name_of_one(people, _unescaped(quoted[1])):
            yield quoted.span(1)
    unquoted = QUOTED.sub(_without_names, text)
    for word in WORD.finditer(unquoted):
        start = word.start() + len(word[0]) - len(word[0].lstrip(STRIPPED))
        part = word[0].strip(STRIPPED)
        if _is_name(people, part):
            yield start, start + len(part)
    if isinstance(people, NamedPeople):
        yield from _apart(unquoted, people)


def _without_names(quoted: re.Match[bytes]) -> bytes:
    """Of strings without a space nothing: such a one is a name or is none, whatever words are in it."""
    said = _unescaped(quoted[1])
    return b" " * len(quoted[0]) if len(said.split()) == 1 and '"' not in said else quoted[0]


def _is_name(people: People, word: bytes) -> bool:
    text = word.decode("utf-8", "replace")
    return is_name_of_one(people, text) if len(word) >= LEAST_BARE else text in people


def _apart(text: bytes, people: NamedPeople) -> Iterator[tuple[int, int]]:
    """Names that are no one word, such as those with a space."""
    for name in _ids(people):
        own = name.encode("utf-8", "replace")
        if len(own) >= LEAST_BARE and not WORD.fullmatch(own):
            for form in (own, json.dumps(name)[1:-1].encode()):
                yield from (found.span() for found in re.finditer(re.escape(form), text))


def _needles(people: NamedPeople) -> set[bytes]:
    """Bare ids as they stand in text, and as they stand in JSON."""
    ids = _ids(people)
    return {one.encode("utf-8", "replace") for one in ids} | {json.dumps(one)[1:-1].encode() for one in ids}


def _ids(people: NamedPeople) -> set[str]:
    return {key.removeprefix(role) for key in people.keys for role in ROLES if key.startswith(role)}


def _unescaped(quoted: bytes) -> str:
    text = quoted.decode("utf-8", "replace")
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
