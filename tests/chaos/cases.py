"""Every fault case: what is done, what has to come of it, and where it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from tests.chaos.outcome import Outcome, Place


@dataclass(frozen=True)
class Case:
    """One row of the page."""

    name: str
    fault: str
    required: str
    module: str
    """Module of this package that has a function `run`, or `run_NAME` for one of several cases."""
    limit_s: float = 600.0
    """A case that takes longer has failed."""

    def load(self) -> Callable[[Place, Outcome], None]:
        """The function that runs it."""
        module = import_module(f"tests.chaos.{self.module}")
        found: Callable[[Place, Outcome], None] = (
            getattr(module, f"run_{self.name.lower()}", None) or module.run
        )
        return found


CASES = (
    Case(
        "D1",
        "kill -9 of the event store's process under load",
        "nothing acked is lost, nothing doubled, nothing invented",
        "killed_writer",
        900,
    ),
    Case(
        "D1b",
        "kill -9 of the event log's actor, and of the whole service, under HTTP load",
        "as D1; other answers than 200 are 503 with Retry-After",
        "killed_service",
        900,
    ),
    Case(
        "D2",
        "a client gives up and sends each event three times, across a restart",
        "each counts once",
        "resent_events",
        900,
    ),
    Case("D4", "newest log cut at every byte", "starts, keeps all earlier events", "cut_log", 600),
    Case(
        "D5",
        "random bits of the event log flipped",
        "no silent accept, later good events kept",
        "flipped_bits",
        900,
    ),
    Case(
        "D6",
        "the workspace's volume is full for 20 s",
        "lists go on, writes answer 503 or 507 with Retry-After and resume by themselves",
        "full_disk",
    ),
    Case(
        "D7",
        "the write of each 64th byte of a commit fails",
        "refused and not acked, nothing stored in part, the next one is taken",
        "failing_writes",
    ),
    Case(
        "S1",
        "SIGKILL of a shard's only replica",
        "no error, coverage (N-1)/N with its reason, heals",
        "killed_shard",
    ),
    Case("S2", "SIGKILL of one of two replicas", "full coverage, p99 at most doubled", "killed_shard"),
    Case(
        "S3",
        "SIGSTOP of one of two replicas, 90 s",
        "answers within the deadline, the replica is replaced",
        "killed_shard",
    ),
    Case("S4", "SIGKILL of all shards", "labelled fallback lists", "killed_shard"),
    Case(
        "S6",
        "SIGKILL of Serve's controller, three times",
        "no failure in running traffic, no event lost, it comes back and replaces what dies",
        "killed_controller",
    ),
    Case(
        "S8",
        "SIGKILL of one of three Ray nodes",
        "no error and full coverage at the other nodes; its copies come back on them",
        "lost_node",
        700,
    ),
    Case(
        "S11",
        "three times the capacity for 60 s",
        "sheds with Retry-After, goodput at least 90 % of peak, bounded memory, normal within 30 s",
        "overload",
        900,
    ),
    Case(
        "S12",
        "lists for 10,000 users while shards are killed",
        "the brute-force best of exactly the shards that answered",
        "partial_oracle",
        900,
    ),
    Case(
        "S13",
        "50 publishings and rollbacks under load",
        "no error, no mixed list, a rollback gives the earlier lists",
        "swaps",
        900,
    ),
    Case("S14", "bad versions are published", "refused, the old one answers", "bad_index"),
    Case(
        "S15",
        "kill -9 at every step of publishing",
        "one complete version answers, nothing half-written is ever loaded",
        "killed_publish",
        700,
    ),
    Case(
        "S16",
        "index files flipped, cut, swapped, downgraded",
        "refused at load and at publishing, the old version stays",
        "altered_index",
    ),
    Case(
        "X9",
        "a person is erased; then restart, old file, old backup, refit",
        "a stranger within a second, in no byte of any file, stays gone",
        "erased_person",
        840,
    ),
    Case(
        "S9",
        "one shard cut off, its answers lost, 500 ms late, 5 % of calls lost",
        "the deadline is kept, coverage is honest, heals",
        "partition",
        700,
    ),
    Case(
        "J1",
        "kill -9 of encoder actors while a catalog is embedded",
        "the same ids and vectors as a clean run",
        "killed_embedding",
        700,
    ),
    Case(
        "J2",
        "kill -9 of a training's worker, then of its driver",
        "goes on from the last checkpoint, the figure within noise",
        "killed_training",
        700,
    ),
    Case(
        "J5",
        "malformed and hostile catalog files",
        "refused with counts, good rows kept, no payload runs, bounded memory",
        "malformed_files",
        700,
    ),
    Case(
        "A2",
        "requests that no client should send",
        "4xx of one shape, or a labelled list; no 5xx",
        "bad_requests",
        700,
    ),
    Case(
        "X5",
        "names and paths that lead elsewhere: parents, links, absolute, URIs",
        "refused before anything is opened or connected to",
        "escaping_paths",
    ),
    Case(
        "X6",
        "payloads in .pt, .pkl, object .npy, Parquet, config.json, adapters",
        "never run, clearly refused",
        "payloads",
    ),
)
