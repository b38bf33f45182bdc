"""CGAN: its game, its embeddings, what it learns, and what it must never do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step
from zoo.testing.subjects.model import fields
from zoo.utils.errors import RequestError, ZooError
from zoo_cgan import CGAN
from zoo_cgan.embedding import Embedding, principal_components
from zoo_networks.dcgan import steepness
from zoo_networks.lpp import lpp

SMALL: dict[str, object] = {
    "codes": 4,
    "embedding_size": 3,
    "width": 4,
    "learning_rate": 2e-3,
    "batch_size": 32,
    "penalty": 10.0,
    "penalty_every": 4,
}
FIELD = (1, 8, 8)
TIMM = "timm:test_resnet"


def two_levels(items: int, seed: int = 0) -> Pairs:
    """y is 10 or -10 everywhere, whatever x is; but twice as far from 0 where x is bright."""
    g = torch.Generator().manual_seed(seed)
    bright = torch.rand(items, generator=g) < 0.5
    sign = torch.randint(0, 2, (items,), generator=g) * 2 - 1
    x = torch.where(bright, 0.8, 0.2) + 0.05 * torch.randn(items, generator=g)
    y = sign * torch.where(bright, 20.0, 10.0) + torch.randn(items, generator=g)
    return Pairs(*(v.view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous() for v in (x, y)))


def small(**config: object) -> CGAN:
    return CGAN(FIELD, FIELD, **{**SMALL, **config})


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """timm gives its untrained weights where pretrained ones are asked for; what was asked for is on the list."""
    asked: list[bool] = []
    make = timm.create_model

    def create(name: str, pretrained: bool = False, **more: Any) -> Any:
        asked.append(pretrained)
        return make(name, pretrained=False, **more)

    monkeypatch.setattr(timm, "create_model", create)
    return asked


def test_the_penalty_is_the_squared_gradient_of_the_score() -> None:
    """Checked by finite differences, pixel by pixel; and it can be trained on."""
    g, step = torch.Generator().manual_seed(0), 1e-4
    with torch.random.fork_rng():
        torch.manual_seed(0)  # whatever weights other tests left it with, a rectifier's kink may lie within the step
        model = small().double()
    field, embedding = torch.randn(3, 1, 8, 8, generator=g).double(), torch.randn(3, 3, generator=g).double()
    steep = steepness(model.discriminator, field, embedding)
    nudges = step * torch.eye(64).double().view(64, 1, 1, 8, 8)
    for i in range(3):
        many = embedding[i].expand(64, 3)
        up, down = (model.discriminator(field[i] + sign * nudges[:, 0], many) for sign in (1, -1))
        assert steep[i].item() == pytest.approx(((up - down) / (2 * step)).square().sum().item(), rel=0.01)
    steep.sum().backward()
    assert model.discriminator.tower.layers[2].weight.grad.abs().sum() > 0


def test_the_penalty_comes_every_few_steps_and_weighs_that_much_more() -> None:
    model, pairs = small(penalty=3.0, penalty_every=5), fields(32, FIELD, FIELD)
    model.prepare(pairs, 0)

    def total(index: int) -> float:
        step = Step(index, 100, torch.Generator().manual_seed(0))
        _, losses = next(model.turns(Batch(pairs.x, pairs.y), step))
        return losses["total"].item()

    real = (pairs.y - model.mean) / model.scale
    embedding = model.embedding(pairs.x)
    code = 2 * torch.rand(32, 4, generator=torch.Generator().manual_seed(0)) - 1
    r1 = steepness(model.discriminator, real, embedding).mean()
    r2 = steepness(model.discriminator, model.generator(code, embedding), embedding).mean()
    assert total(1) == total(4) == total(6)
    assert total(5) - total(4) == pytest.approx(5 * 3.0 / 2 * (r1 + r2).item(), rel=1e-3)


def test_two_modes_are_recovered() -> None:
    """A generator swings between modes while it learns; the average of its weights does not, if it goes back far enough."""
    model = small(width=8, ema=0.99, learning_rate=4e-3)
    model.fit(two_levels(2000), seed=0, device="cpu", steps=400, progress=False)
    at = torch.stack([torch.full((1, 8, 8), 0.8), torch.full((1, 8, 8), 0.2)])
    drawn = model.sample(at, 1000, seed=0).mean((2, 3, 4))
    up = (drawn > 0).float().mean(1)
    assert (up > 0.3).all()
    assert (up < 0.7).all()
    assert drawn[0].abs().median().item() == pytest.approx(20, abs=4)
    assert drawn[1].abs().median().item() == pytest.approx(10, abs=3)


def test_it_trains_in_bf16() -> None:
    model = small()
    history = model.fit(fields(64, FIELD, FIELD), seed=0, device="cpu", steps=9, precision="bf16", progress=False)
    assert {"discriminator.total", "discriminator.margin", "generator.total"} <= history.losses[-1].keys()
    assert torch.isfinite(model.sample(fields(2, FIELD, FIELD).x, 3, seed=0)).all()


def test_no_attribute_of_a_long_vector_is_lost() -> None:
    """The embedding of 40 attributes tells all of them, the rarest too, though of a picture 32 components are kept."""
    g = torch.Generator().manual_seed(0)
    x = (torch.rand(500, 40, generator=g) < torch.linspace(0.02, 0.5, 40)).float()
    model = CGAN((40,), (3, 8, 8), width=4)
    model.prepare(Pairs(x, torch.rand(500, 3, 8, 8, generator=g)), 0)
    assert model.features(x[:2]).shape == (2, 40)
    told = torch.linalg.lstsq(model.features(x), x - x.mean(0)).solution
    torch.testing.assert_close(model.features(x) @ told + x.mean(0), x, atol=0.25, rtol=0)  # but for the cut at 4 deviations
    assert CGAN((3, 8, 8), (3, 8, 8), width=4).generator.project.in_features == 64 + 32
    assert CGAN((40,), (3, 8, 8), width=4, embedding_size=8).generator.project.in_features == 64 + 8


def test_a_thousand_samples_differ_and_are_the_same_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pairs = small(), fields(64, FIELD, FIELD)
    model.fit(pairs, seed=0, device="cpu", steps=20, progress=False)
    many = model.sample(pairs.x[:1], 1000, seed=0)
    assert many.flatten(2).unique(dim=1).shape[1] == 1000
    monkeypatch.setattr(model.generator.decoder, "rows", 130)
    torch.testing.assert_close(model.sample(pairs.x[:1], 1000, seed=0), many, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("items", [30, 200])
def test_principal_components_are_those_of_sklearn(items: int) -> None:
    """Both ways round: fewer items than features, and more."""
    from sklearn.decomposition import PCA

    g = torch.Generator().manual_seed(0)
    features = torch.randn(items, 5, generator=g) @ torch.randn(5, 50, generator=g) + torch.rand(50, generator=g)
    mean, projection = principal_components(features, 8)
    e = (features - mean) @ projection
    want = torch.from_numpy(PCA(5, whiten=True).fit_transform(features.numpy())) * (items / (items - 1)) ** 0.5
    torch.testing.assert_close(e[:, :5].abs(), want.abs(), atol=1e-2, rtol=1e-2)
    assert not e[:, 5:].any()


def test_guidance_is_the_projection_of_lpp() -> None:
    x = fields(100, (1, 16, 16), FIELD).x
    embedding = Embedding("guidance", (1, 16, 16), 4)
    embedded = embedding.fit(x, seed=5)
    mean, projection = lpp([x.flatten(1).numpy()], 4, seed=5)
    torch.testing.assert_close(embedded, torch.from_numpy((x.flatten(1).numpy() - mean) @ projection), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(embedding(x), embedded)


def test_large_x_are_embedded_from_a_smaller_picture() -> None:
    model = CGAN((1, 64, 64), (1, 64, 64), **SMALL)
    model.embedding.fit(fields(40, (1, 64, 64), FIELD).x, 0)
    assert model.embedding.projection.shape == (32 * 32, 3)
    assert model.features(fields(2, (1, 64, 64), FIELD).x).shape == (2, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_backbone_of_timm_travels_with_the_checkpoint(channels: int, no_download: list[bool], tmp_path: Path) -> None:
    pairs = fields(24, (channels, 8, 8), FIELD)
    model = CGAN((channels, 8, 8), (1, 8, 8), **SMALL, embedding=TIMM)
    before = torch.random.get_rng_state()
    model.fit(pairs, seed=0, device="cpu", steps=3, progress=False)
    assert torch.equal(before, torch.random.get_rng_state())
    assert no_download == [True]
    assert model.features(pairs.x).std(0).min() > 0.5
    model.save(tmp_path / "saved", inference=True)
    again = CGAN.load(tmp_path / "saved")
    assert no_download[0]
    assert not any(no_download[1:]), "loading downloads nothing"
    torch.testing.assert_close(again.sample(pairs.x[:2], 3, seed=1), model.sample(pairs.x[:2], 3, seed=1))


def test_a_backbone_is_frozen_and_sees_normalised_pictures_of_its_own_size(no_download: list[bool]) -> None:
    model = CGAN((1, 8, 8), (1, 8, 8), **SMALL, embedding=TIMM)
    model.prepare(fields(16, FIELD, FIELD), 0)
    backbone = model.embedding.backbone
    assert backbone is not None
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    seen: list[torch.Tensor] = []
    backbone.net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.train()
    _, losses = next(model.turns(Batch(fields(16, FIELD, FIELD).x, fields(16, FIELD, FIELD).y), Step(0, 9, torch.Generator())))
    losses["total"].backward()
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())
    assert not any(p.requires_grad for p in backbone.parameters())
    known = timm.data.resolve_model_data_config(backbone.net)
    assert seen[0].shape == (16, *known["input_size"])
    back = seen[0] * torch.tensor(known["std"]).view(3, 1, 1) + torch.tensor(known["mean"]).view(3, 1, 1)
    torch.testing.assert_close(back[:, 0], back[:, 2])
    torch.testing.assert_close(back.mean((1, 2, 3)), fields(16, FIELD, FIELD).x.mean((1, 2, 3)), atol=0.02, rtol=0)


def test_the_embedding_is_found_once_where_x_is_not_cropped(no_download: list[bool]) -> None:
    pairs = fields(16, FIELD, FIELD)
    model = small(embedding=TIMM)
    model.prepare(pairs, 0)
    torch.testing.assert_close(model.known, model.embedding(pairs.x), atol=1e-4, rtol=1e-4)
    model.embedding.backbone = None
    batch = pairs.batch(torch.tensor([3, 1]))
    assert all(losses["total"].isfinite() for _, losses in model.turns(batch, Step(0, 9, torch.Generator())))


def test_weights_that_cannot_be_had_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise OSError("no route\nto host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(ZooError, match=r"'test_resnet' cannot be had \(OSError: no route to host\); .*pixels-pca") as caught:
        small(embedding=TIMM).fit(fields(8, FIELD, FIELD), seed=0, device="cpu", steps=1, progress=False)
    assert not isinstance(caught.value, RequestError)
    assert "\n" not in str(caught.value)
