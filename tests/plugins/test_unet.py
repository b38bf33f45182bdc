"""The decoder's shared part: many codes of one item cost one convolution of its features, and give what they give alone."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from zoo_networks.unet import Decoder, Encoder


@pytest.mark.parametrize("codes", [0, 5])
@pytest.mark.parametrize("side", [8, 32])
@pytest.mark.parametrize("dropped", [False, True])
def test_codes_of_one_item_give_what_they_give_alone(codes: int, side: int, dropped: bool) -> None:
    g = torch.Generator().manual_seed(0)
    levels = {8: 1, 32: 3}[side]
    encoder = Encoder(2, levels, 6).eval()
    decoder = Decoder(encoder.channels, codes, 3).eval()
    with torch.no_grad():
        features = encoder(torch.rand(3, 2, side, side, generator=g))
        item = torch.tensor([0, 0, 0, 1, 2, 2])
        code = torch.randn(6, codes, generator=g) if codes else None
        drop = (lambda value: 0.5 * value) if dropped else None
        shared = decoder(features, code, drop, item)
        alone = decoder([one[item] for one in features], code, drop)
    assert shared.shape == (6, 3, side, side)
    assert torch.allclose(shared, alone, atol=1e-6)
    assert (shared[0] - shared[3]).abs().max() > 1e-3


def test_features_are_convolved_once_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one item with 20 codes no more than half of the channels of each finer layer go through it twenty times."""
    encoder = Encoder(2, 3, 6).eval()
    decoder = Decoder(encoder.channels, 5, 3).eval()
    work, real = {1: 0, 20: 0}, F.conv_transpose2d

    def counted(value: torch.Tensor, weight: torch.Tensor, *rest: object) -> torch.Tensor:
        work[len(value)] += len(value) * weight.shape[0] * value.shape[-1] ** 2
        return real(value, weight, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(F, "conv_transpose2d", counted)
    with torch.no_grad():
        decoder(encoder(torch.rand(1, 2, 32, 32)), torch.randn(20, 5), None, torch.zeros(20, dtype=torch.int64))
    whole = sum(channels * side**2 for channels, side in ((24 + 5, 4), (24, 8), (12, 16)))
    assert work[1] + work[20] / 20 == whole
    assert work[20] / 20 < 0.5 * whole
