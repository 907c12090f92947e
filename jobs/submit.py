"""Send this same command line to a Ray cluster as a job, follow its log, end with its exit code."""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
from collections.abc import Sequence

from ray.job_submission import JobSubmissionClient

from cluster.job_runner import MODULE, POLL_S, exit_code_of, submitted
from recsys.addresses import holds_password
from recsys.errors import ConfigError


def submit(address: str, arguments: Sequence[str]) -> int:
    """Run `recsys ARGUMENTS` as a Ray job at `address`; the exit code that the command ended with there.

    The cluster's machines must have the product installed and see the same workspace. Raises `ConfigError`
    where nothing answers, and for a password among the arguments, which the list of jobs would show.
    """
    if any(holds_password(argument) for argument in arguments):
        raise ConfigError(
            "a cluster's list of jobs would keep the password",
            expected="an address without one",
            hint="set RECSYS_DATABASE_URL on the cluster's nodes; their commands read it there",
        )
    try:
        client = JobSubmissionClient(address)
    except (ConnectionError, RuntimeError) as error:
        raise ConfigError("no Ray dashboard answers", found=str(error), where=address) from error
    job_id = submitted(client, shlex.join([sys.executable, "-m", MODULE, *arguments]), {})
    asyncio.run(_follow(client, job_id))
    # The log may break off before the job has ended.
    while not (job := client.get_job_info(job_id)).status.is_terminal():
        time.sleep(POLL_S)
    return exit_code_of(job)


async def _follow(client: JobSubmissionClient, job_id: str) -> None:
    async for lines in client.tail_job_logs(job_id):
        sys.stdout.write(lines)
        sys.stdout.flush()
