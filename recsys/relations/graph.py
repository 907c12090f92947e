"""The graph that vectors are smoothed over: items, and the categories above them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from recsys.relations.categories import lineage
from recsys.relations.propagation import propagated

Edge = tuple[int, int, float]


@dataclass(frozen=True, eq=False)
class ItemGraph:
    """Items and categories as nodes, `N` items first; edges go both ways."""

    num_items: int
    adjacency: sp.csr_matrix
    """`[N + C, N + C] float64`."""
    members: sp.csr_matrix
    """`[C, N]`: which items each category has, those of the categories within it included."""

    @classmethod
    def of(
        cls,
        pairs: Iterable[Edge],
        categories: Sequence[str | None],
        parents: Mapping[str, str],
    ) -> ItemGraph:
        """From weighted pairs of items, the `N` items' category paths, and stated parents of categories.

        A step of a path is a category of its own within the path before it, so that a path needs no
        statement. An item is in its most special category with weight 1, a category in its parent too.
        """
        size = len(categories)
        lines = {path: lineage(path, parents) for path in {path for path in categories if path}}
        names = sorted({name for line in lines.values() for name in line})
        node = {name: size + number for number, name in enumerate(names)}
        own = [(item, node[path], 1.0) for item, path in enumerate(categories) if path]
        steps = sorted({step for line in lines.values() for step in pairwise(line)})
        tree = [(node[name], node[above], 1.0) for name, above in steps]
        inside = [
            (node[name] - size, item) for item, path in enumerate(categories) if path for name in lines[path]
        ]
        members = sp.csr_matrix(
            (np.ones(len(inside)), np.array(inside, np.int64).reshape(-1, 2).T), shape=(len(node), size)
        )
        return cls(size, _mutual([*pairs, *own, *tree], size + len(node)), members)

    def smoothed(self, vectors: np.ndarray, share: float | np.ndarray) -> np.ndarray:
        """`[N, D] float32` unit rows drawn to their neighbours by `share` (or a share of each, `[N]`).

        A category begins as the mean direction of its items and is drawn like them, by the largest share.
        """
        means = self.members @ vectors.astype(np.float64)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        nodes = np.concatenate([vectors, means / np.where(lengths > 1e-9, lengths, 1.0)])
        shares = np.full(len(nodes), float(np.max(share, initial=0.0)))
        shares[: self.num_items] = share
        return propagated(nodes, self.adjacency, shares)[: self.num_items]


def _mutual(edges: Sequence[Edge], size: int) -> sp.csr_matrix:
    table = np.array(edges, np.float64).reshape(-1, 3)
    places = table[:, :2].astype(np.int64)
    one = sp.csr_matrix((table[:, 2], (places[:, 0], places[:, 1])), shape=(size, size))
    return sp.csr_matrix(one.maximum(one.T))
