"""Closed-form item-item regression: on who acted on both, on what came next, drawn towards the texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from recsys.interaction_log import InteractionLog
from recsys.item_item.cooccurrence import user_items
from recsys.item_item.prefixes import prefix_users, prefixes
from recsys.item_item.pruning import strongest_in_rows
from recsys.item_item.support import supported, users_behind

TARGETS_AT_ONCE = 512
DENSE_FROM = 0.05
"""Share of filled cells from which a dense product is faster."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a regression is made from, both `[N, N] float32` over the modelled items."""

    gram: sp.csr_matrix
    """How histories go together."""
    targets: sp.csr_matrix
    """How histories (rows) go with what is wanted (columns); `gram` itself for EASE."""
    left_out: np.ndarray | None = None
    """`[N] float32`: what each row of `gram` lacks, since too few users were behind it; None: nothing."""

    @classmethod
    def of(
        cls,
        log: InteractionLog,
        places: np.ndarray,
        order_share: float,
        half_life_days: float | None = None,
        min_users: int = 1,
    ) -> Evidence:
        """Of the items at `places`: whole histories (`order_share` 0), what came next (1), or both.

        Pairs of items behind which are fewer than `min_users` different users are left out of each part.

        Both is SLIST (Choi et al. 2021, arXiv 2103.16104): each part counts as if it had the same mean
        diagonal, so that one ridge fits any share.
        """
        acted = user_items(log, half_life_days)[:, places]
        together, lost = _product(np.arange(log.num_users), acted, acted, min_users)
        if order_share == 0.0:
            return cls(together, together, lost)
        known, after = (part[:, places] for part in prefixes(log, half_life_days))
        users = prefix_users(log)
        gram, lost_in_order = _product(users, known, known, min_users)
        targets, _ = _product(users, known, after, min_users)
        size = np.float32(order_share * mean_users(together) / max(float(gram.diagonal().mean()), 1e-9))
        rest = np.float32(1.0 - order_share)
        return cls(
            (rest * together + size * gram).tocsr(),
            (rest * together + size * targets).tocsr(),
            None if lost is None or lost_in_order is None else rest * lost + size * lost_in_order,
        )

    def positive(self) -> Evidence:
        """With what was left out of each row of `gram` on its diagonal, so that it can be inverted.

        A matrix of counts is positive semidefinite, and need not be without some of its pairs. Each pair
        `c` left out so adds `c * [[1, -1], [-1, 1]]`, which keeps it. What an item says about itself is
        freed by the regression anyway: to it this is a ridge of the item's own.
        """
        if self.left_out is None:
            return self
        gram = (self.gram + sp.diags(self.left_out)).tocsr()
        return Evidence(gram, gram if self.targets is self.gram else self.targets)


@dataclass(frozen=True, eq=False)
class TextRegression:
    """EASE on the Gram matrix of texts: how one item's text is made of the others'.

    The Gram matrix has rank `D`, so that a `[D, D]` system is enough (Woodbury): the weights are
    `left [N, D] @ right [D, N]` less `own [N]` on the diagonal.
    """

    left: np.ndarray
    right: np.ndarray
    own: np.ndarray

    @classmethod
    def solve(cls, vectors: np.ndarray, ridge: float = 3.0) -> TextRegression:
        """From unit vectors `[N, D]`."""
        import scipy.linalg as sl  # a tenth of a second that processes which only serve need not pay

        left = np.asarray(vectors, np.float32)
        small = left.T @ left + np.float32(ridge) * np.eye(left.shape[1], dtype=np.float32)
        right: np.ndarray = sl.solve(small, left.T, assume_a="pos")
        taken = np.einsum("nd,dn->n", left, right)
        return cls(left, right / (1.0 - taken)[None, :], taken / (1.0 - taken))


