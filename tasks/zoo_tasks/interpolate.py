"""A coarse field brought to the pixels of a photo by basis functions that stop at its segments.

Source: the CDVAE papers, first 4.2 and second 3.3: a field is a sum of basis functions, each with a weight and an
orientation, that runs over one segment only; smoothed and downsampled, it is the coarse field.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_tasks.fields import Float

SLOTS = 2
"""Basis functions a sample point: one for each of the largest segments in its cell."""


class Interpolation:
    """Interp(w, theta; S) of the paper for one segmentation, solved for any number of coarse fields.

    The image is cut into size x size cells of fy x fx pixels, with a sample point at the centre of each. A basis function
    belongs to a sample point and to one segment; it is the quadratic B-spline b over 3 x 3 cells times ``w + u dx + v dy``: a
    plane whose height is the weight and whose direction of rise is the orientation, theta = atan2(v, u). In these numbers the
    field is linear. In each pixel, the basis functions of its segment are scaled so that their b sum to 1.

    What is regularised is the departure of the weights from the mean of the nearby samples, those in cells that the
    segment fills counting most; so a constant field is exactly reproduced.

    Args:
        labels: (size * fy, size * fx) int32, the segment of each pixel.
        image: the same pixels (.., .., 3) uint8; pixels of segments too small for a basis function join the likest one.
        size: samples a side.
    """

    def __init__(self, labels: NDArray[np.int32], image: NDArray[np.uint8], size: int) -> None:
        from scipy.sparse import csr_matrix, identity
        from scipy.sparse.linalg import splu

        self.size = size
        self.cell = (labels.shape[0] // size, labels.shape[1] // size)
        cells = size * size
        pixels = self._to_cells(labels)
        slots, shares = _largest_segments(pixels)
        near = _neighbours(slots, size, -1)  # (cells, 9, SLOTS)
        # Each line of a pixel: its 9 x SLOTS basis functions, those of other segments at zero.
        joins = (pixels[:, :, None, None] == near[:, None]).reshape(cells, -1, 9 * SLOTS)
        # How far each pixel of a cell is from the centres of the last, this and the next cell, in cells: (pixels, 3).
        offset = [(((np.arange(side) + 0.5) / side - 0.5)[:, None] - [-1, 0, 1]).astype(np.float32) for side in self.cell]
        far = (np.abs(at) for at in offset)
        fall_y, fall_x = (np.where(at < 0.5, 0.75 - at**2, 0.5 * np.maximum(1.5 - at, 0) ** 2) for at in far)
        fall = (fall_y[:, None, :, None] * fall_x[None, :, None, :]).reshape(-1, 9).repeat(SLOTS, axis=1)
        weights = joins * fall
        each = np.ones(9 * SLOTS, np.float32)
        lost = np.nonzero(weights @ each == 0)
        if len(lost[0]):
            weights[lost] = fall[lost[1]] * _likest(pixels, near.reshape(cells, -1), self._to_cells(image), lost)
        weights /= (weights @ each)[..., None]
        dy, dx = (0.5 * at for at in offset)  # how dear a tilt is beside the weight: its unit is 0.5 a cell
        planes = np.stack(np.broadcast_arrays(np.float32(1), dx[None, :, None, :], dy[:, None, :, None]), -1)
        basis = weights.reshape(cells, -1, 9, SLOTS, 1) * planes.reshape(-1, 9, 1, 3)
        self.basis = basis.reshape(cells, -1, 9 * SLOTS * 3)

        # Which number of which basis function stands in each column of ``basis``; those over the border weigh nothing.
        index = _neighbours(np.arange(cells)[:, None], size, 0)[:, :, 0]
        columns = (index[:, :, None, None] * SLOTS + np.arange(SLOTS)[:, None]) * 3 + np.arange(3)
        self.columns = columns.reshape(cells, -1)
        means = np.full(basis.shape[1], 1 / basis.shape[1], np.float32) @ self.basis
        start = np.arange(cells + 1) * means.shape[1]
        self.down = csr_matrix((means.ravel(), self.columns.ravel(), start), shape=(cells, cells * SLOTS * 3))
        self.prior = self._prior(slots, shares, near, index)
        gram = self.down @ self.down.T
        gram += np.float32(0.01 * gram.diagonal().mean()) * identity(cells, np.float32)  # regularised
        # SuperLU runs in one thread; threaded LAPACK on so small a system is 50 times slower on a busy machine.
        self.system = splu(gram.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})

    def solve(self, y: Float) -> Float:
        """The full fields (n, size * fy, size * fx) whose means over cells are ``y`` (n, size, size), nearly.

        One after another: products of matrices round each column by how many there are.
        """
        height, width = (self.size * side for side in self.cell)
        fields = np.empty((len(y), height, width), np.float32)
        for field, samples in zip(fields, np.asarray(y, np.float32).reshape(len(y), -1), strict=True):
            numbers = self.prior @ samples
            numbers += self.down.T @ self.system.solve(samples - self.down @ numbers)
            made = (self.basis @ numbers[self.columns][..., None]).reshape(self.size, self.size, *self.cell)
            field[:] = made.transpose(0, 2, 1, 3).reshape(height, width)
        return fields

    def _to_cells(self, image: NDArray[np.generic]) -> NDArray[np.generic]:
        """(H, W, ...) as (cells, pixels of a cell, ...)."""
        rest = image.shape[2:]
        split = image.reshape(self.size, self.cell[0], self.size, self.cell[1], *rest)
        return np.moveaxis(split, 2, 1).reshape(self.size**2, self.cell[0] * self.cell[1], *rest)

    def _prior(self, slots: NDArray, shares: Float, near: NDArray, index: NDArray) -> Any:
        """The sparse map from samples to the expected weights: means of nearby samples, the pure ones first."""
        from scipy.sparse import csr_matrix

        cells = len(slots)
        near_shares = _neighbours(shares, self.size, 0)
        pure = ((slots[:, :, None, None] == near[:, None]) * near_shares[:, None]).sum(axis=-1)  # (cells, SLOTS, 9)
        trust = pure**6  # falls steeply as the segment fills less of the cell
        trust[:, :, np.arange(9) != 4] *= 0.02  # all but the own cell
        total = trust.sum(axis=-1, keepdims=True)
        trust = (trust / np.where(total > 0, total, 1)) * (slots >= 0)[..., None]
        rows = (np.arange(cells * SLOTS) * 3).repeat(9)
        columns = np.broadcast_to(index[:, None], trust.shape).ravel()
        return csr_matrix((trust.ravel().astype(np.float32), (rows, columns)), shape=(cells * SLOTS * 3, cells))


def _likest(pixels: NDArray, near: NDArray, image: NDArray, lost: tuple[NDArray, ...]) -> NDArray[np.bool_]:
    """For L pixels whose segment has no basis function nearby, those of the segment nearby whose colour is most like it.

    Of labels (cells, P), segments of the basis functions around each cell (cells, K), -1 for none, colours (cells, P, 3), and
    the cell and the place in it of each such pixel: (L, K).
    """
    count = np.maximum(np.bincount(pixels.ravel()), 1)
    colours = np.stack([np.bincount(pixels.ravel(), image[..., c].ravel()) / count for c in range(3)], axis=-1)
    options = near[lost[0]]
    distance = np.abs(colours[options] - image[lost][:, None]).sum(axis=-1)
    distance[options < 0] = np.inf
    return options == np.take_along_axis(options, distance.argmin(axis=1)[:, None], axis=1)


def _largest_segments(pixels: NDArray) -> tuple[NDArray, Float]:
    """The SLOTS largest segments of each cell (cells, SLOTS), -1 below a tenth of it, and the shares of it they fill."""
    alike = (pixels[:, :, None] == pixels[:, None, :]).sum(axis=-1, dtype=np.int32)
    labels, shares = [], []
    rows = np.arange(len(pixels))
    for slot in range(SLOTS):
        best = alike.argmax(axis=1)
        share = alike[rows, best] / pixels.shape[1]
        label = np.where(share > (0.1 if slot else 0), pixels[rows, best], -1)
        labels.append(label)
        shares.append(np.where(label >= 0, share, 0))
        alike[pixels == pixels[rows, best][:, None]] = 0
    return np.stack(labels, axis=1), np.stack(shares, axis=1).astype(np.float32)


def _neighbours(values: NDArray, size: int, outside: int) -> NDArray:
    """``values`` (cells, K) of each cell's 3 x 3 neighbourhood, (cells, 9, K); ``outside`` over the border."""
    grid = np.pad(values.reshape(size, size, -1), ((1, 1), (1, 1), (0, 0)), constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(grid, (3, 3), axis=(0, 1))  # (size, size, K, 3, 3)
    return np.ascontiguousarray(windows.reshape(size * size, -1, 9).swapaxes(1, 2))
