"""What README and documentation show works as it stands there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import zygote
from calls import call_here
from PIL import Image
from snippets import PAGES, ROOT, blocks, commands, fitted_example, make_world, quick

README = ROOT / "README.md"
ELSEWHERE = {"plugin.md": "test_plugin_page.py", "hub.md": "hub/test_hub_page.py", "index.md": "test_docs.py"}
"""Pages whose snippets need an installation or a Hub, or stand in the README too, and where they are run."""

BUILD = """
import sklearn.datasets
photo = sklearn.datasets.load_sample_image("china.jpg")[::4, ::4].copy()
sklearn.datasets.load_sample_image = lambda name: photo
from mkdocs.__main__ import cli
cli()
"""
"""``mkdocs`` with its words, and a smaller photo, of which samples are made sooner."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small world, as the working directory."""
    make_world(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_REGISTRY", str(tmp_path / "registry.toml"))
    (tmp_path / "registry.toml").write_text("schema = 1\n")
    return tmp_path


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in ELSEWHERE], ids=lambda page: page.name)
def test_the_snippets_of_a_page(page: Path, here: Path) -> None:
    """In order, as a reader would go through them; an installation is left to what installs."""
    space: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.kind == "python":
            exec(compile(block.text, page.name, "exec", dont_inherit=True), space)
        for words in commands(block.text) if block.kind == "sh" and not block.in_ci else []:
            if words[0] == "zoo":
                called = call_here(*quick(words)[1:])
                assert called.code == 0, f"{' '.join(words)}: {called.err}"
            else:
                assert words[:2] == ["pip", "install"] or words == ["pytest"], f"{page.name} shows {' '.join(words)}"
    if page.name == "photo.md":
        assert len(list((here / "resaturated").glob("sample-*.png"))) == 20
        assert Image.open(here / "resaturated" / "sample-20.png").size == (80, 60)
        assert (here / "grid.png").is_file()


def test_every_page_with_snippets_is_run_somewhere() -> None:
    for name, where in ELSEWHERE.items():
        text = (ROOT / "tests" / where).read_text(encoding="utf-8")
        assert f'"{name}"' in text, f"{where} does not read {name}"
        assert "commands(" in text, f"{where} runs no command of {name}"


def test_the_doors_of_the_site_are_those_of_the_readme() -> None:
    """So that they are run with those."""
    ours, theirs = (
        [words for block in blocks(page) for words in commands(block.text)] for page in (ROOT / "docs/index.md", README)
    )
    assert len(ours) == 4
    assert [words for words in ours if words not in theirs and words[0] != "pip"] == []


def test_every_test_that_a_page_names_is_there() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = sorted(set(re.findall(r"(tests/[\w/]+\.py)::(\w+)", text)))
    assert len(named) > 70
    assert [case for case in named if f"def {case[1]}(" not in (ROOT / case[0]).read_text(encoding="utf-8")] == []


def test_the_suite_of_the_page_is_a_suite(here: Path) -> None:
    from zoo.catalog import suites

    (block,) = [block for block in blocks(ROOT / "docs" / "question.md") if block.kind == "toml"]
    (here / "suites").mkdir()
    (here / "suites" / "mine.toml").write_text(block.text)
    assert suites.find("mine").models == ("cdvae-noemb", "cdvae-mdn12")


def test_the_model_of_the_readme_learns() -> None:
    """It learns that y is x or 1 - x, and says how often which."""
    text = [block.text for block in blocks(README) if block.kind == "python"][1]
    model, x, _ = fitted_example(text, "Mixture", steps=1500, learning_rate=2e-3)
    samples = model.sample(x[:20], 400, seed=1)
    assert torch.equal(samples, model.sample(x[:20], 400, seed=1))
    far = torch.stack([(samples - y[:, None]).flatten(2).abs().mean(2) for y in (x[:20], 1 - x[:20])])
    assert far.amin(0).mean() < 0.05
    assert 0.6 < (far[0] < far[1]).float().mean() < 0.8


def test_the_site_is_built_and_the_gallery_has_everything(tmp_path: Path) -> None:
    """Strictly: a dead link or a page outside the navigation is an error. Nothing in it comes from another server."""
    from zoo import registry
    from zoo.catalog import checkpoints

    pytest.importorskip("nbconvert", reason="nbconvert is not installed: pip install -e '.[dev]'")
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    made = zygote.run(BUILD, "build", "--strict", "-f", str(ROOT / "mkdocs.yml"), "-d", str(tmp_path), env=env)
    assert made.returncode == 0, made.stderr[-3000:]
    for kind in ("models", "tasks", "metrics", "data"):
        page = (tmp_path / "gallery" / kind / "index.html").read_text(encoding="utf-8")
        for name in registry.names(kind):
            assert f'<h2 id="{name}"' in page, f"{kind} lacks {name}"
    page = (tmp_path / "gallery" / "checkpoints" / "index.html").read_text(encoding="utf-8")
    for name, claims in checkpoints.known().named.items():
        assert f'<h2 id="{name.replace("/", "-")}"' in page
        assert f"{next(iter(claims[0].scores.values())):.4g}" in page
    pictures = sorted(path.name for path in (tmp_path / "gallery").glob("*.png"))
    assert {"checkpoint-cdvae-relight.png", *(f"task-{name}.png" for name in registry.names("tasks"))} <= set(pictures)
    assert all(Image.open(tmp_path / "gallery" / name).width > 300 for name in pictures)
    assert 'href="../glossary/#pool"' in (tmp_path / "faults" / "index.html").read_text(encoding="utf-8")
    assert "ten answers for x = 0.8" in (tmp_path / "tutorials" / "model" / "index.html").read_text(encoding="utf-8")
    for html in tmp_path.rglob("*.html"):
        mute = re.findall(r'<img(?![^>]*alt="[^"]{12,}")[^>]*>', html.read_text(encoding="utf-8"))
        assert not mute, f"{html} says nothing of {mute}"
        assert not re.search(r":(class|func|meth|attr|data|mod|exc):<code>", html.read_text(encoding="utf-8")), html
        fetched = re.findall(r'<(?:link|script|img)[^>]+(?:src|href)="(https?:[^"]+)"', html.read_text(encoding="utf-8"))
        assert not [one for one in fetched if "canonical" not in one], f"{html.name} fetches {fetched}"