@dataclass(frozen=True, eq=False)
class Regression:
    """Minimises `|Y - XB|^2 + ridge |B|^2` under a zero diagonal, by one inversion.

    EASE (Steck 2019) where `Y = X`. Cost is cubic in the number of items; two `[N, N] float32` stay.
    """

    inverse: np.ndarray
    """`(gram + ridge * I)^-1`, symmetric."""
    solution: np.ndarray
    """`(inverse @ targets)` transposed: row `i` is what speaks for item `i`, before the diagonal is freed."""
    ridge: float

    @classmethod
    def solve(cls, evidence: Evidence, ridge: float) -> Regression:
        """The inverse, and from it the unconstrained solution."""
        evidence = evidence.positive()
        inverse = regularised_inverse(evidence.gram, ridge)
        solution = inverse * np.float32(-ridge)
        solution[np.diag_indices(len(solution))] += 1.0  # inverse @ gram = I - ridge * inverse
        if evidence.targets is not evidence.gram:
            _add_product(solution, (evidence.targets - evidence.gram).T.tocsr(), inverse)
        return cls(inverse, solution, ridge)

    def neighbours(self, num: int, texts: TextRegression | None = None, pull: float = 0.0) -> sp.csr_matrix:
        """`[N, N] float32` weights, at most `num` in each column, the largest by size.

        With `pull` the objective becomes `... + (1 - pull) ridge |B|^2 + pull ridge |B - C|^2`, where `C`
        is `texts` (L3AE, Moon et al. 2025, arXiv 2508.13500): an item without events gets its neighbours
        from its text alone. Nothing here is cubic in the number of items.
        """
        turned = self.inverse @ texts.left if texts is not None and pull > 0.0 else None
        blocks = range(0, len(self.inverse), TARGETS_AT_ONCE)
        rows = [strongest_in_rows(self._weights(start, texts, turned, pull), num) for start in blocks]
        return sp.csr_matrix(sp.vstack(rows).T, dtype=np.float32)

    def _weights(
        self, start: int, texts: TextRegression | None, turned: np.ndarray | None, pull: float
    ) -> np.ndarray:
        part = slice(start, min(start + TARGETS_AT_ONCE, len(self.inverse)))
        weights = self.solution[part].copy()
        if texts is not None and turned is not None:
            drawn = np.float32(pull * self.ridge)
            weights += (drawn * texts.right[:, part].T) @ turned.T
            weights -= self.inverse[part] * (drawn * texts.own[part])[:, None]
        diagonal = np.arange(part.stop - part.start), np.arange(part.start, part.stop)
        weights -= self.inverse[part] * (weights[diagonal] / self._diagonal[part])[:, None]
        weights[diagonal] = 0.0
        return weights

    @cached_property
    def _diagonal(self) -> np.ndarray:
        return np.ascontiguousarray(np.diag(self.inverse))


def _product(
    users: np.ndarray, left: sp.csr_matrix, right: sp.csr_matrix, min_users: int
) -> tuple[sp.csr_matrix, np.ndarray | None]:
    """`left.T @ right` over examples of `users`, less pairs of fewer than `min_users`; what rows lack."""
    product = (left.T @ right).tocsr()
    if min_users == 1:
        return product, None
    kept = supported(product, users_behind(users, left, right), min_users)
    return kept, np.asarray((product - kept).sum(1), np.float32).ravel()


def mean_users(counts: sp.csr_matrix) -> float:
    """Mean number of users of an item; ridges are tried as multiples of it, so that they fit any shop."""
    return max(float(counts.diagonal().mean()), 1.0) if counts.shape[0] else 1.0


def regularised_inverse(gram: sp.csr_matrix, ridge: float) -> np.ndarray:
    """Inverse of `gram + ridge * I`, `[N, N] float32`, by Cholesky in place."""
    import scipy.linalg as sl

    dense = gram.toarray().astype(np.float32, copy=False)
    dense[np.diag_indices(len(dense))] += np.float32(ridge)
    factor = sl.lapack.spotrf(dense.T, lower=1, overwrite_a=1, clean=0)[0]
    inverse = sl.lapack.spotri(factor, lower=1, overwrite_c=1)[0]
    return _mirrored(inverse)


def _add_product(total: np.ndarray, left: sp.csr_matrix, right: np.ndarray) -> None:
    """`total += left @ right`, a few rows at a time."""
    dense = left.nnz > DENSE_FROM * left.shape[0] * left.shape[1]
    for start in range(0, len(total), TARGETS_AT_ONCE):
        part = left[start : start + TARGETS_AT_ONCE]
        total[start : start + TARGETS_AT_ONCE] += (part.toarray() if dense else part) @ right


def _mirrored(lower: np.ndarray, block: int = 1024) -> np.ndarray:
    size = len(lower)
    for start in range(0, size, block):
        stop = min(start + block, size)
        tile = lower[start:stop, start:stop]
        lower[start:stop, start:stop] = np.tril(tile) + np.tril(tile, -1).T
        lower[start:stop, stop:] = lower[stop:, start:stop].T
    return lower
