"""Settings and shapes that a family refuses, in one line that says what is right."""

from __future__ import annotations

import pytest
import torch

from zoo.contracts import make
from zoo.testing.subjects.model import ModelSubject
from zoo.utils.errors import RequestError

FIELD = (1, 8, 8)


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("attribute-cvae", {"latent": 0}, "latent is 0; it must be at least 1"),
        ("attribute-cvae", {"beta": 0.0}, "above 0"),
        ("attribute-cvae", {"beta": 1.0}, "below 1"),
        ("attribute-cvae", {"blocks": 4}, "multiple of 16"),
        ("cdvae-gauss", {"tied": 1.5}, "at most 1"),
        ("cdvae-mdn12", {"sigma": 0.0}, "above 0"),
        ("cdvae-mdn12", {"codes": (4, 2), "widths": (8,)}, "equally many"),
        ("cdvae-mdn12", {"phases": (0.9, 0.1)}, "rising"),
        ("cdvae-mdn12", {"guidance": (-1.0, 0.0)}, "none below 0"),
        ("cdvae-mdn12", {"maps": -1}, "at least 0"),
        ("cdvae-mdn12", {"tied_at": "top"}, "draw"),
        ("cdvae-mdn12", {"componets": 3}, "did you mean 'components'"),
        ("cgan", {"embedding": "timm:resnet5O"}, "timm has no model 'resnet5O': did you mean .*'resnet50'"),
        ("cgan", {"embedding": "timm:resnet18.a1_in2k"}, "timm has no weights .*did you mean 'resnet18.a1_in1k'"),
        ("cgan", {"embedding": "pixel-pca"}, "did you mean 'pixels-pca'"),
        ("cgan", {"embedding": "timm:"}, "embedding is 'timm:'"),
        ("cgan", {"penalty": -1.0}, "at least 0"),
        ("cgan", {"discriminator_rate": 0.0}, "above 0"),
        ("cgan", {"ema": 1.0}, r"in \[0, 1\)"),
        ("cpixel", {"levels": 1}, "levels is 1; it must be from 2"),
        ("cpixel", {"layers": 0}, "at least 1"),
        ("cpixel", {"temperature": 0.0}, "above 0"),
        ("cpixel", {"kernels": (7, 4)}, "two odd sizes"),
        ("cpixel", {"kernels": (7,)}, "two odd sizes"),
        ("cpixel", {"dilations": ()}, "at least one distance"),
        ("cpixel", {"dilations": (1, 0)}, "each at least 1"),
        ("cpixel", {"within": "middle"}, "'centre', 'uniform'"),
        ("cvae", {"codes": 0}, "codes is 0; it must be at least 1"),
        ("cvae", {"output_variance": 0.0}, "above 0"),
        ("cvae", {"offset": float("inf")}, "offset is inf; it must be"),
        ("cvae", {"beta": -1.0}, "at least 0"),
        ("cvae", {"warmup": 1.0}, r"in \[0, 1\)"),
        ("nn", {"sigma": -1.0}, "at least 0"),
        ("pix2pix", {"dropout": 1.0}, r"in \[0, 1\)"),
    ],
)
def test_settings_that_are_wrong(name: str, config: dict, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        make.model(name, FIELD, FIELD, **config)
    assert "\n" not in str(caught.value)


GANS_AND_CGML = ("l1", "cgml", "ce", "pix2pix", "bicyclegan")
NO_VECTORS = [(name, r"is for a y that is a field \(C, s, s\)", {}, [(FIELD, (5,))]) for name in GANS_AND_CGML]
OTHER_FIELDS = [(x or y, y) for y in [(1, 12, 12), (1, 16, 8), (8, 8)] for x in [None, (5,)]]
NO_OTHER_FIELDS = [(name, r"is for square fields \(C, s, s\)", {}, OTHER_FIELDS) for name in GANS_AND_CGML]


@pytest.mark.parametrize(
    ("name", "message", "config", "shapes"),
    [
        ("attribute-cvae", "an attribute CVAE is for", {"blocks": 2}, [((3,), (3, 8, 10)), ((1, 4, 4), FIELD), ((3,), (64,))]),
        ("attribute-cvae", "an attribute CVAE is for", {"blocks": 2}, [((), FIELD), ((3,), (1, 9, 9))]),
        ("cdvae-skip", "whose decoder sees maps of x is for square fields", {}, [((5,), FIELD), (FIELD, (1, 16, 16))]),
        ("cgan", "square fields", {}, [(FIELD, y) for y in [(1, 8, 16), (64,), (1, 12, 12), (1, 512, 512), (0, 8, 8)]]),
        ("cgan", "is for x of shape", {"embedding": "timm:test_resnet"}, [((2, 8, 8), FIELD)]),
        ("cgml", "cGML is for", {}, [((1, 16, 16), (1, 32, 32))]),
        ("cpixel", "or a vector", {}, [((5, 8), FIELD)]),
        ("cpixel", "one H and W", {}, [((5,), (8,)), (FIELD, (1, 8, 9))]),
        ("cpixel", "at least 17", {}, [(FIELD, (17, 8, 8))]),
        ("cvae", "square fields", {}, [((1, 8, 16), (1, 8, 16)), (FIELD, (1, 16, 16)), ((1, 12, 12), (1, 12, 12))]),
        ("cvae", "square fields", {}, [((40,), (1, 8, 9)), (FIELD, (64,)), (FIELD, (0, 8, 8))]),
        *NO_VECTORS,
        *NO_OTHER_FIELDS,
    ],
)
def test_shapes_that_do_not_fit(name: str, message: str, config: dict, shapes: list) -> None:
    for x_shape, y_shape in shapes:
        with pytest.raises(RequestError, match=message) as caught:
            make.model(name, x_shape, y_shape, **config)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["attribute-cvae", "cdvae-mdn4", "cvae"])
def test_densities_of_half_a_checkpoint(name: str) -> None:
    model, field = make.model(name, FIELD, FIELD, **ModelSubject(name).settings), torch.zeros(2, *FIELD)
    model.drop_training_parts()
    assert model.reconstruct(field) is None
    for density in (model.log_prob, model.joint_log_prob if name == "cdvae-mdn4" else model.evidence):
        with pytest.raises(RequestError, match="only what sampling needs"):
            density(field, field)
