"""What is known and what is asked: history before, targets after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recsys.errors import InputError
from recsys.identifiers import shard_of
from recsys.interaction_log import DAY_US, InteractionLog

VALIDATION_PERIODS = 3
COLD_PARTS = 1_000
COLD_SHARE = 0.1
BRING_EVENTS = {"expected": "a run of `recsys import events`", "hint": "recsys import events events.jsonl"}
"""Items whose events are taken away to see whether they are found by text alone."""


@dataclass(frozen=True, eq=False)
class Split:
    """Events to learn from, and the users to ask about with what they did next."""

    train: InteractionLog
    """Events before each user's question; also the histories."""
    users: np.ndarray
    """`[B] int32`: who is asked, as places in `train.user_keys`."""
    targets: sp.csr_matrix
    """`[B, N] bool`: what each did next."""
    num_without_target: int
    """Users with a history or a future that gives no question."""

    def unseen_only(self) -> Split:
        """The same questions with seen items out of the targets; users left without one are counted."""
        seen = seen_items(self.train)[self.users]
        wanted = (self.targets.astype(np.int8) - self.targets.multiply(seen).astype(np.int8)).tocsr()
        wanted.eliminate_zeros()
        kept = np.flatnonzero(np.diff(wanted.indptr) > 0)
        dropped = len(self.users) - len(kept)
        return Split(
            self.train,
            self.users[kept],
            wanted[kept].astype(bool),
            self.num_without_target + dropped,
        )

    def sample(self, num_users: int, seed: int) -> Split:
        """At most `num_users` of the questions, drawn by `seed`."""
        if len(self.users) <= num_users:
            return self
        return self.part(
            np.sort(np.random.default_rng(seed).choice(len(self.users), num_users, replace=False))
        )

    def part(self, rows: np.ndarray) -> Split:
        """Only the questions at `rows`."""
        return Split(self.train, self.users[rows], self.targets[rows], self.num_without_target)


def leave_one_out(log: InteractionLog, back: int = 1) -> Split:
    """Each user's positive event `back` from the end is the target (1: the last), all before it the history.

    Users with no event before the target are counted as without target. Raises `InputError` when
    nobody is left. Leaks the future of other users; for logs without real times.
    """
    liked = np.flatnonzero(log.weights > 0)
    bounds = np.searchsorted(log.users[liked], np.arange(log.num_users + 1))
    oldest, newest = bounds[:-1], bounds[1:]
    ends = np.array(log.offsets[1:])
    some = newest > oldest
    # Where there are too few, nothing liked is known: a later question may ask for it.
    ends[some] = liked[np.maximum(newest - back, oldest)[some]]
    asked = np.flatnonzero((newest - oldest >= back) & (ends > log.offsets[:-1]))
    kept = np.arange(len(log)) < ends[log.users]
    items = log.items[ends[asked]]
    targets = sp.csr_matrix(
        (np.ones(len(asked), bool), (np.arange(len(asked)), items)), shape=(len(asked), log.num_items)
    )
    return _checked(Split(log.select(kept), asked.astype(np.int32), targets, log.num_users - len(asked)))


def temporal(log: InteractionLog, start_us: int, end_us: int) -> Split:
    """Events before `start_us` are known; targets are the distinct items of events in `[start_us, end_us)`.

    Only positive events count as targets. Users without history or without target are counted.
    """
    train = log.select(log.occurred_at_us < start_us)
    asked = (log.occurred_at_us >= start_us) & (log.occurred_at_us < end_us) & (log.weights > 0)
    pairs = sp.csr_matrix(
        (np.ones(int(asked.sum()), np.float32), (log.users[asked], log.items[asked])),
        shape=(log.num_users, log.num_items),
    )
    users = np.flatnonzero((np.diff(pairs.indptr) > 0) & (np.diff(train.offsets) > 0))
    return _checked(
        Split(train, users.astype(np.int32), pairs[users].astype(bool), log.num_users - len(users))
    )


def validation_and_test(log: InteractionLog, split: str, holdout_days: float) -> tuple[Split, Split]:
    """Two questions built the same way: the earlier one to tune on, the last one to report.

    `split` is `temporal` (the last `holdout_days`; before them `VALIDATION_PERIODS` times as many,
    since one week alone may be a holiday) or `leave-one-out`. Raises `InputError` for another word
    or when there is nothing to ask.
    """
    if len(log) == 0:
        raise InputError("there are no events to evaluate on", **BRING_EVENTS)
    if split == "leave-one-out":
        return leave_one_out(log, 2), leave_one_out(log, 1)
    if split != "temporal":
        raise InputError("the split is not known", expected="temporal or leave-one-out", found=split)
    end = int(log.occurred_at_us.max()) + 1
    period = int(holdout_days * DAY_US)
    begin = end - (VALIDATION_PERIODS + 1) * period
    return temporal(log, begin, end - period), temporal(log, end - period, end)


def newest_question(log: InteractionLog, split: str, holdout_days: float) -> Split:
    """The newest validation question of a shop that goes on: nothing is kept back for a test."""
    if len(log) == 0:
        raise InputError("there are no events to learn from", **BRING_EVENTS)
    if split == "leave-one-out":
        return leave_one_out(log)
    end = int(log.occurred_at_us.max()) + 1
    return temporal(log, end - int(VALIDATION_PERIODS * holdout_days * DAY_US), end)


def cold_items(item_ids: Sequence[str], share: float, start: float = 0.0) -> np.ndarray:
    """`[N] bool`: about `share` of the items, by a digest of their ids; the same in every run.

    With another `start`, a share of all, others: two ranges that do not meet have no item in common.
    """
    low, high = round(start * COLD_PARTS), round((start + share) * COLD_PARTS)
    return np.array([low <= shard_of(item_id, COLD_PARTS) < high for item_id in item_ids], bool)


def cold_question(split: Split, cold: np.ndarray) -> Split:
    """The split as if nobody had ever touched the `cold` items, asking for nothing else.

    Raises `InputError` when nobody's target is among them.
    """
    train = split.train.select(~cold[split.train.items])
    return _asking(split, train, sp.csr_matrix(split.targets.multiply(cold[None, :]).astype(bool)))


def _asking(split: Split, train: InteractionLog, targets: sp.csr_matrix) -> Split:
    """With fewer events and targets: users left without either are counted."""
    targets.eliminate_zeros()
    known = np.diff(train.offsets)[split.users] > 0
    kept = np.flatnonzero((np.diff(targets.indptr) > 0) & known)
    dropped = split.num_without_target + len(split.users) - len(kept)
    return _checked(Split(train, split.users[kept], targets[kept], dropped))


def without_items(split: Split, hidden: np.ndarray) -> Split:
    """The split of a shop that does not have the `hidden` items (`[N] bool`): no event, no target.

    Raises `InputError` when nobody's target is left.
    """
    train = split.train.select(~hidden[split.train.items])
    return _asking(split, train, sp.csr_matrix(split.targets.multiply(~hidden[None, :]).astype(bool)))


def seen_items(log: InteractionLog) -> sp.csr_matrix:
    """`[U, N] bool`: items each user acted on."""
    shape = (log.num_users, log.num_items)
    counts = sp.csr_matrix((np.ones(len(log), np.float32), (log.users, log.items)), shape=shape)
    return counts.astype(bool)


def _checked(split: Split) -> Split:
    if len(split.users) == 0:
        raise InputError(
            "no user can be asked about",
            expected="users with events before and in the held-out period",
            found=f"{split.num_without_target} users without",
        )
    return split
