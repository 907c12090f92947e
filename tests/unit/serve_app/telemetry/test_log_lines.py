"""Log lines: one a record, whole, with the request's id, and without what exceptions quote."""

from __future__ import annotations

import json
import logging
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recsys.config import LogFormat
from serve_app.telemetry import RequestRecord, request_in_hand
from serve_app.telemetry.log_lines import FIELDS, LineFormatter


def record_of(message: str, error: Exception | None = None, **fields: Any) -> logging.LogRecord:
    """A record as `log.warning` makes one."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("serve_app.test", logging.WARNING, "here.py", 1, message, (), exc_info)
    setattr(made, FIELDS, fields)
    return made


def raised(message: str) -> Exception:
    """An error that went through a frame."""
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_json_line_is_one_line_that_gives_the_message_back(message: str) -> None:
    line = LineFormatter(LogFormat.JSON, "shard-0").format(record_of(message.replace("%", "")))
    assert "\n" not in line
    assert json.loads(line)["message"] == message.replace("%", "")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_line_of_text_is_one_line(message: str) -> None:
    line = LineFormatter(LogFormat.TEXT, "shard-0").format(
        record_of(message.replace("%", ""), lists=["a", "b"])
    )
    assert "\n" not in line
    assert "\r" not in line
    assert line.endswith("lists=a,b")


def test_lines_carry_process_time_level_and_the_request_in_hand() -> None:
    formatter = LineFormatter(LogFormat.JSON, "shard-0")
    with request_in_hand(RequestRecord("id-1")):
        inside = json.loads(formatter.format(record_of("slow", coverage=0.5)))
    outside = json.loads(formatter.format(record_of("slow")))
    assert inside["request_id"] == "id-1"
    assert "request_id" not in outside
    assert (inside["process"], inside["level"], inside["coverage"]) == ("shard-0", "warning", 0.5)
    assert inside["at"].endswith("Z")


def test_an_exception_is_told_by_type_and_place_and_not_by_its_message() -> None:
    for kind in LogFormat:
        line = LineFormatter(kind, "ingress").format(record_of("broken", raised("anna@example.org")))
        assert "ValueError" in line
        assert "test_log_lines.py" in line
        assert "anna" not in line
