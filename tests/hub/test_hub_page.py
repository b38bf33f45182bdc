"""The page on the Hub works as it stands there."""

from __future__ import annotations

from typing import Any

import pytest
from hubworld import REPO, World
from snippets import ROOT, blocks, commands, make_world

import zoo
from zoo.hub.push import push
from zoo.utils.errors import RequestError
from zoo.utils.files import sha256_of

PAGE = ROOT / "docs" / "hub.md"
SHIPPED = ROOT / "checkpoints" / "cdvae-resaturate"


@pytest.fixture
def here(here: World) -> World:
    """What the page speaks of is there: a checkpoint on the Hub and one in the folder ``weights``."""
    make_world(here.path)
    (here.path / "weights").symlink_to(SHIPPED)
    (here.path / "registry.toml").write_text("schema = 1\n")
    here.patch.setenv("ZOO_REGISTRY", str(here.path / "registry.toml"))
    push(SHIPPED, REPO)
    return here


def test_the_page_from_top_to_bottom(here: World) -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(PAGE):
        if block.kind == "python":
            exec(compile(block.text, PAGE.name, "exec", dont_inherit=True), space)
        for words in commands(block.text) if block.kind == "sh" else []:
            code, out, err = here.zoo(*words[1:])
            assert (words[0], code) == ("zoo", 0), err
            assert words[1] != "list" or REPO in out or words[-1] == "relight"
    assert len(list((here.path / "samples").glob("sample-*.png"))) == 20
    assert here.hub.repos.keys() == {REPO, "org/mine", "spaces/org/mine", "org/bare"}


def test_the_lines_of_a_registry_pin_what_they_say(here: World) -> None:
    (block,) = [block for block in blocks(PAGE) if block.kind == "toml"]
    sha256 = sha256_of(SHIPPED / "model.safetensors")
    lines = block.text.replace("ORG/REPO", REPO).replace("COMMIT", here.hub.head(REPO) or "").replace("SHA256", sha256)
    (here.path / "registry.toml").write_text(f"schema = 1\n{lines}")
    assert zoo.load("mine/relight", device="cpu").facts.model == "cdvae-mdn12"
    other = sha256[::-1]
    (here.path / "registry.toml").write_text(f"schema = 1\n{lines.replace(sha256, other)}")
    with pytest.raises(RequestError, match="is not the registered one"):
        zoo.load("mine/relight", device="cpu")
