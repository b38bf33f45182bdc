"""Spherical harmonics: SciPy's values, orthonormal under the quadrature, exact round trips, and the arrangement of the map."""

# ruff: noqa: E741 (l is the degree, as in the papers)

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss

from zoo_tasks.harmonics import DEGREES, analyse, angles, degree_of, legendre, synthesise, weights

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("degrees", [1, 2, 3, 5, DEGREES, 160])
def test_functions_come_back_to_1e_6(degrees: int) -> None:
    maps = RNG.normal(size=(9 if degrees < 9 else 2, degrees, degrees))
    grid = synthesise(maps)
    assert grid.shape == (len(maps), 2 * degrees, 2 * degrees)
    assert np.abs(analyse(grid) - maps).max() < 1e-10  # 1e-6 is asked for


def test_the_basis_is_scipys_without_the_condon_shortley_phase() -> None:
    special = pytest.importorskip("scipy.special")
    if not hasattr(special, "sph_harm_y"):
        pytest.skip("this SciPy has no sph_harm_y (1.15 and later have)")
    theta, phi = np.meshgrid(*angles(12), indexing="ij")
    for l in range(12):
        for m in range(l + 1):
            want = special.sph_harm_y(l, m, theta, phi) * (-1) ** m * (np.sqrt(2) if m else 1)
            for part, place in ((want.real, (0, l, m)), (want.imag, (0, m - 1, l)))[: 1 + (m > 0)]:
                one = np.zeros((1, 12, 12))
                one[place] = 1
                np.testing.assert_allclose(synthesise(one)[0], part, atol=1e-12)


def test_the_basis_is_orthonormal_under_the_quadrature() -> None:
    degrees = 9
    basis = synthesise(np.eye(degrees**2).reshape(-1, degrees, degrees)).reshape(degrees**2, -1)
    weight = np.repeat(weights(degrees) * np.pi / degrees, 2 * degrees)
    np.testing.assert_allclose((basis * weight) @ basis.T, np.eye(degrees**2), atol=1e-12)


def test_the_weights_are_exact_for_polynomials_below_twice_the_degrees() -> None:
    theta, _ = angles(16)
    for power in range(32):
        exact = 2 / (power + 1) if power % 2 == 0 else 0
        assert abs(weights(16) @ np.cos(theta) ** power - exact) < 1e-14
    assert abs(weights(16) @ np.cos(theta) ** 32 - 2 / 33) > 1e-13  # and no further


def test_legendre_functions_of_high_degree_are_orthonormal() -> None:
    x, weight = leggauss(130)
    q = legendre(DEGREES, x)
    for m in (0, 1, 60, 127):
        part = q[m:, m]
        np.testing.assert_allclose(2 * np.pi * (part * weight) @ part.T, np.eye(DEGREES - m), atol=1e-11)


def test_each_degree_is_the_rim_of_a_square() -> None:
    degree = degree_of(DEGREES)
    assert [(degree == l).sum() for l in range(DEGREES)] == [2 * l + 1 for l in range(DEGREES)]
    maps = np.zeros((1, 16, 16))
    maps[0, :5, :5] = RNG.normal(size=(5, 5))
    np.testing.assert_allclose(analyse(synthesise(maps), 5)[0], maps[0, :5, :5], atol=1e-13)
    np.testing.assert_allclose(synthesise(maps[:, :5, :5], 16), synthesise(maps), atol=1e-13)


def test_a_batch_is_what_its_functions_are_one_by_one() -> None:
    grids = RNG.random((11, 32, 32), np.float32)
    together = analyse(grids)
    for i in range(11):
        np.testing.assert_allclose(analyse(grids[i : i + 1])[0], together[i], atol=1e-13)
    assert analyse(grids[:0]).shape == (0, 16, 16)
    assert synthesise(together[:0]).shape == (0, 32, 32)
