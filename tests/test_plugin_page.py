"""The page on plugins, followed as a new author would: its files written as they stand there, its commands run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from snippets import ROOT, Block, blocks, commands, fitted_example, quick
from venvs import Environment

PAGE = ROOT / "docs" / "plugin.md"


def files(page: list[Block]) -> dict[str, str]:
    """The text of every file by its path; what a later block names joins what is there, as the page says."""
    made: dict[str, str] = {}
    for block in page:
        if "/" in block.file:
            made[block.file] = made[block.file] + "\n" + block.text if block.file in made else block.text
    return made


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("author"))
    for path, text in files(blocks(PAGE)).items():
        (made.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (made.folder / path).write_text(text, encoding="utf-8")
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(noise).save(made.folder / "photo.jpg")
    return made


@pytest.mark.parametrize(("file", "name", "most"), [("__init__", "Mixture", 45), ("gan", "GAN", 60), ("flow", "Flow", 60)])
def test_a_model_is_short(file: str, name: str, most: int) -> None:
    model = files(blocks(PAGE))[f"zoo-mixture/zoo_mixture/{file}.py"]
    assert f"class {name}(zoo.Model)" in model
    assert len(model.splitlines()) <= most


def test_the_commands_of_the_page(environment: Environment) -> None:
    """In order; the installation is the page's, made in an environment that has the zoo."""
    done = []
    for block in blocks(PAGE):
        together = []  # commands between installations, in one process
        for words in commands(block.text) if block.kind == "sh" else []:
            done.append(words if words[0] == "pip" else words[:2])
            if words[0] == "pip":
                if done.count(words) == 1:  # what the page adds later is there from the beginning
                    environment.install(*words[2:])
            else:
                # All the checks are done once, by what pytest runs.
                few = ["--only", "it_is_described"] if words[1] == "check" else []
                together.append([*quick(words)[1:], *few])
        if together:
            environment.zoo(*together)
    assert done.count(["pip", "install", "-e", "zoo-mixture"]) == 2
    assert done.count(["zoo", "check"]) == 2
    assert (environment.folder / "zoo-rain" / "pyproject.toml").is_file()


def test_its_tests_pass_and_those_of_a_plugin_that_the_zoo_wrote(environment: Environment) -> None:
    """The page's own test, which is every check, and one beside it of the task and the metric of the page.

    What ``zoo new`` wrote is installed as it says, and passes its own tests untouched.
    """
    tests = environment.folder / "zoo-mixture" / "tests"
    own = (tests / "test_mixture.py").read_text(encoding="utf-8")
    more = own.replace('"mixture", "mixture-gan", "mixture-flow", kind="model"', '"mirror", "worst"')
    assert more != own
    (tests / "test_mirror.py").write_text(more, encoding="utf-8")
    environment.install("-e", "zoo-rain")
    out = environment.run("-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", str(tests), "zoo-rain/tests")
    assert " failed" not in out
    passed = [line for line in out.splitlines() if line.startswith("PASSED ")]
    of_the_zoo = [line for line in passed if "test_contracts.py::" in line]
    assert len(of_the_zoo) > 100
    assert len(passed) - len(of_the_zoo) > 100


def test_it_learns() -> None:
    """That y is x or 1 - x: far better than chance, in two ways, after a short fit."""
    text = files(blocks(PAGE))["zoo-mixture/zoo_mixture/__init__.py"]
    model, x, _ = fitted_example(text, "Mixture", steps=700, learning_rate=4e-3)
    samples = model.sample(x[:20], 100, seed=1)
    far = torch.stack([(samples - y[:, None]).flatten(2).abs().mean(2) for y in (x[:20], 1 - x[:20])])
    assert far.amin(0).mean() < 0.05


def test_its_gan_learns() -> None:
    """That y is x more often than 1 - x."""
    text = files(blocks(PAGE))["zoo-mixture/zoo_mixture/gan.py"]
    model, x, history = fitted_example(text, "GAN", width=64, steps=1500, learning_rate=3e-3)
    assert {"critic.total", "critic.margin", "generator.total"} < set(history.losses[-1])
    assert (model.sample(x[:50], 100, seed=1) - x[:50, None]).abs().mean() < 0.1


def test_its_flow_learns() -> None:
    """That y is x or 1 - x, and more often x."""
    text = files(blocks(PAGE))["zoo-mixture/zoo_mixture/flow.py"]
    model, x, _ = fitted_example(text, "Flow", width=64, steps=1200, batch_size=256, learning_rate=1e-2)
    samples = model.sample(x[:20], 100, seed=1)
    far = torch.stack([(samples - y[:, None]).flatten(2).abs().mean(2) for y in (x[:20], 1 - x[:20])])
    assert far.amin(0).mean() < 0.1  # 0.15 is that of one answer, the mean
    assert 0.6 < (far[0] < far[1]).float().mean() < 0.85


def test_what_it_brings_is_listed(environment: Environment) -> None:
    listed, plugins = environment.zoo(["list"], ["list", "plugins"])
    assert next(line for line in plugins.splitlines() if line.startswith("zoo-rain")).endswith("sound")
    for kind, name in (
        ("models", "mixture"),
        ("models", "mixture-flow"),
        ("tasks", "mirror"),
        ("metrics", "worst"),
        ("data", "tiles"),
    ):
        assert any(line.split()[:2] == [kind, name] for line in listed.splitlines())
