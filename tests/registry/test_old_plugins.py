"""A plugin written for the zoo of before is told, in one line, what to change."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from calls import Called, call

import zoo
from zoo.registry import MOVED

OLD = Path(__file__).resolve().parents[1] / "third_party" / "old_plugin"
SAYS = {
    "old-imports": "ModuleNotFoundError: No module named 'zoo.model'; write `from zoo import Model, Preset, size_of`",
    "old-methods": "TypeError: Game is written for an older zoo: "
    "rename rate(share) to lr_factor(progress); "
    "turns(self, batch, step) is a generator that yields (optimizer name, losses)",
    "old-turn": "Step.turn is gone: write turns(batch, step), which yields (optimizer name, losses)",
}
RUN = ["--task", "relight", "--data", "scenes:48", "-n", "3", "--items", "8"]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Called]:
    """The plugins, then each of its models, run; then the checks of one."""
    folder = tmp_path_factory.mktemp("old")
    commands = [["list", "plugins"], *(["run", "--model", name, *RUN] for name in SAYS)]
    checks = ["check", "old-turn", "--only", "losses_are_finite_numbers"]
    env = os.environ | {"PYTHONPATH": str(OLD), "ZOO_CACHE": str(folder / "cache")}
    return call(sys.executable, [*commands, ["check", "old-methods"], checks], env, folder)


def test_the_list_of_plugins_says_what_to_change(said: list[Called]) -> None:
    words = " ".join(said[0].out.split())
    for name in ("old-imports", "old-methods"):
        assert f"model {name}" in words
        assert SAYS[name] in words


@pytest.mark.parametrize("number", range(3))
def test_a_run_says_it_in_one_line(said: list[Called], number: int) -> None:
    name, run = list(SAYS)[number], said[1 + number]
    assert run.code in (1, 2)
    last = run.err.strip().splitlines()[-1]
    assert SAYS[name] in last
    assert "Traceback" not in run.err


def test_a_check_says_it(said: list[Called]) -> None:
    methods, turn = said[4:]
    assert methods.code == turn.code == 1
    block, total = methods.out.splitlines()
    assert block.startswith("model old-methods: FAILED, and none of its ")
    assert SAYS["old-methods"] in block
    assert " 1 failed, " in total
    assert SAYS["old-turn"] in " ".join(turn.out.split())


@pytest.mark.parametrize("module", MOVED)
def test_what_is_to_be_written_can_be_written(module: str) -> None:
    space: dict[str, object] = {}
    exec(MOVED[module], space)
    if MOVED[module].startswith("from zoo import"):
        assert set(space) - {"__builtins__"} <= set(zoo.__all__)
    with pytest.raises(ModuleNotFoundError):
        exec(f"import {module}", {})


def test_a_recipe_of_before_still_counts() -> None:
    class Before(zoo.Model):
        def __init__(self, x_shape, y_shape, /, **config):  # type: ignore[no-untyped-def]
            super().__init__(x_shape, y_shape, **config)
            self.mean = torch.nn.Parameter(torch.zeros(y_shape))

        def optimizers(self) -> dict[str, torch.optim.Optimizer]:
            return {"all": torch.optim.SGD(self.parameters(), 0.1)}

        def recipe(self, items: int) -> dict[str, int]:
            return {"steps": 2 * items, "batch_size": items}

        def losses(self, batch: zoo.Batch, step: zoo.Step) -> dict[str, torch.Tensor]:
            return {"total": (batch.y - self.mean).square().mean()}

    pairs = zoo.Pairs(torch.zeros(3, 1), torch.ones(3, 1))
    model = Before((1,), (1,))
    assert model.fit(pairs, device="cpu", progress=False).steps == 6
    assert model.fit(pairs, device="cpu", progress=False, steps=4).steps == 4
