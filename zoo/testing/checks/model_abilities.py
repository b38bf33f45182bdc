"""Checks of what only some models can do: densities, features, reconstructions."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from zoo.testing.checking import contract
from zoo.testing.subjects.model import ModelSubject
from zoo.testing.verdicts import require, skip
from zoo.testing.world import same_bits, stir, untouched

NO_LOG_PROB = "the model has no density of y given x"
NO_JOINT = "the model has no density of (x, y)"
NO_FEATURES = "the model has no features"
NO_RECONSTRUCTION = "the model does not reconstruct x"

Density = Callable[..., "Tensor | None"]


def _densities(subject: ModelSubject, density: Density, items: int, reason: str, seed: int = 0) -> Tensor:
    pairs = subject.pairs(items, seed=7)
    found = density(pairs.y, pairs.x, seed=seed)
    if found is None:
        skip(reason)
    assert found is not None
    return found


def _one_number_an_item(subject: ModelSubject, density: Density, name: str, reason: str) -> None:
    found = _densities(subject, density, 5, reason)
    require(tuple(found.shape) == (5,), f"{name} of 5 pairs has shape {tuple(found.shape)}; it must be (5,)")
    require(torch.isfinite(found).all(), f"{name} is not finite")


def _follows_its_seed(subject: ModelSubject, density: Density, name: str, reason: str) -> None:
    found = []
    for other in (1, 2):
        stir(other)
        with untouched(name):
            found.append(_densities(subject, density, 5, reason, seed=3))
    require(same_bits(*found), f"{name} of one seed differs from call to call; draw from noise of the seed alone")
    pairs = subject.pairs(5, seed=7)
    alone = density(pairs.y[2:3], pairs.x[2:3], seed=3)
    assert alone is not None
    far = float((alone[0] - found[0][2]).abs())
    require(
        far <= 1e-3 * max(1.0, float(alone[0].abs())),
        f"{name} of one pair differs by {far:.2g} when others are in the batch",
    )


@contract("model", skips=(NO_LOG_PROB,))
def log_prob_is_one_number_an_item(subject: ModelSubject) -> None:
    """``log_prob(y, x)`` is (B,), finite, without a gradient."""
    _one_number_an_item(subject, subject.fitted.log_prob, "log_prob", NO_LOG_PROB)


@contract("model", skips=(NO_LOG_PROB,))
def log_prob_follows_its_seed_alone(subject: ModelSubject) -> None:
    """``log_prob`` is the same to the bit for one seed, whatever the global random state and the rest of the batch."""
    _follows_its_seed(subject, subject.fitted.log_prob, "log_prob", NO_LOG_PROB)


@contract("model", skips=(NO_LOG_PROB,))
def log_prob_is_lower_far_from_the_data(subject: ModelSubject) -> None:
    """``log_prob`` of a y far off all that was fitted to is lower than that of the true y."""
    _densities(subject, subject.fitted.log_prob, 5, NO_LOG_PROB)
    pairs = subject.pairs(5, seed=7)
    near, far = subject.fitted.log_prob(pairs.y, pairs.x), subject.fitted.log_prob(pairs.y + 1000, pairs.x)
    assert near is not None
    assert far is not None
    require(bool((near > far).all()), f"log_prob of the true y is {near.mean():.3g}, of y + 1000 it is {far.mean():.3g}")


@contract("model", skips=(NO_JOINT,))
def joint_log_prob_is_one_number_an_item(subject: ModelSubject) -> None:
    """``joint_log_prob(y, x)`` is (B,), finite, without a gradient."""
    _one_number_an_item(subject, subject.fitted.joint_log_prob, "joint_log_prob", NO_JOINT)


@contract("model", skips=(NO_JOINT,))
def joint_log_prob_follows_its_seed_alone(subject: ModelSubject) -> None:
    """``joint_log_prob`` is the same to the bit for one seed, whatever the global random state and the rest of the batch."""
    _follows_its_seed(subject, subject.fitted.joint_log_prob, "joint_log_prob", NO_JOINT)


@contract("model", skips=(NO_FEATURES,))
def features_are_one_vector_an_item(subject: ModelSubject) -> None:
    """``features(x)`` is (B, D), finite, and the same for one x alone and among others."""
    x = subject.x(5)
    with torch.no_grad():
        found = subject.fitted.features(x)
        if found is None:
            skip(NO_FEATURES)
        alone = subject.fitted.features(x[2:3])
    assert found is not None
    assert alone is not None
    require(found.ndim == 2 and len(found) == 5, f"features of 5 x have shape {tuple(found.shape)}; it must be (5, D)")
    require(torch.isfinite(found).all(), "features are not finite")
    require(torch.allclose(found[2], alone[0], atol=1e-4, rtol=1e-3), "features of one x differ when others are in the batch")


@contract("model", skips=(NO_RECONSTRUCTION,))
def reconstructions_have_the_shape_of_x(subject: ModelSubject) -> None:
    """``reconstruct(x)`` is (B, *x_shape), finite."""
    x = subject.x(5)
    with torch.no_grad():
        found = subject.fitted.reconstruct(x)
    if found is None:
        skip(NO_RECONSTRUCTION)
    assert found is not None
    require(found.shape == x.shape, f"a reconstruction has shape {tuple(found.shape)}; it must be {tuple(x.shape)}")
    require(torch.isfinite(found).all(), "reconstructions are not finite")
