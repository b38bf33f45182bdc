"""Spherical harmonics as SciPy's, and Zernike polynomials by equation 33 as it should read: orthonormal, exact ways back."""

# ruff: noqa: E741 (l is the degree, as in the papers)

from __future__ import annotations

from math import comb, sqrt

import numpy as np
import pytest

from zoo_tasks.harmonics import DEGREES, analyse, angles, degree_of, synthesise, weights
from zoo_tasks.spectra import MOMENTS, density, moments, orders, polynomials, radial

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("degrees", [1, 2, 3, 5, DEGREES, 160])
def test_functions_come_back_to_1e_6(degrees: int) -> None:
    maps = RNG.normal(size=(9 if degrees < 9 else 2, degrees, degrees))
    grid = synthesise(maps)
    assert grid.shape == (len(maps), 2 * degrees, 2 * degrees)
    assert np.abs(analyse(grid) - maps).max() < 1e-10  # 1e-6 is asked for


def test_the_basis_is_scipys_without_the_condon_shortley_phase() -> None:
    special = pytest.importorskip("scipy", minversion="1.15").special  # the first with sph_harm_y
    theta, phi = np.meshgrid(*angles(12), indexing="ij")
    for l in range(12):
        for m in range(l + 1):
            want = special.sph_harm_y(l, m, theta, phi) * (-1) ** m * (np.sqrt(2) if m else 1)
            for part, place in ((want.real, (0, l, m)), (want.imag, (0, m - 1, l)))[: 1 + (m > 0)]:
                one = np.zeros((1, 12, 12))
                one[place] = 1
                np.testing.assert_allclose(synthesise(one)[0], part, atol=1e-12)


def test_the_weights_are_exact_for_polynomials_below_twice_the_degrees() -> None:
    theta, _ = angles(16)
    for power in range(32):
        exact = 2 / (power + 1) if power % 2 == 0 else 0
        assert abs(weights(16) @ np.cos(theta) ** power - exact) < 1e-14
    assert abs(weights(16) @ np.cos(theta) ** 32 - 2 / 33) > 1e-13  # and no further


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
    np.testing.assert_allclose(np.concatenate([analyse(grid[None]) for grid in grids]), together, atol=1e-13)
    assert analyse(grids[:0]).shape == (0, 16, 16)
    assert synthesise(together[:0]).shape == (0, 32, 32)


NORM = 4 * np.pi / 3


def ball(k: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Points (K, 3) and weights (K,) that integrate polynomials of degree < 2 k over the unit ball."""
    x, w = np.polynomial.legendre.leggauss(k)
    phi = np.pi * np.arange(2 * k) / k
    r, c, phi = np.meshgrid((x + 1) / 2, x, phi, indexing="ij")
    weight = (w / 2)[:, None, None] * r**2 * w[:, None] * np.pi / k
    s = np.sqrt(1 - c**2)
    return np.stack([r * s * np.cos(phi), r * s * np.sin(phi), r * c], -1).reshape(-1, 3), weight.ravel()


def printed(n: int, l: int, r: np.ndarray, top: str) -> np.ndarray:
    """Equation 32 with the q of equation 33, its one binomial with ``top`` as printed or as Novotni and Klein have it."""
    k = (n - l) // 2
    made = np.zeros_like(r)
    for v in range(k + 1):
        above = 2 * k + l + v + 1 if top == "printed" else 2 * (k + l + v) + 1
        q = (-1) ** (k + v) / 2 ** (n - l) * sqrt((2 * n + 3) / 3) * comb(n - l, k)
        made += q * comb(k, v) * comb(above, n - l) / comb(k + l + v, k) * r ** (2 * v + l)
    return made


def test_the_polynomials_are_orthonormal_to_1e_6() -> None:
    points, weight = ball()
    basis = polynomials(points, 9)
    assert len(basis) == len(orders(9)) == 220
    np.testing.assert_allclose((basis * weight) @ basis.T / NORM, np.eye(220), atol=1e-10)  # 1e-6 is asked for


def test_the_radial_part_is_equation_33_with_its_bracket_put_right() -> None:
    x, w = np.polynomial.legendre.leggauss(24)
    r, weight = (x + 1) / 2, w / 2 * ((x + 1) / 2) ** 2
    off = 0.0
    for n in range(10):
        for l in range(n % 2, n + 1, 2):
            np.testing.assert_allclose(printed(n, l, r, "corrected"), radial(n, l, r), atol=1e-10)
            off = max(off, abs(3 * (weight * printed(n, l, r, "printed") ** 2).sum() - 1))
    assert off > 1  # as printed they are not even of norm 1


def test_high_orders_stay_stable() -> None:
    x, w = np.polynomial.legendre.leggauss(80)
    r, weight = (x + 1) / 2, w / 2 * ((x + 1) / 2) ** 2
    rows = np.stack([radial(n, 2, r) for n in range(2, 62, 2)])
    np.testing.assert_allclose(3 * (rows * weight) @ rows.T, np.eye(len(rows)), atol=1e-9)


def test_the_first_hundred_are_all_up_to_six_and_some_of_seven() -> None:
    first = orders(9)[:MOMENTS]
    assert [sum(n == k for n, _, _ in first) for k in range(8)] == [1, 3, 6, 10, 15, 21, 28, 16]
    assert len(set(orders(9))) == 220
    assert orders(2)[-5:] == [(2, 2, 0), (2, 2, 1), (2, 2, -1), (2, 2, 2), (2, 2, -2)]


def test_moments_of_a_combination_are_its_coefficients() -> None:
    wanted = np.random.default_rng(0).normal(size=(2, MOMENTS)) * np.exp(-np.arange(MOMENTS) / 20)
    fine = moments(density(wanted, 48))
    assert np.abs(fine - wanted).max() < 0.1 < np.abs(wanted).max()
    coarse = moments(density(wanted, 32))
    assert np.abs(fine - wanted).max() < np.abs(coarse - wanted).max()  # what is off is the sum over voxels


def test_moments_of_shapes_are_bounded() -> None:
    grids = np.random.default_rng(1).random((40, 16, 16, 16)) < np.linspace(0, 1, 40)[:, None, None, None]
    made = moments(grids)
    assert np.abs(made).max() <= 1 + 1e-12
    assert not made[0].any()
    assert made[-1, 0] == pytest.approx(1, abs=1e-12)
