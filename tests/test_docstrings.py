"""The examples in the docstrings of what is public are run, and every summary is a sentence about the thing."""

from __future__ import annotations

import ast
import doctest
import importlib
import os
import re
from pathlib import Path
from typing import Any

import pytest
from snippets import ROOT

import zoo

PUBLIC = [name for name in zoo.__all__ if callable(getattr(zoo, name)) and getattr(zoo, name).__module__.startswith("zoo")]
PACKAGES = ("zoo", "plugins", "tasks", "metrics")


def example_of(name: str) -> doctest.DocTest:
    """The examples in the docstring of a public name and of its methods, with the public names to use."""
    public = getattr(zoo, name)
    finder = doctest.DocTestFinder()
    space: dict[str, Any] = {"zoo": zoo, **vars(importlib.import_module(public.__module__))}
    tests = finder.find(public, name, module=False, globs=space)  # type: ignore[arg-type]
    examples = [example for test in tests for example in test.examples]
    return doctest.DocTest(examples, space, name, None, None, None)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_example_of_a_public_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", os.environ["ZOO_CACHE"])  # an example may change it
    test = example_of(name)
    assert test.examples, f"the docstring of zoo.{name} has no example"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=said.append, clear_globs=False)
    assert runner.failures == 0, "".join(said)


def test_a_summary_says_what_the_thing_is() -> None:
    """It begins with no "What", and never with a section; that of a check is its contract. Examples are a section."""
    wrong = []
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                summary = (ast.get_docstring(node) or "").partition("\n")[0]
                if re.search(r"^ *Example:$", ast.get_docstring(node) or "", re.M):
                    wrong.append(f"{path.relative_to(ROOT)}: a section is called Examples, or it is no code on the page")
                if "checks" not in path.parts and summary.startswith(("What ", "Raises:", "Args:", "Returns:")):
                    wrong.append(f"{path.relative_to(ROOT)}: {summary}")
    assert wrong == []
