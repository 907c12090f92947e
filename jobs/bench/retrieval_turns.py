"""Contestants of the retrieval part taking turns over the same questions."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from jobs.bench.measure import Spread, side_by_side
from jobs.bench.peers_retrieval import Peer
from jobs.bench.retrieval_data import Questions

MS = 1_000.0


class Turns:
    """One contestant: each turn asks the next few questions, one after the other, and keeps the answers."""

    def __init__(self, peer: Peer, questions: Questions, per_turn: int) -> None:
        self.peer, self._questions, self._per_turn = peer, questions, per_turn
        self._next = 0
        self.found: dict[int, np.ndarray] = {}
        """Place of a question -> rows that were found."""

    def __call__(self) -> float:
        """Median milliseconds of one question in this turn."""
        taken_ms = []
        for _ in range(self._per_turn):
            place = self._next % len(self._questions.vectors)
            self._next += 1
            start = time.perf_counter()
            answer = self.peer.search(self._questions.vectors[place])
            taken_ms.append((time.perf_counter() - start) * MS)
            self.found[place] = self.peer.rows(answer)
        return float(np.median(taken_ms))

    def answer_all(self) -> None:
        """Answer the questions that no turn has asked, for a recall over all of them."""
        for place, query in enumerate(self._questions.vectors):
            if place not in self.found:
                self.found[place] = self.peer.rows(self.peer.search(query))

    @property
    def recall(self) -> float:
        """Recall@10 over what was answered so far."""
        return self._questions.recall([*self.found], [*self.found.values()])


def in_turns(
    peers: Sequence[Peer], questions: Questions, per_turn: int, rounds: int
) -> tuple[dict[str, Spread], dict[str, Turns]]:
    """Milliseconds a question of each contestant, and its answers: all questions where it may err."""
    contestants = {peer.name: Turns(peer, questions, per_turn) for peer in peers}
    taken = side_by_side(contestants, rounds)
    for contestant in contestants.values():
        if not contestant.peer.exact:
            contestant.answer_all()
    return taken, contestants
