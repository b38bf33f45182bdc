"""The page on plugins, followed as a new author would: its files written as they stand there, its commands run."""

from __future__ import annotations

import json

import pytest
from snippets import ROOT, Block, blocks, commands, quick
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


def test_a_model_takes_at_most_sixty_lines() -> None:
    model = files(blocks(PAGE))["zoo-mixture/zoo_mixture/__init__.py"]
    assert "class Mixture(zoo.Model)" in model
    assert len(model.splitlines()) <= 60


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
    assert int(out.rpartition(" passed")[0].split()[-1]) > 25
    best = {}
    for model, settings in (("mixture", ["--set", "steps=150"]), ("random", [])):
        run = [
            "run",
            "--model",
            model,
            "--task",
            "relight",
            "-n",
            "10",
            "--items",
            "100",
            "--metric",
            "error_of_best",
            "--json",
        ]
        (out,) = environment.zoo([*run, *settings, "--out", f"run-{model}"])
        found = json.loads(out)
        best[model] = found["metrics"]["error_of_best@10"]["value"]
    assert best["mixture"] < 0.9 * best["random"]


def test_what_it_brings_is_listed(environment: Environment) -> None:
    (listed,) = environment.zoo(["list"])
    for kind, name in (("models", "mixture"), ("tasks", "mirror"), ("metrics", "worst")):
        assert any(line.split()[:2] == [kind, name] for line in listed.splitlines())
