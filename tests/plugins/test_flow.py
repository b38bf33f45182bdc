"""A rectified flow and an engression: the parts against what is known of them, a small world of two modes, and the cost."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import pytest
import torch
from torch import Tensor

from zoo import Pairs, RequestError
from zoo.testing.subjects.model import fields
from zoo_flow import Engression, Flow
from zoo_flow.engression import distance, energy_terms
from zoo_flow.network import places
from zoo_flow.solver import decided_at, log_density, scales, solve, times

SMALL = {"widths": (8, 8), "embedding": 16, "solver_steps": 3}
TURN = torch.tensor([[0.3, -0.8], [0.5, 0.2]])


def turned(y: Tensor, t: Tensor) -> Tensor:
    """A velocity that is linear in y: what it makes of y is known."""
    return y @ TURN.T


def test_vectors_are_drawn_as_widely_as_they_are() -> None:
    """Of normal y the velocity is known, and leads noise of deviation 1 to y of deviation 1."""
    model = Flow((2,), (2,))
    drawn = solve(lambda y, t: scales(t, y)[1] * y, torch.ones(1, 2), model.solver_steps, model.shift, 1.0)
    assert drawn.min() > 0.98, "with the times of fields it was 0.81"


def test_what_many_places_have_in_common_is_decided_early_and_training_looks_there() -> None:
    random = torch.Generator().manual_seed(0)
    own = torch.randn(4000, 2, 4, 4, generator=random)
    common = torch.randn(4000, 1, 1, 1, generator=random).expand(-1, 2, 4, 4)
    assert decided_at(own) == pytest.approx(0.0, abs=0.03), "each number is on its own"
    assert decided_at(common) == pytest.approx(-0.5 * math.log(32), abs=0.1), "all of them are one"
    half = (own + common) / math.sqrt(2)
    assert decided_at(common) < decided_at(half) < decided_at(own)
    assert (decided_at(own[:50]), decided_at(torch.zeros(9, 2, 4, 4))) == (pytest.approx(-0.2, abs=0.2), 0.0)
    means = []
    for y in (own[:64, :1].repeat(1, 1, 2, 2), common[:64, :1].repeat(1, 1, 2, 2)):
        model = Flow((1, 8, 8), (1, 8, 8), **SMALL)
        model.prepare(Pairs(y, y), 0)
        means.append(model.times[0])
    assert means[1] < means[0] - 1
    model = Flow((1, 8, 8), (1, 8, 8), **SMALL, time_mean=-1.0)
    model.prepare(Pairs(y, y), 0)
    assert model.times == (-1.0, 1.0)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_the_solver_follows_a_linear_velocity(shift: float) -> None:
    """And its error falls with the square of the number of steps, or about."""
    start = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    right = start @ torch.matrix_exp(TURN).T
    few, many = ((solve(turned, start, n, shift, 1.0) - right).abs().max() for n in (8, 32))
    assert many < few / 4
    assert many < 1e-2


@pytest.mark.parametrize("temperature", [1.0, 0.8])
def test_the_density_of_a_linear_velocity_is_that_of_a_gaussian(temperature: float) -> None:
    y = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    back = y @ torch.matrix_exp(-TURN).T
    right = -0.5 * (back / temperature).square().sum(1) - math.log(2 * math.pi * temperature**2) - TURN.trace()
    exact = math.sqrt(2) * torch.eye(2).expand(6, -1, -1)
    torch.testing.assert_close(log_density(turned, y, exact, 16, temperature), right, atol=2e-3, rtol=0)
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0]]).expand(6, -1, -1)  # all there are, up to their sign
    torch.testing.assert_close(log_density(turned, y, signs, 16, temperature), right, atol=2e-3, rtol=0)


def test_times_are_closer_where_there_is_more_noise() -> None:
    even, shifted = (times(4, shift, 0.5, torch.device("cpu")) for shift in (1.0, 3.0))
    torch.testing.assert_close(even, torch.tensor([0, 0.125, 0.25, 0.375, 0.5]))
    assert (shifted[0], shifted[-1]) == (0, 0.5)
    assert shifted.diff().diff().min() > 0


@pytest.fixture(scope="module")
def points() -> Pairs:
    """Points around (2, 1) or (-2, -1): the first three times of four where x is 1, one of four where it is 0."""
    g = torch.Generator().manual_seed(0)
    x = torch.randint(0, 2, (4000, 1), generator=g).float()
    up = torch.rand(4000, 1, generator=g) < torch.where(x > 0, 0.75, 0.25)
    y = torch.where(up, 1.0, -1.0) * torch.tensor([2.0, 1.0]) + 0.3 * torch.randn(4000, 2, generator=g)
    return Pairs(x, y)


@pytest.fixture(scope="module")
def two_modes(points: Pairs) -> Flow:
    model = Flow((1,), (2,), embedding=32, steps=250, batch_size=128, learning_rate=1e-2, ema=0.98)
    model.fit(points, seed=0, device="cpu", progress=False)
    return model


def test_two_modes_are_recovered(two_modes: Flow) -> None:
    """Both, as often as they are, as wide as they are, and little between them."""
    drawn = two_modes.sample(torch.tensor([[1.0], [0.0]]), 500, seed=0)
    up = drawn[..., 0] > 0
    torch.testing.assert_close(up.float().mean(1), torch.tensor([0.75, 0.25]), atol=0.08, rtol=0)
    far = (drawn - torch.where(up, 1.0, -1.0)[..., None] * torch.tensor([2.0, 1.0])).norm(dim=-1)
    assert (far < 1).float().mean() > 0.9
    assert 0.2 < drawn[0][up[0]].std(0).mean() < 0.45


def test_its_density_integrates_to_one_and_knows_the_weights(two_modes: Flow) -> None:
    across, along = torch.arange(-4, 4, 0.2), torch.arange(-3, 3, 0.2)
    grid = torch.cartesian_prod(across, along)
    density = two_modes.log_prob(grid, torch.ones(len(grid), 1)).exp() * 0.2**2
    assert density.sum() == pytest.approx(1, abs=0.03)
    assert density[grid @ torch.tensor([2.0, 1.0]) > 0].sum() == pytest.approx(0.75, abs=0.08)


def test_the_temperature_is_that_of_the_noise(two_modes: Flow) -> None:
    cool = Flow((1,), (2,), **(asdict(two_modes.config) | {"temperature": 0.5}))
    cool.load_state_dict(two_modes.state_dict())
    code, noise = cool.encode(torch.ones(50, 1)), torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(cool.make(code, noise), two_modes.make(code, noise / 2))


def test_two_modes_are_recovered_in_one_pass(points: Pairs) -> None:
    model = Engression((1,), (2,), embedding=32, codes=4, steps=250, batch_size=128, learning_rate=1e-2, ema=0.98)
    model.fit(points, seed=0, device="cpu", progress=False)
    drawn = model.sample(torch.tensor([[1.0], [0.0]]), 500, seed=0)
    up = drawn[..., 0] > 0
    torch.testing.assert_close(up.float().mean(1), torch.tensor([0.75, 0.25]), atol=0.1, rtol=0)
    far = (drawn - torch.where(up, 1.0, -1.0)[..., None] * torch.tensor([2.0, 1.0])).norm(dim=-1)
    assert (far < 1).float().mean() > 0.85
    model.config = replace(model.config, temperature=0.0)
    assert model.sample(torch.ones(1, 1), 5, seed=0).std(1).max() < 1e-5


@pytest.mark.parametrize("shape", [(4,), (1, 8, 8)])
def test_the_energy_score_is_least_where_draws_are_as_wide_as_the_truth(shape: tuple[int, ...]) -> None:
    g = torch.Generator().manual_seed(0)
    y, drawn = torch.randn(400, *shape, generator=g), torch.randn(400, 4, *shape, generator=g)
    scores = []
    for width in (0.5, 1.0, 1.5):
        error, spread = energy_terms(width * drawn, y)
        scores.append(error - spread / 2)
    assert scores[1] < min(scores[0], scores[2])


def test_the_distance_of_fields_sees_tiles_of_all_sizes() -> None:
    """One quarter of a field is off by 1: half of it in the root over the whole field, a quarter on smaller tiles."""
    off = torch.zeros(1, 1, 1, 16, 16)
    off[..., :8, :8] = 1
    assert distance(off).item() == pytest.approx((0.5 + 0.25 + 0.25) / 3, abs=2e-3)
    assert distance(torch.ones(3, 2, 2, 9, 9)).item() == pytest.approx(1, abs=1e-3)


@pytest.fixture(scope="module")
def fitted() -> Flow:
    model, pairs = Flow((1, 16, 16), (1, 16, 16), **SMALL), fields(80, (1, 16, 16), (1, 16, 16))
    model.fit(pairs, seed=0, device="cpu", progress=False, steps=30, batch_size=32)
    return model


def test_x_is_seen_once_and_more_samples_begin_with_the_same(fitted: Flow) -> None:
    x, calls = fields(2, (1, 16, 16), (1, 16, 16), seed=3).x, []
    hook = fitted.context.register_forward_hook(lambda *_: calls.append(1))
    many = fitted.sample(x, 130, seed=0)
    hook.remove()
    assert len(calls) == 1
    torch.testing.assert_close(many[:, :64], fitted.sample(x, 64, seed=0))


def test_without_detail_there_is_the_mean_alone(fitted: Flow) -> None:
    x, whole = fields(2, (1, 16, 16), (1, 16, 16), seed=3).x, fitted.config
    spread = []
    for detail in (0.0, 0.5, 1.0):
        fitted.config = replace(whole, detail=detail)
        spread.append(fitted.sample(x, 20, seed=0).var(1).mean().item())
    fitted.config = whole
    assert spread[0] < 0.5 * min(spread[1:])


def test_a_large_field_has_as_many_places_as_a_middling_one() -> None:
    assert [places(side, 2) for side in (8, 32)] == [(2, [4]), (2, [16, 8, 4])]
    assert [places(side, 2) for side in (64, 256, 72)] == [(2, [32, 16, 8, 4]), (8, [32, 16, 8, 4]), (4, [18, 9])]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"widths": ()}, "widths is"),
        ({"patch": 3}, "patch is 3; it must be 1, 2, 4 or 8"),
        ({"detail": 1.5}, "detail is 1.5; it must be from 0 to 1"),
        ({"shift": 0.0}, "above 0"),
        ({"solver_steps": 0}, "at least 1"),
        ({"time_mean": float("nan")}, "time_mean is nan"),
    ],
)
def test_settings_that_are_refused(config: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Flow((1, 16, 16), (1, 16, 16), **config)


def test_shapes_that_are_refused() -> None:
    for x_shape, y_shape in [
        ((1, 16, 16), (1, 16, 24)),
        ((1, 32, 32), (1, 16, 16)),
        ((3,), (1, 8, 8, 8)),
        ((3,), (1, 12, 12)),
    ]:
        with pytest.raises(RequestError, match="square fields"):
            Flow(x_shape, y_shape)
