"""Vectors laid out on a plane so that what lies close there is close in all dimensions."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 10
"""Nearest points by which a layout is measured."""
PERPLEXITY = 30.0
SPREAD = 1e-4
"""Standard deviation of the first axis at the start: t-SNE wants its points close together then."""
SEED = 0


def layout(vectors: np.ndarray) -> np.ndarray:
    """Places `[N, 2] float32` of vectors `[N, D] float32` by t-SNE of their cosines.

    All D dimensions count: in whitened vectors no direction is worth more than another, so that fewer of
    them would lose what the vectors say. It starts from the principal components and runs on one thread:
    the same vectors in the same order give the same places. Up to `NEIGHBOURS` + 1 vectors are placed by
    the components alone, where each is a neighbour of all others anyway.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    units = _units(vectors)
    with threadpool_limits(1):  # sums of several threads differ from run to run
        start = principal(units)
        if len(units) <= NEIGHBOURS + 1 or not start.any():
            return start
        start *= SPREAD / start[:, 0].std()
        perplexity = min(PERPLEXITY, (len(units) - 1) / 3.0)
        tsne = TSNE(metric="cosine", init=start, perplexity=perplexity, random_state=SEED, n_jobs=1)
        found: np.ndarray = tsne.fit_transform(units).astype(np.float32)
    return found


def principal(vectors: np.ndarray) -> np.ndarray:
    """The two principal components of `[N, D] float32`: `[N, 2] float32`.

    The sign of an axis is chosen so that its largest weight is positive. Where there are fewer than two
    directions, what is missing is 0.
    """
    from sklearn.decomposition import PCA

    found, size = np.zeros((len(vectors), 2), np.float32), min(2, *vectors.shape)
    if len(vectors) < 2 or size == 0 or np.ptp(vectors, axis=0).max() == 0.0:
        return found
    pca = PCA(n_components=size, svd_solver="covariance_eigh").fit(vectors)
    signs = np.sign(pca.components_[np.arange(size), np.abs(pca.components_).argmax(axis=1)])
    found[:, :size] = pca.transform(vectors) * signs
    return found


def agreement(places: np.ndarray, vectors: np.ndarray) -> float:
    """Share, 0 to 1, of each point's `NEIGHBOURS` nearest places that are among its nearest by cosine.

    `[N, 2]` and `[N, D]`. Chance gives `NEIGHBOURS` / (N - 1); 1 where no point has more than that many
    others.
    """
    count = min(NEIGHBOURS, len(vectors) - 1)
    if count < 1:
        return 1.0
    near, meant = _nearest(places, count, "euclidean"), _nearest(_units(vectors), count, "cosine")
    same = [np.isin(here, there).sum() for here, there in zip(near, meant, strict=True)]
    return float(np.sum(same) / near.size)


def _nearest(points: np.ndarray, count: int, metric: str) -> np.ndarray:
    """Rows `[N, count]` of each point's nearest others."""
    from sklearn.neighbors import NearestNeighbors

    found: np.ndarray = (
        NearestNeighbors(n_neighbors=count, metric=metric).fit(points).kneighbors(return_distance=False)
    )
    return found


def _units(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: np.ndarray = (vectors / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
    return units
