"""How log lines are written: JSON objects for machines, or text for people.

Neither writes an exception's message, which may quote what a caller sent: its type, and the lines of code
it went through, are enough to find a defect.
"""

from __future__ import annotations

import logging
import os
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson

from recsys.config import LogFormat
from serve_app.telemetry.request_record import current_request
from serve_app.telemetry.spans import trace_id

FIELDS = "fields"
"""Attribute of a record with what a line has beside its message: `extra={FIELDS: {...}}`."""
PLAIN = frozenset(("at", "level", "process", "pid", "logger", "message"))
NOT_NAMED = PLAIN | {"method", "route", "status", "milliseconds"}
"""And what the message of a request's line says already."""


class LineFormatter(logging.Formatter):
    """One record as one line, with the id of the request in hand."""

    def __init__(self, kind: LogFormat, process: str) -> None:
        super().__init__()
        self._kind, self._process, self._pid = kind, process, os.getpid()

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = self._line(record)
        if self._kind is LogFormat.JSON:
            return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        rest = " ".join(f"{name}={_shown(value)}" for name, value in line.items() if name not in NOT_NAMED)
        head = f"{line['at']} {line['level']} {self._process} {_one_line(line['message'])}"
        return f"{head} {rest}".rstrip()

    def _line(self, record: logging.LogRecord) -> dict[str, Any]:
        line = {
            "at": _utc(record.created),
            "level": record.levelname.lower(),
            "process": self._process,
            "pid": self._pid,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request := current_request()) is not None:
            line["request_id"] = request.request_id
        if (trace := trace_id()) is not None:
            line["trace_id"] = trace
        line |= getattr(record, FIELDS, {})
        if record.exc_info and record.exc_info[1] is not None:
            line |= {"error": type(record.exc_info[1]).__name__, "trace": _frames(record.exc_info[1])}
        return line


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(_one_line, value)) or "-"
    return _one_line(value)


def _one_line(value: Any) -> str:
    return str(value).replace("\r", "\\r").replace("\n", "\\n")


def _frames(error: BaseException) -> list[str]:
    """Where an exception went through, the newest place last; without its message and its values."""
    steps = traceback.walk_tb(error.__traceback__)
    return [f"{os.path.basename(at.f_code.co_filename)}:{line} {at.f_code.co_name}" for at, line in steps]
