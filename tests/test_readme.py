"""What the README shows works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.pairs import Pairs

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


def test_the_photo_snippet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ramp = np.linspace(0, 255, 60 * 80 * 3).reshape(60, 80, 3).astype(np.uint8)
    Image.fromarray(ramp).save("photo.jpg")
    exec(compile(BLOCKS[0], "README", "exec", dont_inherit=True), {})
    pictures = sorted((tmp_path / "resaturated").glob("*.png"))
    assert len(pictures) == 21
    assert sum(Image.open(p).size == (80, 60) for p in pictures) >= 20


def test_the_model_snippet() -> None:
    """It learns y = 1 - x + noise of 0.1, and says how large the noise is."""
    space: dict = {"__name__": "__main__"}
    exec(compile(BLOCKS[1], "README", "exec", dont_inherit=True), space)
    g = torch.Generator().manual_seed(0)
    x = torch.rand(256, 1, 2, 2, generator=g)
    y = 1 - x + 0.1 * torch.randn(256, 1, 2, 2, generator=g)
    model = space["Additive"]((1, 2, 2), (1, 2, 2), width=64)
    model.fit(Pairs(x, y), seed=0, device="cpu", epochs=1400, progress=False)
    samples = model.sample(x[:20], 400, seed=1)
    assert torch.equal(samples, model.sample(x[:20], 400, seed=1))
    assert (samples.mean(1) - (1 - x[:20])).abs().mean() < 0.06
    assert 0.06 < samples.std(1).mean() < 0.15


def test_the_commands_name_what_is_registered() -> None:
    from zoo import registry

    for kind, option in (("models", "--model"), ("tasks", "--task"), ("data", "--data")):
        for name in re.findall(rf"{option} ([\w-]+)", README):
            if name != "additive":
                assert name in registry.names(kind), f"{option} {name}"
