"""A first pass over 4-bit product-quantised rows, then exact scores of the best of it.

Product quantisation: Jégou, Douze, Schmid 2011; scanned in registers ("fast scan"): André, Kermarrec,
Le Scouarnec 2015, as FAISS implements it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from recsys.config import Metric
from recsys.scan.added import Added
from recsys.scan.exact import best_places, scan
from recsys.scan.filtered_codes import FilteredCodes, worth_it
from recsys.scan.rows import Allowed, Rows
from recsys.scan.scoring import as_coded

MEASURED_K = 10
"""Places for which `rerank` was measured; more places take as many times more candidates."""
SPARE = 1.25
"""Candidates fetched beyond what a filter's share asks for: what passes is not spread evenly."""
# Microseconds on one core with AVX-512, 384 dims: only their proportions decide.
FETCH_US, CODE_US, GATHER_US, STREAM_US = 0.06, 0.002, 0.1, 0.08

_FirstPass = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Queries `[B, D]` -> scores and row numbers `[B, fetch]`, best first, -1 where there is none."""


@dataclass(frozen=True)
class CompressedScan:
    """The codes of a shard's rows, and how many candidates are scored exactly for ten places."""

    codes: Any
    """FAISS index of the rows (of unit length under cosine), in row order."""
    rerank: int

    def search(
        self,
        queries: np.ndarray,
        k: int,
        rows: Rows,
        allowed: Allowed,
        hidden: Sequence[np.ndarray],
        added: Sequence[Added] | None = None,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """As `scan`, but a row may be missed that the codes misjudge.

        One that links lift is missed only where the codes misjudge it by more than any row they named.
        Scores are exact, and `k` rows come back when `k` are allowed: where few rows are allowed, or
        the candidates that passed are too few, the exact scan answers.
        """
        wanted = min(self.rerank * max(1, -(-k // MEASURED_K)), len(rows.vectors))
        first_pass = self._first_pass(wanted, rows, allowed, hidden) if k > 0 else None
        if first_pass is None:
            return scan(queries, k, rows, allowed, hidden, added)
        near, numbers = first_pass(as_coded(queries, rows.metric))
        near = -near if rows.metric is Metric.EUCLIDEAN else near
        found = []
        for place, query in enumerate(queries):
            own = None if added is None else added[place]
            first = _Pass(query[None, :], rows, allowed, hidden[place], numbers[place], near[place], wanted)
            best = first.best(k, own)
            if best is None:
                again = None if own is None else [own]
                best = scan(query[None, :], k, rows, allowed, hidden[place : place + 1], again)[0]
            found.append(best)
        return found

    def is_ready(self, allowed: Allowed) -> bool:
        """Whether a search by this filter has nothing to make first."""
        return allowed.codes is not None or not worth_it(allowed, self.rerank)

    def _first_pass(
        self, wanted: int, rows: Rows, allowed: Allowed, hidden: Sequence[np.ndarray]
    ) -> _FirstPass | None:
        """What names the candidates, or None where scoring every allowed row costs less."""
        gone = max(map(len, hidden), default=0)
        own = self._own_codes(wanted, rows, allowed)
        if own is not None:
            return partial(own.search, fetch=min(wanted + gone, allowed.count))
        spread = wanted if allowed.everything else SPARE * wanted / max(allowed.share, 1e-9)
        fetch = int(min(spread + gone, len(allowed.mask)))
        return partial(self.codes.search, k=fetch) if _pays(fetch, wanted, allowed) else None

    def _own_codes(self, wanted: int, rows: Rows, allowed: Allowed) -> FilteredCodes | None:
        """The codes of a filter that is asked again; those of one that is asked once are not made."""
        if not worth_it(allowed, wanted):
            return None
        if allowed.codes is None:
            allowed.times_asked += 1
            if allowed.times_asked > 1:
                allowed.codes = FilteredCodes.make(self.codes, rows, allowed)
        return allowed.codes


@dataclass(frozen=True)
class _Pass:
    """What the codes gave for one query, best first."""

    query: np.ndarray
    rows: Rows
    allowed: Allowed
    gone: np.ndarray
    numbers: np.ndarray
    near: np.ndarray
    wanted: int

    def best(self, k: int, added: Added | None) -> tuple[np.ndarray, np.ndarray] | None:
        """The best `k` rows and their scores, or None when too few candidates passed to be sure."""
        if not np.any(self.query):
            return None  # the codes cannot order anything: links alone decide
        keep = self._passes(self.numbers)
        numbers, near = self.numbers[keep], self.near[keep]
        clear = len(numbers) if added is None else added.num_not_lowered(numbers)
        if clear < self.wanted and len(numbers) < self._num_left():
            return None
        if added is None:
            numbers = np.sort(numbers[: self.wanted])
            return _cut(numbers, self._scores(numbers), k)
        return self._with_links(numbers, near, added, k)

    def _with_links(
        self, numbers: np.ndarray, near: np.ndarray, added: Added, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Links and codes each name their best; what could still be better is scored as well.

        A row in neither list scores at most what the codes' list ends with, beyond its links: the
        threshold algorithm of Fagin, Lotem, Naor 2003, with the codes' worst error as slack.
        """
        scores = self._scores(numbers)
        bound = float(near[-1] + max(np.max(scores - near), 0.0)) if len(near) else -np.inf
        known = np.zeros(len(self.allowed.mask), bool)
        known[numbers] = True
        strongest = _unknown(self._passing(added.strongest(self.wanted)), known)
        seen = np.concatenate([numbers, strongest])
        totals = np.concatenate([scores, self._scores(strongest)]) + added.at(seen)
        floor = np.partition(totals, len(totals) - k)[len(totals) - k] if len(totals) >= k else -np.inf
        rest = _unknown(self._passing(added.at_least(floor - bound)), known)
        totals = np.concatenate([totals, self._scores(rest) + added.at(rest)])
        seen = np.concatenate([seen, rest])
        order = np.argsort(seen)
        return _cut(seen[order], totals[order], k)

    def _scores(self, numbers: np.ndarray) -> np.ndarray:
        return np.asarray(self.rows.scores(self.query, numbers)[0])

    def _passing(self, numbers: np.ndarray) -> np.ndarray:
        return np.asarray(numbers[self._passes(numbers)])

    def _passes(self, numbers: np.ndarray) -> np.ndarray:
        keep = numbers >= 0
        if not self.allowed.everything:
            keep &= self.allowed.mask[numbers]
        if len(self.gone):
            places = np.searchsorted(self.gone, numbers).clip(max=len(self.gone) - 1)
            keep &= self.gone[places] != numbers
        return keep

    def _num_left(self) -> int:
        return self.allowed.count - int(np.count_nonzero(self.allowed.mask[self.gone]))


def _unknown(numbers: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Those of some rows that were not known, which they are from now on."""
    fresh: np.ndarray = numbers[~known[numbers]]
    known[fresh] = True
    return fresh


def _cut(numbers: np.ndarray, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    best = best_places(scores, k)
    return numbers[best], scores[best]


def _pays(fetch: int, wanted: int, allowed: Allowed) -> bool:
    """Whether codes and re-scoring cost less than scoring every allowed row."""
    exact = min(GATHER_US * allowed.count, STREAM_US * len(allowed.mask))
    return CODE_US * len(allowed.mask) + FETCH_US * fetch + GATHER_US * wanted < exact
