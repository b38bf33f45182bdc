"""CPixel: what each value may see, its density, and that the fast sampler draws what the slow one draws."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step
from zoo_cpixel import PixelCNN
from zoo_cpixel.cached import CachedSampler
from zoo_cpixel.model import BLOCK
from zoo_cpixel.network import GatedStacks

SMALL = {
    "levels": 8,
    "features": 6,
    "layers": 3,
    "dilations": (1, 2),
    "kernels": (5, 3),
    "condition": 5,
    "hidden": 9,
    "batch_size": 8,
}


def pairs_of(items: int, x_shape: tuple[int, ...] = (1, 6, 6), y_shape: tuple[int, ...] = (1, 6, 6), seed: int = 0) -> Pairs:
    """Flat x, and y that is x lightened or darkened, each half of the time, with a little noise."""
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(items, x_shape[0], *(1 for _ in x_shape[1:]), generator=g).expand(-1, *x_shape)
    sign = torch.randint(0, 2, (items, 1, 1, 1), generator=g) * 2 - 1
    y = (
        0.5 * x.flatten(1).mean(1)[:, None, None, None].expand(-1, *y_shape)
        + 0.25
        + 0.2 * sign
        + 0.02 * torch.rand(items, *y_shape, generator=g)
    )
    return Pairs(x.contiguous(), y)


def shaken(model: PixelCNN, by: float = 2.0, seed: int = 0) -> PixelCNN:
    """The model with weights that make its softmaxes uneven, as if fitted."""
    g = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.data = by * torch.randn(p.shape, generator=g) / math.sqrt(max(1, p[0].numel()))
    model.fitted = True
    return model.eval()


@pytest.fixture(scope="module")
def fitted() -> PixelCNN:
    model = PixelCNN((1, 6, 6), (1, 6, 6), **{**SMALL, "learning_rate": 1e-2})
    model.fit(pairs_of(200), seed=0, device="cpu", steps=100, progress=False)
    return model


def reach(stacks: GatedStacks, y: Tensor, condition: Tensor) -> Tensor:
    """How the logits of every value depend on every value: (H W C, H W C) in the order of sampling, summed over levels."""
    inputs = y.clone().requires_grad_()
    logits = stacks(inputs, condition)
    weights = torch.randn(logits.shape[2], generator=torch.Generator().manual_seed(1)).double()
    said = (logits * weights[:, None, None]).sum(2)[0].permute(1, 2, 0).flatten()
    rows = [torch.autograd.grad(value, inputs, retain_graph=True)[0][0].permute(1, 2, 0).flatten() for value in said]
    return torch.stack(rows)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("dilations", [(1, 1, 1), (1, 2, 4)])
def test_every_value_sees_all_that_comes_before_it_and_nothing_else(channels: int, dilations: tuple[int, ...]) -> None:
    """Zero, exactly, where it must not look; nowhere zero before it: the field is covered, there is no blind spot."""
    shape = (channels, 5, 6)
    model = shaken(PixelCNN((1, 5, 6), shape, **{**SMALL, "layers": 4, "dilations": dilations, "features": 24, "hidden": 48}))
    g = torch.Generator().manual_seed(3)
    stacks, seen = model.stacks.double(), torch.zeros(30 * channels, 30 * channels).double()
    for _ in range(3):  # at one y alone, a pixel may have all its rectifiers shut
        y = torch.rand(1, *shape, generator=g).double() * 2 - 1
        seen += reach(stacks, y, torch.randn(1, 5, 5, 6, generator=g).double()).abs()
    before = torch.ones_like(seen).tril(-1).bool()
    assert (seen[~before] == 0).all()
    assert (seen[before] > 0).all()


def test_a_small_field_of_view_has_the_shape_it_should_have() -> None:
    """A first filter of 3 and one layer of 3: two rows up, and in them columns as far as the steps to the side allow."""
    model = shaken(PixelCNN((1, 9, 9), (1, 9, 9), **{**SMALL, "layers": 2, "kernels": (3, 3), "hidden": 32}))
    y = torch.rand(1, 1, 9, 9, generator=torch.Generator().manual_seed(0)).double()
    seen = reach(model.stacks.double(), y, torch.zeros(1, 5, 9, 9).double())[4 * 9 + 4].view(9, 9) != 0
    # One row up: two steps of the vertical stack to the right; to the left one more by the horizontal stack.
    want = torch.zeros(9, 9, dtype=torch.bool)
    want[4, 2:4] = True
    want[3, 2:7] = True
    want[2, 2:7] = True
    assert torch.equal(seen, want)


@pytest.mark.parametrize("channels", [1, 2])
def test_density_integrates_to_one_and_samples_follow_it(channels: int) -> None:
    shape = (channels, 2, 2)
    model = shaken(PixelCNN((1, 2, 2), shape, **{**SMALL, "levels": 3}))
    model.limits = torch.tensor([[-1.0, 2.0], [0.0, 30.0]])[:channels]
    x = torch.tensor([[[[0.2, 0.9], [0.4, 0.1]]]])
    fields = torch.cartesian_prod(*[torch.arange(3)] * (4 * channels)).view(-1, *shape)
    low, width = model.limits[:, 0, None, None], (model.limits[:, 1] - model.limits[:, 0])[:, None, None] / 3
    centre = low + (fields + 0.5) * width
    logs = model.log_prob(centre, x.expand(len(fields), -1, -1, -1))
    volume = width.prod().item() ** 4
    chance = logs.double().exp() * volume
    assert chance.sum().item() == pytest.approx(1, abs=1e-5)
    anywhere = low + (fields + torch.rand(fields.shape, generator=torch.Generator().manual_seed(0))) * width
    torch.testing.assert_close(model.log_prob(anywhere, x.expand(len(fields), -1, -1, -1)), logs)  # uniform within bins

    n = 20_000
    drawn = model.sample(x, n, seed=5)[0]
    level = ((drawn - low) / width).floor().long().flatten(1)
    number = (level * 3 ** torch.arange(level.shape[1] - 1, -1, -1)).sum(1)
    share = torch.bincount(number, minlength=len(fields)) / n
    # The expected total variation of n exact draws is at most half the sum of their standard deviations.
    bound = 0.5 * (chance * (1 - chance) / n).sqrt().sum()
    assert 0.5 * (share - chance).abs().sum() < 1.2 * bound
    assert chance.max() < 0.9
    assert bound < 0.15


def test_density_of_what_no_sample_can_be_is_zero(fitted: PixelCNN) -> None:
    pairs = pairs_of(3)
    y = pairs.y.clone()
    y[1, 0, 2, 2] = 7.0
    logs = fitted.log_prob(y, pairs.x)
    assert torch.isfinite(logs[[0, 2]]).all()
    assert logs[1] == -math.inf
    assert logs.shape == (3,)


@pytest.mark.parametrize(
    ("x_shape", "y_shape", "config"),
    [
        ((1, 6, 6), (1, 6, 6), {}),
        ((4,), (2, 5, 6), {}),
        ((3, 5, 7), (2, 5, 7), {"features": 7}),
        ((1, 7, 3), (3, 7, 3), {"layers": 6, "dilations": (1, 2, 4), "features": 8}),
        ((1, 1, 6), (1, 1, 6), {"kernels": (7, 5)}),
        ((1, 5, 5), (2, 5, 5), {"layers": 1}),
        ((2, 5, 1), (1, 5, 1), {"layers": 2, "dilations": (3,)}),
        ((1, 4, 4), (2, 4, 4), {"kernels": (3, 5), "within": "uniform", "temperature": 0.7}),
    ],
)
def test_remembered_activations_draw_what_the_whole_network_draws(
    x_shape: tuple[int, ...], y_shape: tuple[int, ...], config: dict
) -> None:
    model = PixelCNN(x_shape, y_shape, **{**SMALL, **config})
    pairs = pairs_of(40, x_shape, y_shape)
    model.fit(pairs, seed=0, device="cpu", steps=5, progress=False)
    shaken(model, 1.0)
    for x, n in ((pairs.x[:3], 4), (pairs.x[5:6], 33)):
        fast = model.sample(x, n, seed=2)
        assert torch.equal(fast, model.sample_naive(x, n, seed=2))
        assert fast.std(1).max() > 0


def test_loss_is_the_density(fitted: PixelCNN) -> None:
    pairs = pairs_of(16, seed=4)
    pairs = Pairs(pairs.x, pairs.y.clamp(*fitted.limits[0].tolist()))
    loss = fitted.losses(Batch(pairs.x, pairs.y), Step(3, 10, torch.Generator()))["total"]
    span = (fitted.limits[0, 1] - fitted.limits[0, 0]).item()
    want = -fitted.log_prob(pairs.y, pairs.x).mean() / 36 - math.log(span / 8)
    torch.testing.assert_close(loss, want, atol=1e-4, rtol=1e-4)


def test_samples_of_one_x_do_not_depend_on_the_batch_to_the_bit(fitted: PixelCNN) -> None:
    x = torch.rand(7, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    whole = fitted.sample(x, 90, seed=1)  # blocks of two x, the last of one
    for i in (0, 3, 6):
        assert torch.equal(whole[i : i + 1], fitted.sample(x[i : i + 1], 90, seed=1))
    assert torch.equal(whole, fitted.sample(x.flip(0), 90, seed=1).flip(0))


def test_far_corners_of_x_have_a_say() -> None:
    """The map at one end of a wide field knows the other end."""
    model = shaken(PixelCNN((1, 8, 40), (1, 8, 40), **SMALL))
    x = torch.zeros(1, 1, 8, 40, requires_grad=True)
    model.map(x)[0, :, 0, 0].sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0, 7, 39] != 0


def test_more_samples_than_a_block_begin_with_those_of_one() -> None:
    model = shaken(PixelCNN((1, 3, 3), (1, 3, 3), **SMALL))
    x = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.sample(x, 1000, seed=0)[:, : BLOCK + 5], model.sample(x, BLOCK + 5, seed=0))


def test_memory_of_a_block_is_what_is_reckoned_with_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors of one sampler are as large as ``bytes`` says, and no call makes one of more rows than a block."""
    stacks = PixelCNN((1, 32, 32), (1, 32, 32)).stacks.double()
    sampler = CachedSampler(stacks, (32, 32), 4, 16)
    held = [v for v in vars(sampler).values() if isinstance(v, Tensor) and v.numel() > 64 * 32] + sampler.above
    assert sum(t.numel() * t.element_size() for t in held) == pytest.approx(sampler.bytes, rel=0.05)
    assert sampler.bytes == 64 * CachedSampler(stacks, (32, 32), 1, 1).bytes < 200e6 * 64 / BLOCK

    blocks = []
    monkeypatch.setattr(
        CachedSampler, "__call__", lambda self, _, u: blocks.append(u.shape[:2]) or u.new_zeros(*u.shape[:2], 1, 8, 8)
    )
    model = shaken(PixelCNN((1, 8, 8), (1, 8, 8), **SMALL))
    x = torch.zeros(3, 1, 8, 8)
    model.sample(x, 1000, seed=0)
    model.sample(x, 100, seed=0)
    assert max(a * b for a, b in blocks) <= BLOCK
    assert sum(a * b for a, b in blocks) == 3300


