"""cGML: both branches of the paper's toy, what the momentum is for, and what a training step does."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step
from zoo.testing.subjects.model import fields
from zoo.utils.noise import Noise
from zoo_cgml import CGML

SMALL = {"width": 8, "predictor_width": 16, "latent_steps": 3, "inference_steps": 5, "batch_size": 8}


def branch(x: Tensor) -> Tensor:
    """The upper branch of y = +-4 (x, x^2, x^3) (section 4), (N, 3)."""
    return 4 * torch.cat([x, x**2, x**3], 1)


def toy(items: int, seed: int) -> Pairs:
    g = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(items, 1, generator=g) - 1
    sign = torch.randint(0, 2, (items, 1), generator=g) * 2 - 1
    return Pairs(x, sign * branch(x))


@cache
def fitted(rho: bool) -> CGML:
    model = CGML((1,), (3,), width=64, batch_size=128, steps=400, latent_steps=10, learning_rate=4e-3, rho=rho)
    model.fit(toy(4000, 0), seed=0, device="cpu", progress=False)
    return model


@pytest.mark.parametrize("rho", [True, False])
def test_both_branches_are_found(rho: bool) -> None:
    """95 % of the samples lie within 0.5 of a branch, and each branch has a fifth of them where they lie apart."""
    x = torch.linspace(-1, 1, 41)[:, None]
    samples = fitted(rho).sample(x, 200, seed=0)
    up, down = ((samples - sign * branch(x)[:, None]).norm(dim=2) for sign in (1, -1))
    near = torch.minimum(up, down) < 0.5
    assert near.float().mean() > 0.95
    apart = x[:, 0].abs() > 0.3
    for one, other in ((up, down), (down, up)):
        assert ((one < other) & near).float().mean(1)[apart].min() > 0.2


def test_momentum_drives_the_phantom_out() -> None:
    """Figure 3: without rho some samples stay half way between the branches, where expected moves cancel; with rho none do."""
    x = torch.cat([torch.linspace(-1, -0.3, 20), torch.linspace(0.3, 1, 20)])[:, None]
    between = {}
    for rho in (True, False):
        samples = fitted(rho).sample(x, 200, seed=0)
        between[rho] = (samples.norm(dim=2) < 0.5 * branch(x).norm(dim=1)[:, None]).float().mean()
    assert between[True] < 0.002
    assert between[False] > 3 * between[True] + 0.003


def test_z_travels_from_where_it_was_drawn_to_where_the_cost_is_low() -> None:
    """Along the predicted way the error about the nearer branch falls, and it is far from the best at the start."""
    model, x = fitted(True), torch.linspace(0.4, 1, 16)[:, None]
    with torch.no_grad():
        code = model.encode(x)
        start = F.normalize(Noise(x, 0).normal(50, model.latent), dim=2).flatten(0, 1)
        way = model.travel(code, 50, start)
        errors = []
        for z in way:
            y = model.generate(code, 50, z).unflatten(0, (-1, 50))
            errors.append(torch.minimum(*((y - sign * branch(x)[:, None]).norm(dim=2) for sign in (1, -1))).mean())
    assert len(way) == model.config.inference_steps + 1
    assert all(torch.allclose(z.norm(dim=1), torch.ones(len(z))) for z in way)
    assert errors[-1] < 0.5 * errors[0]
    assert errors[10] < errors[1]


def test_uncertainty_grows_away_from_the_data() -> None:
    """Figure 22: fitted on [0, 0.5], the deviation under a shaken z is larger where x was never seen."""
    pairs = toy(4000, 1)
    pairs = Pairs(pairs.x.abs() / 2, pairs.y.sign().prod(1, keepdim=True) * branch(pairs.x.abs() / 2))
    model = CGML((1,), (3,), width=64, batch_size=128, steps=120, latent_steps=5, learning_rate=4e-3)
    model.fit(pairs, seed=0, device="cpu", progress=False)
    x = torch.tensor([[0.1], [0.25], [0.4], [1.2], [1.35], [1.5]])
    shown = model.uncertainty(x, seed=0)
    assert shown.shape == (6, 3)
    assert shown.min() >= 0
    assert shown[3:].mean() > 1.5 * shown[:3].mean()
    assert torch.equal(shown, model.uncertainty(x, seed=0))


def test_moves_of_z_lower_the_cost_of_their_own_pair() -> None:
    model, pairs = fitted(True), toy(64, 3)
    x, y = model.inner_x(pairs.x), model.true_y(pairs.y)
    start = z = F.normalize(torch.randn(len(x), model.latent, generator=torch.Generator().manual_seed(0)), dim=1)
    with torch.no_grad():
        h = model.h(x)
        for _ in range(model.config.latent_steps):
            z = model._moved(z, h, None, y)
        cost = [(model.inner_y(h, code) - y).abs().mean(1) for code in (start, z)]
    far = cost[0] > 0.1  # a pair that is at its least already has nowhere to fall, and may be stepped past
    assert far.float().mean() > 0.7
    assert (cost[1] <= cost[0] + 1e-3)[far].float().mean() > 0.95
    assert cost[1].mean() < 0.2 * cost[0].mean()


def test_each_move_of_z_is_a_turn_of_the_predictor_and_changes_no_other_network() -> None:
    """Algorithm 1: the predictor learns with encoder and generator frozen, and these, once, with the predictor frozen."""
    model, pairs = CGML((1, 16, 16), (1, 16, 16), **SMALL), fields(16, (1, 16, 16), (1, 16, 16))
    model.fit(pairs, seed=0, device="cpu", progress=False, steps=1)
    model.train()
    statistics = {name: value.clone() for name, value in model.named_buffers()}
    own, order = {"predictor": ("z.",), "generator": ("h.", "g.")}, []
    for turn, losses in model.turns(Batch(pairs.x, pairs.y), Step(0, 2, torch.Generator().manual_seed(0))):
        order.append(turn)
        model.zero_grad()
        losses["total"].backward()
        reached = {name for name, value in model.named_parameters() if value.grad is not None}
        assert reached == {name for name, _ in model.named_parameters() if name.startswith(own[turn])}
        if turn == "predictor":
            assert all(torch.equal(value, statistics[name]) for name, value in model.named_buffers())
    assert order == ["predictor"] * 3 + ["generator"]


def test_the_predictor_learns_from_h_as_it_is_when_samples_are_drawn_and_from_it_with_noise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Batch statistics would show it another h; the noise of the Lipschitz penalty is on h itself (appendix 2.4)."""
    model, pairs = CGML((1, 16, 16), (1, 16, 16), **SMALL, noise=0.25), fields(16, (1, 16, 16), (1, 16, 16))
    model.fit(pairs, seed=0, device="cpu", progress=False, steps=1)
    with torch.no_grad():
        h = model.eval().encode(pairs.x)[-1]
    seen, condition = [], model.z.condition
    monkeypatch.setattr(model.z, "condition", lambda features: (seen.append(features[-1]), condition(features))[1])
    turns = model.train().turns(Batch(pairs.x, pairs.y), Step(0, 2, torch.Generator().manual_seed(0)))
    assert next(turns)[0] == "predictor"
    clean, noisy = seen
    torch.testing.assert_close(clean, h)
    assert (noisy - h).std().item() == pytest.approx(0.25, rel=0.1)
    assert model.h.training
    held, before = model.eval(), [value.clone() for value in model.h.buffers()]
    for _ in held.turns(Batch(pairs.x, pairs.y), Step(0, 2, torch.Generator().manual_seed(0))):
        assert not held.h.training, "a fit is validated by turns of a model that is not trained"
    assert all(torch.equal(one, other) for one, other in zip(before, held.h.buffers(), strict=True))


