"""Metrics of pictures and modes, against figures computed in another way; LPIPS and PieAPP through stand-ins for packages."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.contracts import make
from zoo.contracts.metric import Fitted, Metric, NotApplicable
from zoo.measuring.evaluate import evaluate
from zoo.registry import names
from zoo.testing.subjects.metric import world
from zoo_metrics.modes import Modes
from zoo_metrics.pictures import PSNR, SSIM, ColourOverlap, Diversity, lab

G = torch.Generator().manual_seed(0)


def run(*y_shape: int) -> Fitted:
    return world((1, 16, 16), y_shape, "photo")


def seen(metric: Metric, *y_shape: int) -> Metric:
    metric.prepare(run(*y_shape))
    return metric


def measured(metric: Metric, samples: Tensor, y: Tensor, pool: Tensor | None = None) -> dict[str, list[float]]:
    found = metric(samples, y, x=torch.zeros(len(y), 1, 16, 16), pool=pool)
    return {suffix: value.tolist() for suffix, value in found.items()}


def by_loops(one: np.ndarray, other: np.ndarray) -> float:
    """Equation 13 of Wang et al. at every place of an 11 x 11 window, averaged."""
    at = np.arange(11) - 5
    w = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 1.5**2))
    w /= w.sum()
    found = []
    for i in range(one.shape[0] - 10):
        for j in range(one.shape[1] - 10):
            a, b = one[i : i + 11, j : j + 11], other[i : i + 11, j : j + 11]
            ma, mb = (w * a).sum(), (w * b).sum()
            va, vb, cov = (w * (a - ma) ** 2).sum(), (w * (b - mb) ** 2).sum(), (w * (a - ma) * (b - mb)).sum()
            found.append((2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    return float(np.mean(found))


@pytest.mark.parametrize("size", [(16, 16), (13, 20), (11, 11)])
def test_ssim_is_that_of_wang_et_al_window_by_window(size: tuple[int, int]) -> None:
    y = torch.rand(2, 3, *size, generator=G)
    samples = (
        y[:, None] + torch.tensor([0.0, 0.1, 0.5]).view(1, 3, 1, 1, 1) * torch.randn(2, 3, 3, *size, generator=G)
    ).clamp(0, 1)
    found = SSIM().likeness(samples, y)
    for b in range(2):
        for k in range(3):
            want = np.mean([by_loops(samples[b, k, c].double().numpy(), y[b, c].double().numpy()) for c in range(3)])
            assert found[b, k].item() == pytest.approx(want, abs=2e-6)
    assert found[:, 0].tolist() == pytest.approx([1, 1], abs=1e-6)


def test_ssim_takes_the_mean_and_the_best_and_needs_eleven_pixels() -> None:
    metric = seen(SSIM(), 1, 16, 16)
    y = torch.rand(1, 1, 16, 16, generator=G)
    samples = torch.stack([y, 1 - y], 1)
    found = measured(metric, samples, y)
    assert found["@best"] == pytest.approx([1], abs=1e-6)
    assert found[""][0] == pytest.approx((1 + SSIM().likeness(1 - y[:, None], y).item()) / 2, abs=1e-6)
    with pytest.raises(NotApplicable, match="11 pixels a side"):
        SSIM().prepare(run(1, 8, 16))


def test_psnr_in_decibels_and_its_cap() -> None:
    metric = seen(PSNR(), 1, 16, 16)
    y = torch.full((1, 1, 16, 16), 0.5)
    samples = torch.stack([y + 0.1, y - 0.01], 1)
    found = measured(metric, samples, y)
    assert found["@best"] == pytest.approx([40], abs=1e-3)
    assert found[""] == pytest.approx([30], abs=1e-3)
    assert measured(metric, y[:, None], y) == {"": [100], "@best": [100]}
    assert measured(metric, y[:, None] + 2, y)[""] == pytest.approx([10 * math.log10(4)], abs=1e-3), "pictures end at white"


def test_what_is_no_picture_has_no_likeness() -> None:
    for shape in ((2, 16, 16), (7,), (1, 4, 4, 4)):
        with pytest.raises(NotApplicable, match="no picture"):
            PSNR().prepare(run(*shape))


def test_diversity_is_the_papers_six_steps() -> None:
    metric = seen(Diversity(), 1, 16, 16)
    samples = torch.rand(2, 107, 1, 16, 16, generator=G) * torch.rand(2, 107, 1, 1, 1, generator=G)
    found = measured(metric, samples, samples[:, 0])[""]
    for b in range(2):
        spreads = []
        for repeat in range(5):
            drawn = samples[b, 20 * repeat : 20 * repeat + 20].double().numpy()
            means = drawn.reshape(20, -1).mean(1)
            ordinary = int(np.abs(means - means.mean()).argmin())
            far = sorted(range(20), key=lambda i: -abs(means[i] - means[ordinary]))[:10]
            spreads.append(drawn[far].std(0).mean())
        assert found[b] == pytest.approx(np.mean(spreads), rel=1e-4)
    few = measured(metric, samples[:, :2], samples[:, 0])[""][0]
    assert few == pytest.approx((samples[0, 0] - samples[0, 1]).abs().mean().item() / 2, rel=1e-4)


def test_diversity_of_y_that_is_no_picture_is_that_of_y() -> None:
    metric = seen(Diversity(), 4)
    samples = torch.tensor([-30.0, 30.0]).view(1, 2, 1).expand(1, 2, 4)
    assert measured(metric, samples, samples[:, 0])[""] == pytest.approx([30])


def test_lab_of_known_colours() -> None:
    colours = torch.tensor([[1.0, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5]])
    want = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.2], [87.73, -86.18, 83.18], [32.3, 79.19, -107.86], [53.39, 0, 0]]
    torch.testing.assert_close(lab(colours[:, :, None])[:, :, 0], torch.tensor(want), atol=0.02, rtol=0)


def test_colours_are_compared_wherever_they_are() -> None:
    metric = seen(ColourOverlap(), 3, 16, 16)
    red, green = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    red[:, 0], green[:, 1] = 1, 1
    half = torch.where(torch.arange(16) < 8, red, green)
    assert measured(metric, half.flip(-1)[:, None], half) == {"": [1], "@a": [1], "@b": [1]}
    both = torch.stack([red, green], 1)
    assert measured(metric, both, half)["@a"] == pytest.approx([1]), "all samples make one histogram"
    assert measured(metric, red[:, None], half)["@a"] == pytest.approx([0.5 / 1.5])
    assert measured(metric, red[:, None], green)["@a"] == [0]
    grey = torch.rand(1, 1, 16, 16, generator=G).expand(1, 3, 16, 16)
    assert measured(metric, grey[:, None], grey.flip(-1) * 0.5)[""] == pytest.approx([1]), "greys have one colour"
    with pytest.raises(NotApplicable, match="1 channel;"):
        ColourOverlap().prepare(run(1, 16, 16))


def test_modes_of_a_vector_lie_within_half_a_unit() -> None:
    pool = torch.tensor([[[4.0, 0, 0, 0], [-4.0, 0, 0, 0], [4.0, 0, 0, 0]]])
    metric = Modes()
    metric.prepare(replace(run(4), pairs=replace(run(4).pairs.subset(torch.tensor([0])), pool=pool, truth=None)))
    places = torch.tensor([4.4, 3.6, 4.6, 0.0, -4.0])
    samples = torch.cat([places[None, :, None], torch.zeros(1, 5, 3)], 2)
    found = measured(metric, samples, pool[:, 0], pool)
    assert found["@hit"] == pytest.approx([3 / 5])
    assert found["@least"] == pytest.approx([1 / 5])
    assert measured(metric, samples[:, :4], pool[:, 0], pool)["@reached"] == pytest.approx([1 / 2])


def test_modes_of_a_field_lie_within_half_the_distance_of_two_draws() -> None:
    metric = seen(Modes(), 1, 16, 16)
    pool = torch.stack([torch.full((1, 16, 16), level) for level in (0.2, 0.6, 0.2)])[None]
    samples = torch.stack([torch.full((1, 16, 16), level) for level in (0.25, 0.39, 0.95, 0.59)])[None]
    found = measured(metric, samples, pool[:, 0], pool)
    assert found["@hit"] == pytest.approx([3 / 4])
    assert found["@least"] == pytest.approx([1 / 4])
    assert found["@reached"] == [1]
    alone = measured(metric, samples, pool[:, 0], pool[:, :1])
    assert alone["@hit"] == alone["@least"] == pytest.approx([2 / 4]), "the radius of the other items"


def test_modes_are_few_and_more_than_one() -> None:
    one = run(4)
    for pool, words in (
        (None, "does not know the true answers"),
        (torch.rand(16, 9, 4, generator=G).repeat(1, 2, 1), "not known to be few"),
        (torch.rand(16, 6, 4, generator=G), "of 7 draws hardly any repeat"),
        (torch.ones(16, 3, 4), "single true answer"),
    ):
        with pytest.raises(NotApplicable, match=words):
            Modes().prepare(replace(one, pairs=replace(one.pairs, y=torch.ones(16, 4), pool=pool, truth=None)))


class Distance(nn.Module):
    """The mean absolute difference of pictures, and a record of what it was given."""

    def __init__(self, **given: Any) -> None:
        super().__init__()
        print("setting up")
        self.weight = nn.Parameter(torch.rand(3))  # draws from the global state, as the packages do
        self.given = given
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, pictures: Tensor, truth: Tensor, **more: Any) -> Tensor:
        self.more = more
        self.shapes.append(tuple(pictures.shape))
        assert 0 <= min(pictures.min(), truth.min()) <= max(pictures.max(), truth.max()) <= 1
        return (pictures - truth).abs().flatten(1).mean(1).view(-1, 1, 1, 1)


def broken(**given: Any) -> nn.Module:
    raise OSError("<urlopen error\nno network>")


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, network: Any) -> Metric:
    package = ModuleType({"lpips": "lpips", "pieapp": "piq"}[name])
    setattr(package, {"lpips": "LPIPS", "pieapp": "PieAPP"}[name], network)
    monkeypatch.setitem(sys.modules, package.__name__, package)
    return make.metric(name)


@pytest.mark.parametrize(("name", "weights"), [("lpips", "@alex-v0.1"), ("pieapp", "@v0.1")])
def test_the_id_names_the_weights_and_small_grey_pictures_alone_are_changed(
    name: str, weights: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metric, fitted = stand_in(monkeypatch, name, Distance), run(*((1, 16, 24) if name == "lpips" else (3, 80, 96)))
    before = torch.get_rng_state()
    metric.prepare(fitted)
    assert torch.equal(before, torch.get_rng_state())
    assert capsys.readouterr().out == ""
    y = fitted.pairs.y[:2].clamp(0, 0.5)
    found = metric(torch.stack([y, y + 0.2], 1), y, x=fitted.pairs.x[:2])
    assert list(found) == [weights, f"{weights}.best"]
    assert found[weights].tolist() == pytest.approx([0.1, 0.1], abs=1e-5)
    assert found[f"{weights}.best"].tolist() == pytest.approx([0, 0], abs=1e-5)
    network: Distance = metric.network  # type: ignore[attr-defined]
    assert not network.training
    assert set(network.shapes) == {(4, 3, 64, 96) if name == "lpips" else (4, 3, 80, 96)}
    if name == "lpips":
        assert network.given == {"net": "alex", "version": "0.1", "verbose": False}
        assert network.more == {"normalize": True}, "pictures are in [0, 1], its own are in [-1, 1]"
    else:
        assert network.given["reduction"] == "none"


@pytest.mark.parametrize("name", ["lpips", "pieapp"])
def test_without_the_package_or_the_weights_a_run_goes_on_and_says_why(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = run(1, 16, 24)
    metric = stand_in(monkeypatch, name, broken)
    found = evaluate(fitted.model, fitted.pairs, {name: metric}, 2, fitted=fitted)
    assert "cannot be had: OSError: <urlopen error no network>" in found.skipped[name]
    assert found.scores == {}
    monkeypatch.setitem(sys.modules, metric.package, None)  # type: ignore[attr-defined]
    with pytest.raises(NotApplicable, match=r"pip install 'cond-zoo\[perceptual\]'"):
        make.metric(name).prepare(fitted)


def test_a_plain_run_does_not_download_or_wait() -> None:
    costly = {name for name in names("metrics") if make.metric(name).opt_in}
    assert costly >= {"lpips", "pieapp", "downstream_accuracy", "attribute_accuracy", "shape_iou", "flops", "seconds"}
    assert costly >= {"feature_distance", "conditional_frechet"}
    assert not costly & {"psnr", "ssim", "diversity", "colour_iou", "modes", "mse", "kl", "parameters", "error_of_best"}
