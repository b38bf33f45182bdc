"""A Space pushed beside its checkpoint: the files that make the Hub serve the page."""

from __future__ import annotations

import ast
import json

import hubapi
from hubworld import REPO, World

from zoo.app.space import space_files
from zoo.hub.source import HubSource
from zoo.saving.facts import read_facts

SPACE = f"spaces/{REPO}"


def test_a_space_is_pushed_beside_its_checkpoint_in_one_commit(here: World) -> None:
    here.checkpoint()
    code, out, err = here.zoo("push", "weights", REPO, "--licence", "mit", "--space")
    assert code == 0, err
    commit = here.hub.head(REPO)
    assert f"page    {here.hub.url}/{SPACE}" in out
    assert len(here.hub.repos[SPACE].commits) == 2, "the one that makes it, and ours"
    files = here.hub.files(SPACE)
    assert files.keys() - {".gitattributes"} == {"README.md", "app.py", "requirements.txt"}
    front = hubapi.front_matter(files["README.md"])
    wanted = {"sdk": "gradio", "app_file": "app.py", "license": "mit", "models": [REPO], "title": "model"}
    assert {key: front[key] for key in wanted} == wanted
    [call] = [node for node in ast.walk(ast.parse(files["app.py"])) if isinstance(node, ast.Call)]
    assert ast.unparse(call) == f"serve('hf:{REPO}@{commit}')"
    assert [line.partition("==")[0] for line in files["requirements.txt"].decode().split()] == ["cond-zoo[app]", "toy-zoo"]


def test_a_space_names_versions_that_can_be_had(here: World) -> None:
    facts = read_facts(here.checkpoint() / "config.json")
    for version, line in (("1.2", "toy-zoo==1.2"), ("1.2rc1", "toy-zoo==1.2rc1"), ("1.3.dev4+gabc", "toy-zoo")):
        facts.plugin["version"] = version
        assert space_files(HubSource(REPO), facts)["requirements.txt"].splitlines()[1] == line


def test_a_space_that_may_not_be_written_says_so_in_a_line(here: World) -> None:
    here.checkpoint()
    here.hub.faults.status["/api/spaces/"] = 403
    code, out, err = here.zoo("push", "weights", REPO, "--licence", "mit", "--space")
    assert code == 2
    assert f"use     zoo.load('hf:{REPO}@{here.hub.head(REPO)}')" in out, "the checkpoint is there all the same"
    assert err.startswith(f"zoo: pushing to Space {REPO}: the Hub does not let you (403: Forbidden)")


def test_a_dry_run_shows_the_files_of_the_space_and_asks_nothing(here: World) -> None:
    here.checkpoint()
    words = ("push", "weights", REPO, "--licence", "mit", "--space", "--dry-run")
    code, out, err = here.zoo(*words)
    assert code == 0, err
    assert "app.py of the Space:\n\n" in out
    assert f"serve('hf:{REPO}')\n" in out
    assert json.loads(here.zoo(*words, "--json")[1])["space"].keys() == {"README.md", "app.py", "requirements.txt"}
    assert here.hub.requests == []
    assert here.hub.repos == {}
