"""The registry: other people's packages, broken ones among them, cost nobody else anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoo import registry
from zoo.errors import RequestError, ZooError


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path for made-up distributions."""
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._all_entries.cache_clear()
    yield tmp_path
    registry._all_entries.cache_clear()


def distribution(site: Path, name: str, points: str, code: str = "", metadata: str | None = None) -> None:
    """A distribution ``name`` with entry points ``points`` in zoo.models and a module of its name."""
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        metadata if metadata is not None else f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    )
    (folder / "entry_points.txt").write_text(f"[zoo.models]\n{points}\n")
    (site / f"{name}.py").write_text(code)


def test_ours_are_registered_like_anybody_elses() -> None:
    assert {"cdvae-mdn12", "cdvae-mdn4", "cdvae-noemb", "nn"} <= set(registry.names("models"))
    assert {"relight", "resaturate"} <= set(registry.names("tasks"))
    assert {"error_of_best", "variance", "energy_score", "nll"} <= set(registry.names("metrics"))
    assert {"scenes", "folder", "coco"} <= set(registry.names("data"))
    for kind in registry.GROUPS:
        if kind != "checkpoints":
            for name in registry.names(kind):
                registry.load(kind, name)


def test_listing_imports_nothing(site: Path) -> None:
    distribution(site, "zoo_loud", "loud = zoo_loud:Model", "raise SystemExit('imported')")
    assert "loud" in registry.names("models")
    assert "zoo_loud" not in sys.modules


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("", "AttributeError"),
    ],
)
def test_a_broken_package_is_named_and_the_others_work(site: Path, code: str, says: str) -> None:
    distribution(site, "zoo_sick", "sick = zoo_sick:Model", code)
    with pytest.raises(ZooError, match=r"model .sick. of zoo_sick 1\.0 is broken") as error:
        registry.load("models", "sick")
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    registry.load("models", "nn")


def test_two_packages_with_one_name_are_both_named(site: Path) -> None:
    for name in ("zoo_one", "zoo_two"):
        distribution(site, name, f"same = {name}:Model", "Model = int")
    with pytest.raises(RequestError, match=r"zoo_one 1\.0 and zoo_two 1\.0; uninstall one"):
        registry.entry("models", "same")


def test_ours_cannot_be_shadowed(site: Path) -> None:
    distribution(site, "zoo_thief", "nn = zoo_thief:Model", "Model = int")
    assert registry.entry("models", "nn").distribution == registry.OWN


def test_others_can_be_turned_off(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(site, "zoo_extra", "extra = zoo_extra:Model")
    assert "extra" in registry.names("models")
    monkeypatch.setenv("ZOO_PLUGINS", "")
    assert "extra" not in registry.names("models")
    assert "nn" in registry.names("models")


def test_unreadable_metadata_registers_nothing_and_breaks_nothing(site: Path) -> None:
    distribution(site, "zoo_blank", "blank = zoo_blank:Model", metadata="")
    assert "nn" in registry.names("models")


def test_a_wrong_name_is_answered_with_the_near_ones() -> None:
    with pytest.raises(RequestError, match="no model is called 'cdvae-mdn21': did you mean 'cdvae-mdn12'"):
        registry.entry("models", "cdvae-mdn21")