def test_limits_are_those_of_each_channel_with_its_crops() -> None:
    x, y = torch.zeros(4, 3, 6, 6), torch.zeros(4, 2, 6, 6)
    y[0, 0, 0, 0], y[1, 1, 1, 1], y[2, 1, 2, 2] = 5.0, -40.0, 20.0
    wide = torch.zeros(4, 2, 8, 8).half()
    wide[3, 0, 3, 3] = -2.0
    model = PixelCNN((3, 6, 6), (2, 6, 6), **SMALL)
    model.fit(Pairs(x, y, wide=(torch.zeros(4, 3, 8, 8), wide)), seed=0, device="cpu", steps=2, progress=False)
    assert torch.equal(model.limits, torch.tensor([[-2.0, 5.0], [-40.0, 20.0]]))
    samples = model.sample(x[:1], 50, seed=0)[0]
    assert -2 < samples[:, 0].min() < samples[:, 0].max() < 5  # after two steps every level is still about as likely
    assert -40 < samples[:, 1].min() < -20
    assert 5 < samples[:, 1].max() < 20


def test_a_lower_temperature_keeps_closer_to_the_likeliest() -> None:
    warm, cold = (shaken(PixelCNN((1, 4, 4), (1, 4, 4), **SMALL, temperature=t)) for t in (1.0, 0.2))
    x = torch.full((1, 1, 4, 4), 0.3)
    few = cold.sample(x, 100, seed=0)
    assert few.std(1).mean() < 0.8 * warm.sample(x, 100, seed=0).std(1).mean()
    y, each = few[0], x.expand(100, -1, -1, -1)
    assert cold.log_prob(y, each).mean() > warm.log_prob(y, each).mean() + 1, "the density is that of its samples"


def test_samples_lie_where_in_their_bins_the_setting_says() -> None:
    centre, uniform = (shaken(PixelCNN((1, 4, 4), (1, 4, 4), **SMALL, within=w)) for w in ("centre", "uniform"))
    x = torch.full((1, 1, 4, 4), 0.3)
    a, b = (8 * model.sample(x, 300, seed=0) for model in (centre, uniform))
    assert ((a - 0.5) % 1 == 0).all()
    assert torch.equal(a.floor(), b.floor())
    assert (b % 1).mean().item() == pytest.approx(0.5, abs=0.03)
    assert (b % 1).std().item() == pytest.approx(12**-0.5, abs=0.02)