@pytest.mark.parametrize(("side", "latent"), [(32, 10), (64, 16), (128, 32), (256, 64)])
def test_sizes_of_the_paper_come_from_one_definition(side: int, latent: int) -> None:
    model = CGML((1, side, side), (2, side, side), width=4)
    assert model.latent == latent
    x = torch.rand(2, 1, side, side)
    for _, losses in model.train().turns(Batch(x, torch.rand(2, 2, side, side)), Step(0, 1, torch.Generator())):
        assert torch.isfinite(losses["total"])
    assert model.h.bottleneck[1:] == (4, 4)


def test_z_says_as_much_as_the_bottleneck_before_anything_is_learnt() -> None:
    g = torch.Generator().manual_seed(0)
    model = CGML((1, 32, 32), (1, 32, 32), width=16).eval()
    with torch.no_grad():
        *finer, _ = model.encode(torch.rand(1, 1, 32, 32, generator=g).expand(64, -1, -1, -1))
        h = torch.randn(64, *model.h.bottleneck, generator=g)
        z = F.normalize(torch.randn(64, model.latent, generator=g), dim=1)
        by_z = model.inner_y([*finer, h[:1].expand_as(h)], z).std(0).mean()
        by_h = model.inner_y([*finer, h], z[:1].expand_as(z)).std(0).mean()
    assert 0.5 < by_z / by_h < 2
