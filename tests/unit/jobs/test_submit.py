"""What becomes of a command that is sent to a cluster: its exit code, and what others may read of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ray.job_submission import JobDetails, JobStatus, JobType

from cluster.job_runner import UNAVAILABLE, RayJobRunner, exit_code_of, job_environment
from cluster.loop_actor import start_actor
from jobs.submit import submit
from recsys.addresses import holds_password
from recsys.config import RuntimeConfig
from recsys.errors import ConfigError
from recsys.feedback import LoopConfig

NAME = "RECSYS_DATABASE_URL"
SECRET = "postgresql+psycopg://shop:hunter2@db:5432/shop"  # pragma: allowlist secret
OPEN = "postgresql+psycopg://shop@db:5432/shop"


def runtime(tmp_path: Path, url: str | None) -> RuntimeConfig:
    return RuntimeConfig(workspace=tmp_path, database_url=url)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (JobStatus.SUCCEEDED, 0, 0),
        (JobStatus.FAILED, 1, 1),
        (JobStatus.FAILED, 2, 2),
        (JobStatus.FAILED, 3, 3),
        (JobStatus.FAILED, None, UNAVAILABLE),
        (JobStatus.FAILED, -9, UNAVAILABLE),
        (JobStatus.STOPPED, None, UNAVAILABLE),
    ],
)
def test_a_job_ends_with_the_code_of_its_command(status: JobStatus, code: int | None, expected: int) -> None:
    job = JobDetails(type=JobType.SUBMISSION, status=status, entrypoint="", driver_exit_code=code)
    assert exit_code_of(job) == expected


@pytest.mark.parametrize("text", [SECRET, f"--database-url={SECRET}", f"{OPEN}?password=x", "s3://a:b/c@d/e"])
def test_an_address_with_a_password_is_known_and_is_not_sent(text: str) -> None:
    assert holds_password(text)
    with pytest.raises(ConfigError, match="list of jobs") as refused:
        submit("http://127.0.0.1:1", ["embed", "--database-url", text])
    assert "hunter2" not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize("text", [OPEN, "sqlite:////srv/shop.db", "http://127.0.0.1:8265", "a:b@c", "--name"])
def test_other_texts_hold_none(text: str) -> None:
    assert not holds_password(text)


def test_a_password_is_no_part_of_a_jobs_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, SECRET)
    passed = job_environment(runtime(tmp_path, SECRET))
    assert "hunter2" not in json.dumps(passed)
    assert NAME not in passed
    assert passed["RECSYS_WORKSPACE"] == str(tmp_path)
    assert job_environment(runtime(tmp_path, OPEN))[NAME] == OPEN
    assert NAME not in job_environment(runtime(tmp_path, None))


@pytest.mark.parametrize("other", ["", OPEN])
def test_a_job_does_not_run_where_the_nodes_name_another_database(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, other)
    loop = LoopConfig(dashboard="http://127.0.0.1:1")
    for refused in (
        lambda: RayJobRunner(runtime(tmp_path, SECRET), "http://127.0.0.1:1"),
        lambda: start_actor(runtime(tmp_path, SECRET), loop),
    ):
        with pytest.raises(ConfigError, match="password") as told:
            refused()
        assert "hunter2" not in str(told.value)
