"""Plugins, tasks, metrics, the example and the template live on the public names of the zoo, as a third party must."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import msgspec
import pytest
from snippets import ROOT, blocks

import zoo

PUBLIC = {*zoo.__all__, "testing"}
TEMPLATE = "zoo/scaffold/template"
PRIVATE = ["from zoo.fitting import loop", "import zoo.utils.files", "from zoo import contracts", "zoo.registry.names('data')"]


def sources(where: str) -> Iterator[tuple[str, str]]:
    """The name and the text of every module there."""
    if where == "docs/plugin.md":
        yield from ((block.file, block.text) for block in blocks(ROOT / where) if block.kind == "python")
        return
    for path in [*(ROOT / where).rglob("*.py"), *(ROOT / where).rglob("*.py.template")]:
        yield str(path.relative_to(ROOT)), re.sub("@[A-Z]+@", "own", path.read_text(encoding="utf-8"))


def used(tree: ast.AST) -> Iterator[str]:
    """What a module uses of the zoo: names, or modules with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "zoo":
            yield from (alias.name for alias in node.names) if node.module == "zoo" else (node.module,)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("zoo."))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "zoo":
            yield node.attr


@pytest.mark.parametrize("where", ["plugins", "tasks", "metrics", "examples", TEMPLATE, "docs/plugin.md"])
def test_only_public_names_are_used(where: str) -> None:
    found = {(name, word) for name, text in sources(where) for word in used(ast.parse(text))}
    assert found
    assert sorted((name, word) for name, word in found if word.removeprefix("zoo.") not in PUBLIC) == []


@pytest.mark.parametrize("line", PRIVATE)
def test_a_private_name_is_found(line: str) -> None:
    assert not {word.removeprefix("zoo.") for word in used(ast.parse(line))} <= PUBLIC


@pytest.mark.parametrize("where", ["examples", TEMPLATE])
def test_nothing_is_any(where: str) -> None:
    """What a new author copies says its types."""
    nodes = [(name, node) for name, text in sources(where) for node in ast.walk(ast.parse(text))]
    assert [name for name, node in nodes if isinstance(node, ast.Name) and node.id == "Any"] == []


def test_the_reference_has_every_public_name_and_all_that_an_author_may_define() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^::: zoo\.(\w+)$", text, re.M)) == sorted({*zoo.__all__} - {"__version__"})
    (listed,) = re.findall(r"^::: zoo\.Model\n    options: \{members: \[(.*)\], inherited_members: \[(.*)\]\}$", text, re.M)
    ours = [base for base in zoo.Model.__mro__ if base.__module__.startswith("zoo.")]
    kinds = (property, classmethod, staticmethod)
    methods = {name for base in ours for name, of in vars(base).items() if callable(of) or isinstance(of, kinds)}
    assert {name for name in methods if not name.startswith("_")} - {"Config"} == {*", ".join(listed).split(", ")}
    assert re.findall(r"^::: zoo\.(?:Task|Metric|Data|Records)\n    options:", text, re.M) == [], "all of it is shown"


def test_the_package_alone_brings_no_extra_and_each_extra_is_told_of() -> None:
    """``tools/extras.py`` proves the lines of the table, and asks the package index."""
    project = msgspec.toml.decode((ROOT / "pyproject.toml").read_text())["project"]
    named = {
        extra: {re.split("[][<>=;]", one)[0] for one in lines} for extra, lines in project["optional-dependencies"].items()
    }
    del named["dev"]
    always = {re.split("[][<>=;]", one)[0] for one in project["dependencies"]}
    assert always & set().union(*named.values()) == {"accelerate"}, "of which trackio needs a newer one"
    told = re.findall(r"^\| `([a-z]+)` \| .*'cond-zoo\[\1\]'.* \|$", (ROOT / "docs" / "python.md").read_text(), re.M)
    assert {*told} == named.keys()
