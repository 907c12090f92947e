"""Send this same command line to a Ray cluster as a job, follow its log, end with its exit code."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence

from ray.job_submission import JobStatus, JobSubmissionClient

from recsys.errors import ConfigError


def submit(address: str, arguments: Sequence[str]) -> int:
    """Run `recsys ARGUMENTS` as a Ray job at `address`; 0 when it succeeded, else 1.

    The cluster's machines must have the product installed and see the same workspace.
    """
    try:
        client = JobSubmissionClient(address)
    except (ConnectionError, RuntimeError) as error:
        raise ConfigError("no Ray dashboard answers", found=str(error), where=address) from error
    job_id = client.submit_job(entrypoint=shlex.join([sys.executable, "-m", "jobs.cli", *arguments]))
    asyncio.run(_follow(client, job_id))
    return 0 if client.get_job_status(job_id) is JobStatus.SUCCEEDED else 1


async def _follow(client: JobSubmissionClient, job_id: str) -> None:
    async for lines in client.tail_job_logs(job_id):
        sys.stdout.write(lines)
        sys.stdout.flush()
