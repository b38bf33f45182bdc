"""CGAN: its game, its embeddings, what it learns, and what it must never do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from zoo.data.pairs import Batch, Pairs
from zoo.fitting.recipe import Step, Turns
from zoo.utils.errors import RequestError, ZooError
from zoo_cgan import CGAN
from zoo_cgan.embedding import Embedding, principal_components
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
SHAPES = [((1, 16, 16), (1, 16, 16)), ((3, 16, 16), (2, 16, 16)), ((5,), (1, 8, 8))]
TURNS = ("discriminator", "generator")
TIMM = "timm:test_resnet"


def fields(items: int, size: int = 8, channels: int = 1, seed: int = 0) -> Pairs:
    """Smooth x around a level of their own; y is x lightened or darkened, each half of the time."""
    g = torch.Generator().manual_seed(seed)
    x = 0.3 * torch.nn.functional.interpolate(torch.rand(items, channels, 3, 3, generator=g), size=size, mode="bilinear")
    x = x + 0.7 * torch.rand(items, 1, 1, 1, generator=g)
    sign = torch.randint(0, 2, (items, 1, 1, 1), generator=g) * 2 - 1
    return Pairs(x, (0.5 * x[:, :1] + 0.25 + 0.2 * sign).clamp(0, 1))


def two_levels(items: int, seed: int = 0) -> Pairs:
    """y is 10 or -10 everywhere, whatever x is; but twice as far from 0 where x is bright."""
    g = torch.Generator().manual_seed(seed)
    bright = torch.rand(items, generator=g) < 0.5
    sign = torch.randint(0, 2, (items,), generator=g) * 2 - 1
    x = torch.where(bright, 0.8, 0.2) + 0.05 * torch.randn(items, generator=g)
    y = sign * torch.where(bright, 20.0, 10.0) + torch.randn(items, generator=g)
    return Pairs(*(v.view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous() for v in (x, y)))


def small(**config: object) -> CGAN:
    return CGAN((1, 8, 8), (1, 8, 8), **{**SMALL, **config})


@pytest.fixture(scope="module")
def fitted() -> CGAN:
    model = small()
    model.fit(fields(200), seed=0, device="cpu", steps=400, progress=False)
    return model


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


@pytest.mark.parametrize(("x_shape", "y_shape"), SHAPES)
def test_shapes_range_and_gradient(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> None:
    g = torch.Generator().manual_seed(0)
    pairs = Pairs(torch.rand(20, *x_shape, generator=g), 30 * torch.randn(20, *y_shape, generator=g))
    model = CGAN(x_shape, y_shape, **SMALL)
    model.fit(pairs, seed=0, device="cpu", steps=3, progress=False)
    drawn = model.sample(pairs.x[:3], 7, seed=0)
    assert drawn.shape == (3, 7, *y_shape)
    assert pairs.y.min() <= drawn.min() < 0 < drawn.max() <= pairs.y.max()
    assert model.features(pairs.x[:3]).shape == (3, 3)
    assert model.log_prob(pairs.y, pairs.x) is None
    optimizers = model.optimizers()
    assert tuple(optimizers) == TURNS
    assert {id(p) for o in optimizers.values() for s in o.param_groups for p in s["params"]} == {
        id(p) for p in model.parameters()
    }
    for turn, losses in model.turns(Batch(pairs.x, pairs.y), Step(1, 100, g)):
        model.zero_grad(set_to_none=True)
        losses["total"].backward()
        moved = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        assert moved == {n for n, _ in model.named_parameters() if n.startswith(turn)}


def test_the_penalty_is_the_squared_gradient_of_the_score() -> None:
    """Checked by finite differences, pixel by pixel; and it can be trained on."""
    g, step = torch.Generator().manual_seed(0), 1e-4
    with torch.random.fork_rng():
        torch.manual_seed(0)  # whatever weights other tests left it with, a rectifier's kink may lie within the step
        model = small().double()
    field, embedding = torch.randn(3, 1, 8, 8, generator=g).double(), torch.randn(3, 3, generator=g).double()
    steep = model._steepness(field, embedding)
    nudges = step * torch.eye(64).double().view(64, 1, 1, 8, 8)
    for i in range(3):
        many = embedding[i].expand(64, 3)
        up, down = (model.discriminator(field[i] + sign * nudges[:, 0], many) for sign in (1, -1))
        assert steep[i].item() == pytest.approx(((up - down) / (2 * step)).square().sum().item(), rel=0.01)
    steep.sum().backward()
    assert model.discriminator.tower.layers[2].weight.grad.abs().sum() > 0


def test_the_penalty_comes_every_few_steps_and_weighs_that_much_more() -> None:
    model, pairs = small(penalty=3.0, penalty_every=5), fields(32)
    model.prepare(pairs, 0)

    def total(index: int) -> float:
        step = Step(index, 100, torch.Generator().manual_seed(0))
        _, losses = next(model.turns(Batch(pairs.x, pairs.y), step))
        return losses["total"].item()

    real = (pairs.y - model.mean) / model.scale
    embedding = model.embedding(pairs.x)
    code = 2 * torch.rand(32, 4, generator=torch.Generator().manual_seed(0)) - 1
    r1 = model._steepness(real, embedding).mean()
    r2 = model._steepness(model.generator(code, embedding), embedding).mean()
    assert total(1) == total(4) == total(6)
    assert total(5) - total(4) == pytest.approx(5 * 3.0 / 2 * (r1 + r2).item(), rel=1e-3)


def test_two_modes_are_recovered() -> None:
    """A generator swings between modes while it learns; the average of its weights does not, if it goes back far enough."""
    model = small(width=8, ema=0.995)
    model.fit(two_levels(2000), seed=0, device="cpu", steps=800, progress=False)
    at = torch.stack([torch.full((1, 8, 8), 0.8), torch.full((1, 8, 8), 0.2)])
    drawn = model.sample(at, 1000, seed=0).mean((2, 3, 4))
    up = (drawn > 0).float().mean(1)
    assert (up > 0.3).all()
    assert (up < 0.7).all()
    assert drawn[0].abs().median().item() == pytest.approx(20, abs=4)
    assert drawn[1].abs().median().item() == pytest.approx(10, abs=3)


def test_it_trains_in_bf16() -> None:
    model = small()
    history = model.fit(fields(64), seed=0, device="cpu", steps=9, precision="bf16", progress=False)
    assert {"discriminator.total", "discriminator.margin", "generator.total"} <= history.losses[-1].keys()
    assert torch.isfinite(model.sample(fields(2).x, 3, seed=0)).all()


def test_a_stopped_fit_ends_in_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parts = small(), small()
    whole.fit(fields(64), seed=0, device="cpu", steps=10, progress=False)
    turns = CGAN.turns

    def stop(self: CGAN, batch: Batch, step: Step) -> Turns:
        if step.index == 7:
            raise KeyboardInterrupt
        return turns(self, batch, step)

    monkeypatch.setattr(CGAN, "turns", stop)
    with pytest.raises(KeyboardInterrupt):
        parts.fit(fields(64), seed=0, device="cpu", steps=10, progress=False, resume=tmp_path, save_seconds=0)
    monkeypatch.setattr(CGAN, "turns", turns)
    history = parts.fit(fields(64), seed=0, device="cpu", steps=10, progress=False, resume=tmp_path)
    assert history.resumed_at == 7
    x = fields(3).x
    assert torch.equal(whole.sample(x, 4, seed=0), parts.sample(x, 4, seed=0))


def test_samples_depend_on_x_and_spread(fitted: CGAN) -> None:
    x = torch.stack([torch.full((1, 8, 8), 0.1), torch.full((1, 8, 8), 0.9)])
    drawn = fitted.sample(x, 300, seed=0)
    assert drawn[1].mean() - drawn[0].mean() > 0.1
    assert drawn.std(1).mean() > 0.02


def attributes(items: int, seed: int = 0) -> Pairs:
    """One of three attributes, each with a colour of its own over the whole field, and a little noise."""
    g = torch.Generator().manual_seed(seed)
    x = torch.eye(3)[torch.randint(0, 3, (items,), generator=g)]
    return Pairs(x, (0.2 + 0.6 * x[:, :, None, None] + 0.03 * torch.randn(items, 3, 8, 8, generator=g)).clamp(0, 1))


def test_attributes_are_learnt_from_a_vector(tmp_path: Path) -> None:
    model = CGAN((3,), (3, 8, 8), **{**SMALL, "width": 8, "penalty": 1.0})
    model.name = "cgan"
    model.fit(attributes(200), seed=0, device="cpu", steps=400, progress=False)
    drawn = model.sample(torch.eye(3), 100, seed=0)
    torch.testing.assert_close(drawn.mean((1, 3, 4)), 0.2 + 0.6 * torch.eye(3), atol=0.12, rtol=0)
    model.save(tmp_path / "saved")
    assert torch.equal(CGAN.load(tmp_path / "saved").sample(torch.eye(3), 100, seed=0), drawn)


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


def test_one_sample_and_many_whatever_the_pieces(fitted: CGAN, monkeypatch: pytest.MonkeyPatch) -> None:
    x = fields(2).x
    assert fitted.sample(x, 1, seed=0).shape == (2, 1, 1, 8, 8)
    many = fitted.sample(x[:1], 1000, seed=0)
    assert many.flatten(2).unique(dim=1).shape[1] == 1000
    monkeypatch.setattr(fitted.generator.decoder, "rows", 130)
    torch.testing.assert_close(fitted.sample(x[:1], 1000, seed=0), many, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("embedding", ["pixels-pca", "guidance"])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_data_and_flat_input_give_numbers(value: float, embedding: str, fitted: CGAN) -> None:
    flat = torch.full((20, 1, 8, 8), value)
    assert torch.isfinite(fitted.sample(flat[:1], 3, seed=0)).all()
    model = small(embedding=embedding)
    model.fit(Pairs(flat, flat), seed=0, device="cpu", steps=5, progress=False)
    samples = model.sample(flat[:2], 3, seed=0)
    torch.testing.assert_close(samples, torch.full_like(samples, value))


def test_saved_and_loaded_it_samples_the_same_numbers(fitted: CGAN, tmp_path: Path) -> None:
    x = fields(3, seed=9).x
    fitted.save(tmp_path / "whole")
    assert torch.equal(CGAN.load(tmp_path / "whole").sample(x, 5, seed=4), fitted.sample(x, 5, seed=4))
    fitted.save(tmp_path / "half", half=True, inference=True)
    half = CGAN.load(tmp_path / "half")
    torch.testing.assert_close(half.sample(x, 5, seed=4), fitted.sample(x, 5, seed=4), atol=0.02, rtol=0)
    assert not any(name.startswith("discriminator") for name in half.state_dict())


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
    x = fields(100, size=16).x
    embedding = Embedding("guidance", (1, 16, 16), 4)
    found = embedding.fit(x, seed=5)
    mean, projection = lpp([x.flatten(1).numpy()], 4, seed=5)
    torch.testing.assert_close(found, torch.from_numpy((x.flatten(1).numpy() - mean) @ projection), atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(embedding(x), found)


def test_large_x_are_embedded_from_a_smaller_picture() -> None:
    model = CGAN((1, 64, 64), (1, 64, 64), **SMALL)
    model.embedding.fit(fields(40, size=64).x, 0)
    assert model.embedding.projection.shape == (32 * 32, 3)
    assert model.features(fields(2, size=64).x).shape == (2, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_backbone_of_timm_travels_with_the_checkpoint(channels: int, no_download: list[bool], tmp_path: Path) -> None:
    pairs = fields(24, channels=channels)
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
    model.prepare(fields(16), 0)
    backbone = model.embedding.backbone
    assert backbone is not None
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    seen: list[torch.Tensor] = []
    backbone.net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.train()
    _, losses = next(model.turns(Batch(fields(16).x, fields(16).y), Step(0, 9, torch.Generator())))
    losses["total"].backward()
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())
    assert not any(p.requires_grad for p in backbone.parameters())
    known = timm.data.resolve_model_data_config(backbone.net)
    assert seen[0].shape == (16, *known["input_size"])
    back = seen[0] * torch.tensor(known["std"]).view(3, 1, 1) + torch.tensor(known["mean"]).view(3, 1, 1)
    torch.testing.assert_close(back[:, 0], back[:, 2])
    torch.testing.assert_close(back.mean((1, 2, 3)), fields(16).x.mean((1, 2, 3)), atol=0.02, rtol=0)


def test_the_embedding_is_found_once_where_x_is_not_cropped(no_download: list[bool]) -> None:
    pairs = fields(16)
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
        small(embedding=TIMM).fit(fields(8), seed=0, device="cpu", steps=1, progress=False)
    assert not isinstance(caught.value, RequestError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"embedding": "timm:resnet5O"}, "timm has no model 'resnet5O': did you mean .*'resnet50'"),
        ({"embedding": "timm:resnet18.a1_in2k"}, "timm has no weights .*did you mean 'resnet18.a1_in1k'"),
        ({"embedding": "pixel-pca"}, "did you mean 'pixels-pca'"),
        ({"embedding": "timm:"}, "embedding is 'timm:'"),
        ({"width": 0}, "at least 1"),
        ({"ema": 1.0}, r"in \[0, 1\)"),
        ({"penalty": -1.0}, "at least 0"),
        ({"discriminator_rate": 0.0}, "above 0"),
        ({"code": 3}, "did you mean 'codes'"),
    ],
)
def test_wrong_settings_are_refused(config: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        small(**config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("y_shape", [(1, 8, 16), (64,), (1, 12, 12), (1, 512, 512), (0, 8, 8)])
def test_other_shapes_are_refused(y_shape: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="square fields"):
        CGAN((1, 8, 8), y_shape)
    with pytest.raises(RequestError, match="is for x of shape"):
        CGAN((2, 8, 8), (1, 8, 8), embedding=TIMM)
