"""LPIPS and PieAPP through packages that the test stands in for: their weights are not to be had everywhere."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zoo.contracts import make
from zoo.contracts.metric import Metric, NotApplicable
from zoo.measuring.evaluate import evaluate
from zoo.registry import names
from zoo.testing.subjects.metric import world

GREY, COLOUR = ((1, 16, 16), (1, 16, 24), "photo"), ((1, 16, 16), (3, 80, 96), "photo")


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
def test_the_id_names_the_weights_and_small_grey_pictures_are_enlarged(
    name: str, weights: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metric, fitted = stand_in(monkeypatch, name, Distance), world(*GREY)
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
    assert set(network.shapes) == {(4, 3, 64, 96)}
    if name == "lpips":
        assert network.given == {"net": "alex", "version": "0.1", "verbose": False}
        assert network.more == {"normalize": True}, "pictures are in [0, 1], its own are in [-1, 1]"
    else:
        assert network.given["reduction"] == "none"


def test_large_pictures_are_compared_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    metric, fitted = stand_in(monkeypatch, "lpips", Distance), world(*COLOUR)
    metric.prepare(fitted)
    metric(fitted.pairs.y[:2, None], fitted.pairs.y[:2], x=fitted.pairs.x[:2])
    assert {shape[1:] for shape in metric.network.shapes} == {(3, 80, 96)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["lpips", "pieapp"])
def test_without_the_package_or_the_weights_a_run_goes_on_and_says_why(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = world(*GREY)
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
    assert not costly & {"psnr", "ssim", "diversity", "colour_iou", "modes", "mse", "kl", "parameters", "error_of_best"}
