"""Files of models, fuzzed: checkpoints, golden samples, states of training, and lists of checkpoints and suites."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from fuzz import Wrong
from targets import Target

import zoo
from zoo.catalog import checkpoints, suites
from zoo.catalog.loading import load
from zoo.catalog.verify import verify
from zoo.contracts import make
from zoo.data.pairs import Pairs
from zoo.measuring.small import keep_golden


def finite(what: str, *values: torch.Tensor) -> None:
    if not all(torch.isfinite(value).all() for value in values):
        raise Wrong(f"{what} are not finite")


class Checkpoints(Target):
    """A checkpoint's folder."""

    kind = "checkpoints"

    def make(self, folder: Path) -> None:
        cls = make.model_class("cgml")[0]
        model = make.model("cgml", (1,), (3,), **cls.check_settings)
        x = torch.linspace(0, 1, 16)[:, None]
        model.fit(Pairs(x, torch.cat([x, x**2, x**3], 1)), device="cpu", progress=False, steps=2, batch_size=8)
        model.save(folder, task="toy", task_config={})

    def use(self, folder: Path, case: Any) -> None:
        loaded = load(f"dir:{folder}", "cpu")
        finite("samples", loaded.model.sample(torch.full((2, *loaded.model.x_shape), 0.5), 3, seed=0))


class Golden(Checkpoints):
    """The golden samples beside a checkpoint."""

    kind = "golden"
    change = "golden"

    def make(self, folder: Path) -> None:
        super().make(folder)
        keep_golden(folder, "error_of_best")

    def use(self, folder: Path, case: Any) -> None:
        said = verify(f"dir:{folder}")
        if any("\n" in step.detail for step in said.steps):
            raise Wrong("a step of verify says more than a line")
        if case is not None and not said.ok:
            raise zoo.ZooError(said.steps[-1].detail)


class States(Target):
    """The state of training that a run goes on from."""

    kind = "states"

    def fit(self, folder: Path) -> torch.Tensor:
        model = make.model("cgml", (1,), (3,), **make.model_class("cgml")[0].check_settings)
        x = torch.linspace(0, 1, 16)[:, None]
        pairs = Pairs(x, torch.cat([x, x**2, x**3], 1))
        model.fit(pairs, device="cpu", progress=False, steps=3, batch_size=8, resume=folder)
        return model.sample(x[:2], 3, seed=0)

    def make(self, folder: Path) -> None:
        self.want = self.fit(folder)

    def use(self, folder: Path, case: Any) -> None:
        got = self.fit(folder)
        if not torch.equal(got, self.want):
            raise Wrong("a changed state was resumed, to other weights")


REGISTRY = f"""schema = 1

[checkpoints."mine/toy"]
model = "cgml"
task = "toy"
source = "dir:weights"
sha256 = "{"ab" * 32}"
licence = "MIT"
size = 12

[checkpoints."mine/toy".scores]
mse = 0.5
"""
SUITE = """schema = 1
title = "Mine"
models = ["nn", "cgml"]
metrics = ["error_of_best@1"]
seeds = 2
n = 4
items = 3

[tasks]
toy = []

[settings]
"training.steps" = 2

[quick]
n = 2

[[published]]
paper = "P"
source = "T 1"
data = "branches"
task = "toy"
model = "nn"
n = 4

[published.metrics]
"error_of_best@1" = 0.5
"""


class Registry(Target):
    """The user's registry.toml and suites."""

    kind = "registry"

    def make(self, folder: Path) -> None:
        (folder / "suites").mkdir(parents=True)
        (folder / "registry.toml").write_text(REGISTRY)
        (folder / "suites" / "mine.toml").write_text(SUITE)

    def use(self, folder: Path, case: Any) -> None:
        before = os.environ.get("ZOO_REGISTRY")
        os.environ["ZOO_REGISTRY"] = str(folder / "registry.toml")
        try:
            if case is not None and "suites" in case[0]:
                suites.find("mine")
                suites.published("toy")
            else:
                checkpoints.find("mine/toy")
        finally:
            os.environ.pop("ZOO_REGISTRY")
            if before is not None:
                os.environ["ZOO_REGISTRY"] = before


MODELS: tuple[type[Target], ...] = (Checkpoints, Golden, States, Registry)
