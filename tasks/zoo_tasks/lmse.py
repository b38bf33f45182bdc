"""How good a decomposition is: the local mean squared error against true shading and reflectance.

Source: R. Grosse, M. K. Johnson, E. H. Adelson, W. T. Freeman, "Ground truth dataset and baseline evaluations for
intrinsic image algorithms", ICCV 2009, section 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def lmse(shading: Array, reflectance: Array, true_shading: Array, true_reflectance: Array, mask: Array) -> float:
    """The mean of the local errors of shading and of reflectance; 0 is perfect, 1 is what a field of zeros gets.

    Args:
        shading, reflectance: (H, W), each known up to a factor, in linear light.
        true_shading, true_reflectance: (H, W), in linear light.
        mask: (H, W), True on the object.
    """
    return (local_error(shading, true_shading, mask) + local_error(reflectance, true_reflectance, mask)) / 2


def local_error(field: Array, truth: Array, mask: Array, window: int = 20) -> float:
    """The squared error of ``field`` in overlapping windows, each scaled to fit best, over the truth's energy."""
    weight = mask.astype(np.float64)
    truth_energy = _window_sums(weight * truth * truth, window)
    energy = _window_sums(weight * field * field, window)
    product = _window_sums(weight * field * truth, window)
    error = truth_energy - product**2 / np.where(energy > 0, energy, 1)
    return float(error.sum() / truth_energy.sum())


def _window_sums(values: Array, window: int) -> Array:
    """Sums over square windows whose corners lie ``window // 2`` apart, by an integral image."""
    sums = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows = np.arange(0, values.shape[0] - window + 1, window // 2)
    columns = np.arange(0, values.shape[1] - window + 1, window // 2)

    def corner(down: int, right: int) -> Array:
        return sums[np.ix_(rows + down, columns + right)]

    return corner(window, window) - corner(0, window) - corner(window, 0) + corner(0, 0)
