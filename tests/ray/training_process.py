"""A training in a process of its own, to be killed: FOLDER SOURCE SETTINGS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import ray

from cluster.trainer import run_training
from tests.ray.test_trainer import task_of

if __name__ == "__main__":
    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    run_training(task_of(Path(sys.argv[1]), Path(sys.argv[2]), **json.loads(sys.argv[3])))
