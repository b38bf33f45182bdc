"""Holes of pictures filled without a seam."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def without_seams(x: Tensor, y: Tensor) -> Tensor:
    """y (n, C, s, s) plus, in the holes of x (C + 1, s, s), what continues its errors at their edges as smoothly as can be.

    The correction is harmonic: at each missing place the mean of its neighbours, at those that are known what y lacks there.
    Source: P. Perez, M. Gangnet, A. Blake, "Poisson image editing", SIGGRAPH 2003. A picture with nothing
    known stays as it is.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import splu

    hole = x[-1].numpy() > 0
    if hole.all() or not hole.any():
        return y
    side, unknown = len(hole), int(hole.sum())
    place = np.full((side + 2, side + 2), -1)
    place[1:-1, 1:-1][hole] = np.arange(unknown)
    inside = np.pad(np.ones_like(hole), 1)
    lacks = np.pad((x[:-1] - y).numpy() * ~hole, ((0, 0), (0, 0), (1, 1), (1, 1)))
    rows, columns = np.nonzero(hole)
    system, count, given = [], np.zeros(unknown), np.zeros((unknown, lacks.shape[0] * lacks.shape[1]))
    for down, right in ((0, 1), (2, 1), (1, 0), (1, 2)):
        at = rows + down, columns + right
        count += inside[at]
        given += np.moveaxis(lacks[:, :, at[0], at[1]], -1, 0).reshape(unknown, -1)
        joined = np.flatnonzero(place[at] >= 0)
        system.append((joined, place[at][joined]))
    first, second = (np.concatenate(part) for part in zip(*system, strict=True))
    all_, ones = np.arange(unknown), -np.ones(len(first))
    matrix = coo_matrix((np.concatenate([count, ones]), (np.concatenate([all_, first]), np.concatenate([all_, second]))))
    solved = splu(matrix.tocsc()).solve(given)
    y = y.clone()
    y[..., torch.from_numpy(hole)] += torch.from_numpy(np.moveaxis(solved.reshape(unknown, *y.shape[:2]), 0, -1)).float()
    return y
