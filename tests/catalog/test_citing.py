"""What is to be cited: every paper that a class names is there, whole, and a plugin's own is beside its package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from zoo import registry
from zoo.catalog import citing
from zoo.catalog.found import folder_of
from zoo.contracts import make
from zoo.contracts.metric import Metric
from zoo.utils.errors import RequestError, ZooError

PLAIN = {"oracle", "kmeans", "random", "mean", "copycat", "pairs"}
"""Models and tasks that are no paper's."""


def test_the_papers_of_all_that_is_ours_are_there_and_each_is_used() -> None:
    used: list[str] = []
    for kind in citing.KINDS:
        for name in registry.names(kind):
            found = citing.cited(name)
            assert bool(found) != (name in PLAIN), f"{kind} {name}"
            assert all(entry.count("{") == entry.count("}") for entry in found)
            used += found
    papers = citing._papers(Metric)
    assert set(papers.values()) == set(used)
    assert all(word in entry for entry in papers.values() for word in ("title = ", "author = ", "year = "))


def test_a_checkpoint_cites_its_model_and_its_task() -> None:
    of_both = [*citing.cited("cvae-residual"), citing.cited("relight")[1]]
    assert citing.cited("cvae/relight") == citing.cited(f"dir:{folder_of('cvae/relight')}") == of_both
    with pytest.raises(RequestError, match="did you mean 'relight'"):
        citing.cited("relihgt")
    assert "author = {{The zoo authors}}," in citing.own().splitlines()[2]


def test_a_plugin_names_papers_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_papers").mkdir()
    text = "from zoo import Metric\nclass Own(Metric):\n    unit, better, source, cites = '', None, '', ('a2000own',)\n"
    (tmp_path / "own_papers" / "__init__.py").write_text(f"{text}    def __call__(self, samples, y, **known): ...\n")
    (tmp_path / "own_papers" / "references.bib").write_text("@misc{a2000own,\n  title = {Own},\n}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    own = __import__("own_papers").Own
    monkeypatch.setattr(make, "class_of", lambda kind, name: own)
    assert citing.cited("variance") == ["@misc{a2000own,\n  title = {Own},\n}"]
    own.cites = ("a2000owm",)
    with pytest.raises(ZooError, match="has no entry 'a2000owm': did you mean 'a2000own'"):
        citing.cited("variance")
    sys.modules.pop("own_papers")
