"""The audit never takes silence for health, and its exceptions end."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.audit.advisories import audit_packages
from tests.audit.exceptions import Exceptions, read_exceptions
from tests.audit.outcome import Outcome, exit_code
from tests.audit.secrets import scan_secrets

CLEAR = {"name": "numpy", "version": "2.0", "vulns": []}
UNKNOWN = {"name": "ray", "skip_reason": "Dependency not found on PyPI and could not be audited: ray (2.60)"}
OWN = {"name": "recsys-on-ray", "skip_reason": "distribution marked as editable"}
BAD = {
    "name": "torch",
    "version": "2.9",
    "vulns": [{"id": "GHSA-1", "aliases": ["CVE-2026-24747"], "fix_versions": ["2.10"]}],
}


NONE = Exceptions()


def audited(*packages: dict[str, Any], exceptions: Exceptions = NONE) -> Outcome:
    return audit_packages(exceptions, lambda service: json.dumps({"dependencies": packages, "fixes": []}))


def exceptions(expires: str, name: str = "CVE-2026-24747") -> Exceptions:
    judged = {"package": "torch", "id": name, "reason": "no weights are loaded", "expires": expires}
    return Exceptions.model_validate({"advisory": [judged]})


def test_a_service_that_knows_nothing_has_cleared_nothing() -> None:
    assert audited(CLEAR, OWN).word == "ok"
    assert audited(UNKNOWN, OWN).word == "SKIPPED"
    assert "knows none of 1 packages" in audited(UNKNOWN, OWN).skipped
    assert audited(CLEAR, UNKNOWN).word == "SKIPPED"
    assert "1 packages that pypi does not know" in audited(CLEAR, UNKNOWN).skipped


def test_no_answer_at_all_is_told_with_its_reason() -> None:
    def broken(service: str) -> str:
        return json.dumps({"failed": f"{service} cannot be resolved"})

    def hung(service: str) -> str:
        raise subprocess.TimeoutExpired("pip-audit", 1)

    assert "pypi cannot be resolved" in audit_packages(Exceptions(), broken).skipped
    assert "TimeoutExpired" in audit_packages(Exceptions(), hung).skipped
    assert audit_packages(Exceptions(), lambda service: "not JSON").word == "SKIPPED"


def test_the_second_service_is_asked_where_the_first_knows_nothing() -> None:
    answers = {"pypi": [UNKNOWN], "osv": [BAD]}
    found = audit_packages(Exceptions(), lambda service: json.dumps({"dependencies": answers[service]}))
    assert found.word == "FAILED"
    assert found.looked == "1 packages by osv"


def test_an_advisory_fails_until_a_person_has_judged_it_and_again_after_that_day() -> None:
    assert audited(BAD, CLEAR).findings == ("torch 2.9: GHSA-1, mended in ['2.10']",)
    for name in ("GHSA-1", "CVE-2026-24747"):
        assert audited(BAD, exceptions=exceptions("2026-12-31", name)).word == "ok"
    assert audited(BAD, exceptions=exceptions("2026-12-31", "CVE-2026-1")).word == "FAILED"
    judged = exceptions("2026-12-31")
    assert judged.expired(date(2026, 12, 31)) == []
    assert "no weights are loaded" in judged.expired(date(2027, 1, 1))[0]


@pytest.mark.parametrize("left_out", ["reason", "expires"])
def test_an_exception_has_a_reason_and_a_day(left_out: str, tmp_path: Path) -> None:
    lines = {"file": '"a"', "kind": '"b"', "reason": '"an example of it"', "expires": "2026-12-31"}
    del lines[left_out]
    text = "[[secret]]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items())
    (tmp_path / "e.toml").write_text(text)
    with pytest.raises(ValueError, match=left_out):
        read_exceptions(tmp_path / "e.toml")
    assert read_exceptions().secret


def test_a_planted_key_is_found_and_its_words_are_not_repeated(tmp_path: Path) -> None:
    key, where = "AKIA" + "IOSFODNN7EXAMPLE", "tests/settings.py"
    (tmp_path / "tests").mkdir()
    (tmp_path / where).write_text(f'KEY = "{key}"\npassword = "hunter2hunter2"\n')
    (tmp_path / "recsys.py").write_text('password = "hunter2hunter2"\n')
    found = scan_secrets(Exceptions(), tmp_path, [where, "recsys.py"])
    assert found.findings == ("recsys.py:1: Secret Keyword", f"{where}:1: AWS Access Key")
    judged = {"file": "recsys.py", "kind": "Secret Keyword", "reason": "an old joke, no key"}
    excepted = Exceptions.model_validate({"secret": [judged | {"expires": "2026-12-31"}]})
    assert scan_secrets(excepted, tmp_path, ["recsys.py"]).word == "ok"


def test_only_what_was_looked_at_and_is_well_ends_with_0_where_that_is_asked_for() -> None:
    well, skipped = Outcome("a", "1"), Outcome("b", "0", skipped="no network")
    failed = Outcome("c", "1", ("x",), "half of it")
    assert [exit_code([well], strict) for strict in (False, True)] == [0, 0]
    assert [exit_code([well, skipped], strict) for strict in (False, True)] == [0, 2]
    assert [exit_code([failed, skipped], strict) for strict in (False, True)] == [1, 1]
    assert failed.lines() == ["c: FAILED - 1; not looked at: half of it", "  x"]
