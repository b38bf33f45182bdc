"""Locality preserving projections (LPP, He and Niyogi 2004): a linear embedding that keeps neighbours together.

It is what guides the codes of CDVAE (paper 2, section 3.2 and Figure 4; paper 1, section 4.1), and a fixed embedding for any
other model. Being linear, it is known for every crop of an image and not only for the images it was made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

NEIGHBOURS = 10
KEPT_VARIANCE = 0.99
MOST_COMPONENTS = 256
CHUNK = 4096
Array = NDArray[np.float32]


class Embedding(nn.Module):
    """p = (f - mean) A for features f = [pixels, guide], each dimension of unit variance on the data.

    Codes of each of ``sizes`` are guided by the first so many dimensions of p.
    """

    mean: Tensor
    projection: Tensor

    def __init__(self, features: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("projection", torch.zeros(features, max(sizes)))

    def fit(self, pixels: Tensor, guide: Tensor | None, seed: int) -> None:
        """Make the embedding from ``pixels`` (N, D) and ``guide`` (N, G) or None."""
        parts = [pixels.flatten(1).cpu().numpy()] + ([] if guide is None else [guide.cpu().numpy()])
        mean, projection = lpp(parts, max(self.sizes), seed=seed)
        self.mean = torch.from_numpy(mean).to(self.mean.device)
        self.projection = torch.from_numpy(projection).to(self.mean.device)

    def forward(self, pixels: Tensor, guide: Tensor | None) -> list[Tensor]:
        """The embedding of each item for each layer of codes: a list of (B, sizes[i])."""
        features = pixels.flatten(1) if guide is None else torch.cat([pixels.flatten(1), guide], 1)
        p = (features - self.mean) @ self.projection
        return [p[:, :size] for size in self.sizes]


def lpp(parts: Sequence[Array], dimensions: int, *, neighbours: int = NEIGHBOURS, seed: int = 0) -> tuple[Array, Array]:
    """Locality preserving projections of N feature vectors.

    The features are reduced by PCA first, as in the LPP paper. The graph joins each item to its nearest neighbours with
    weights exp(-||f_i - f_j||^2 / t), t being the mean squared distance of neighbours; the projections are the generalised
    eigenvectors of Z'LZ a = lambda Z'DZ a with the smallest eigenvalues. The neighbours come from a navigable small-world
    graph (HNSW), so time grows as N log N, and nothing of size N x N or of twice the features is ever made.

    Args:
        parts: matrices (N, F_i) float32, whose columns together are the F features.
        dimensions: of the embedding; where the data has fewer, the rest are zero.
        neighbours: joined to each item.
        seed: of the neighbour graph.

    Returns:
        mean (F,) and projection (F, dimensions), float32; the embedding of f is (f - mean) @ projection.
    """
    mean, axes = _principal_axes(parts)
    projection = np.zeros((len(mean), dimensions), np.float32)
    reduced = np.concatenate([((chunk - mean) @ axes).astype(np.float32) for chunk in _chunks(parts)])
    if len(reduced) < 3 or not axes.shape[1]:
        return mean, projection
    vectors = _smoothest_directions(reduced, min(neighbours, len(reduced) - 1), seed)[:, :dimensions]
    spread = (reduced @ vectors).std(0)
    vectors = (vectors / np.where(spread > 1e-6, spread, np.inf)).astype(np.float32)
    projection[:, : vectors.shape[1]] = axes @ vectors
    return mean, projection


def _chunks(parts: Sequence[Array]) -> Iterator[Array]:
    for i in range(0, len(parts[0]), CHUNK):
        yield np.concatenate([p[i : i + CHUNK] for p in parts], 1)


def _principal_axes(parts: Sequence[Array]) -> tuple[Array, Array]:
    """Mean (F,) and the axes (F, R) that hold nearly all of the variance, from sums over chunks."""
    from scipy.linalg import eigh

    items = len(parts[0])
    mean = np.concatenate([p.mean(0, dtype=np.float64) for p in parts])
    size = len(mean)
    covariance = np.zeros((size, size), np.float32)
    for chunk in _chunks(parts):
        centred = (chunk - mean).astype(np.float32)
        covariance += centred.T @ centred
    most = min(MOST_COMPONENTS, size, items)
    rising, vectors = eigh((covariance / items).astype(np.float32), subset_by_index=(size - most, size - 1))
    values, total = rising[::-1], max(float(np.trace(covariance)) / items, 1e-12)
    kept = int(np.searchsorted(np.cumsum(values) / total, KEPT_VARIANCE)) + 1
    kept = min(kept, int((values > 1e-7 * total).sum()))
    return mean.astype(np.float32), vectors[:, ::-1][:, :kept].astype(np.float32)


def _smoothest_directions(points: Array, neighbours: int, seed: int) -> Array:
    """Generalised eigenvectors of the graph Laplacian of ``points`` (N, R), smallest eigenvalue first, (R, R)."""
    from scipy.linalg import eigh
    from scipy.sparse import coo_matrix

    squared, index = nearest(points, neighbours, seed)
    scale = max(float(squared.mean()), 1e-12)
    rows = np.repeat(np.arange(len(points)), neighbours)
    weights = np.exp(-squared.ravel() / scale)
    graph = coo_matrix((weights, (rows, index.ravel())), shape=(len(points), len(points))).tocsr()
    graph = graph.maximum(graph.T)
    degree = np.asarray(graph.sum(1)).ravel().astype(np.float64)
    wide = points.astype(np.float64)
    scatter = wide.T @ (degree[:, None] * wide)
    laplacian = scatter - wide.T @ (graph @ wide)
    ridge = 1e-6 * np.trace(scatter) / len(scatter)
    vectors = eigh((laplacian + laplacian.T) / 2, scatter + ridge * np.eye(len(scatter)))[1]
    return vectors.astype(np.float32)


def nearest(points: Array, neighbours: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    """Squared distances and indices (N, neighbours) of each point's nearest others, found approximately."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # with more, the graph depends on their timing
    try:
        index = faiss.IndexHNSWFlat(points.shape[1], 16)
        index.hnsw.efConstruction, index.hnsw.efSearch = 64, max(64, 2 * neighbours)
        index.add(np.ascontiguousarray(points))
        squared, found = index.search(np.ascontiguousarray(points), neighbours + 1)
    finally:
        faiss.omp_set_num_threads(threads)
    # The point itself is usually first; where a duplicate stands in its place, the last column is dropped instead.
    own = found == np.arange(len(points))[:, None]
    own[~own.any(1), -1] = True
    squared, found = np.where(found < 0, np.inf, squared), np.maximum(found, 0)
    return squared[~own].reshape(len(points), neighbours), found[~own].reshape(len(points), neighbours)
