"""How much rows of one table vary with the seed, told from all of them, since each has a few seeds only.

Source: Smyth, Linear models and empirical Bayes methods for assessing differential expression (2004), sections 5 and 6.2:
the variances, of d degrees of freedom each, are taken for draws of one scaled inverse chi-square, and each is drawn towards
its middle by as much as they are alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 4
"""Rows from which their variances can be told to be alike."""


def moderate(means: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The variances (K,) of K rows over seeds, from their means (S, K), and the degrees of freedom of each.

    What all rows have of a seed is none of their variance, as it drops out of every difference. Where the variances are no
    less alike than chance makes them, the middle is that of all, and the degrees of freedom infinite. No row has less than its
    own: where a few rows vary far more than others, drawing these towards the middle would find differences that are none.

    Examples:
        >>> quiet, loud = np.array([[0.1, 0.2, 0.1, 0.2], [-0.1, 0.1, 0.2, 0.1], [0.2, -0.1, 0.1, -0.1]]), np.ones(4)
        >>> variances, free = moderate(quiet + 5 * loud)
        >>> variances.shape, free > 2
        ((4,), True)
    """
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    seeds, rows = means.shape
    free = float(seeds - 1)
    own = means - means.mean(0)
    own -= np.median(own, 1, keepdims=True)  # which one row that varies far more than all others does not move
    own -= own.mean(0)
    variance = (own**2).sum(0) / free * rows / (rows - 1)
    variance = np.maximum(variance, 1e-5 * np.median(variance))
    if not variance.all():
        return variance, free
    logarithm = np.log(variance) - digamma(free / 2) + np.log(free / 2)
    excess = float(logarithm.var(ddof=1) - polygamma(1, free / 2))
    if excess <= 0:
        return np.maximum(variance, np.exp(logarithm.mean())), np.inf
    prior = 2 * brentq(lambda half: float(polygamma(1, half)) - excess, 1e-8, 1e8)
    middle = np.exp(logarithm.mean() + digamma(prior / 2) - np.log(prior / 2))
    return np.maximum(variance, (prior * middle + free * variance) / (prior + free)), prior + free
