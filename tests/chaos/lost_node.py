"""S8: one of three Ray nodes is killed under load."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.chaos.outcome import Outcome, Place

HEALED_S = 60.0


def run(place: Place, outcome: Outcome) -> None:
    """The rehearsal of `tests.benchmarks.several_nodes`, held against what it promises."""
    figures = place.folder / "figures.json"
    command = [sys.executable, "-m", "tests.benchmarks.several_nodes", str(place.folder / "rehearsal")]
    command += ["--items", "600", "--shoppers", "150", "--seconds", str(place.times(30, 15)), "--rate", "8"]
    subprocess.run([*command, "--json", str(figures)], check=True)
    found: dict[str, Any] = json.loads(figures.read_text())
    living, dead = found["clients_of_living_nodes"], found["clients_of_the_killed_node"]
    healed = found["seconds"]["until_shards_and_single_copies_whole"]
    outcome.figures |= {
        "kills": 1,
        "acked": found["events"]["acked"],
        "requests": living["all"]["requests"] + dead["all"]["requests"],
        "recovery_s": healed or 0.0,
        **{f"p99_{phase}_ms": living[phase]["p99_ms"] for phase in ("before", "during", "after")},
        "broken connections to the dead node": dead["all"]["broken_connections"],
        "lists without a profile": living["all"]["degraded"].get("no_profile", 0),
    }
    outcome.require_zero(
        not_200=living["all"]["not_200"] + dead["all"]["not_200"],
        broken_connections_to_living_nodes=living["all"]["broken_connections"],
        partial_answers=living["all"]["coverage_below_1"] + dead["all"]["coverage_below_1"],
        mismatches=found["brute_force"]["mismatches"],
        **{name: found["events"][name] for name in ("lost", "duplicated", "phantoms")},
    )
    outcome.require(
        "shards and single copies are whole on the nodes left",
        f"within {HEALED_S:g} s",
        round(healed, 1) if healed else "not in time",
        healed is not None and healed <= HEALED_S,
    )
    outcome.require(
        "training ran on two machines", "2", found["prepared"]["training_machines"],
        found["prepared"]["training_machines"] == 2,
    )  # fmt: skip
