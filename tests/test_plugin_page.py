"""The page on plugins, followed as a new author would: its files written as they stand there, its commands run."""

from __future__ import annotations

import json

import pytest
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
    return made


@pytest.mark.parametrize(("file", "name", "most"), [("__init__", "Mixture", 45), ("gan", "GAN", 90)])
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
            done.append(words[:2])
            if words[0] == "pip":
                environment.install(*words[2:])
            else:
                few = ["--only", "samples_have_the_documented_shape"] if words[2:] == ["mixture"] else []
                together.append([*quick(words)[1:], *few])
        if together:
            environment.zoo(*together)
    assert ["pip", "install"] in done
    assert done.count(["zoo", "check"]) == 2
    assert (environment.folder / "zoo-rain" / "pyproject.toml").is_file()


def test_its_tests_pass_and_it_learns(environment: Environment) -> None:
    """The page's own test, which is every check; and it does better than chance on embedded worlds after a short fit."""
    out = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "zoo-mixture/tests")
    assert "failed" not in out
    assert int(out.rpartition(" passed")[0].split()[-1]) > 60
    world = ["--task", "relight", "--data", "scenes:600", "-n", "10", "--items", "50"]
    run = ["run", *world, "--metric", "error_of_best", "--json", "--model"]
    few = {"random": [], "mixture": ["--set", "steps=150"]}
    said = environment.zoo(*([*run, model, *settings, "--out", f"run-{model}"] for model, settings in few.items()))
    random, best = (json.loads(out)["metrics"]["error_of_best@10"]["value"] for out in said)
    assert best < 0.9 * random


def test_its_gan_learns() -> None:
    """That y is x more often than 1 - x."""
    text = files(blocks(PAGE))["zoo-mixture/zoo_mixture/gan.py"]
    model, x, history = fitted_example(text, "GAN", width=64, steps=1500, learning_rate=3e-3)
    assert {"critic.total", "critic.margin", "generator.total"} < set(history.losses[-1])
    assert (model.sample(x[:50], 100, seed=1) - x[:50, None]).abs().mean() < 0.1


def test_what_it_brings_is_listed(environment: Environment) -> None:
    (listed,) = environment.zoo(["list"])
    for kind, name in (("models", "mixture"), ("models", "mixture-gan"), ("tasks", "mirror"), ("metrics", "worst")):
        assert any(line.split()[:2] == [kind, name] for line in listed.splitlines())
