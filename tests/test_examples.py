"""The example of a third party's package: built into a wheel, installed elsewhere, and used as anybody would."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from venvs import Environment, build_wheel

EXAMPLES = sorted(path.parent for path in (Path(__file__).resolve().parents[1] / "examples").glob("*/pyproject.toml"))
TONING = next(path for path in EXAMPLES if path.name == "zoo-toning")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves traces."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(TONING, folder / "source", ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    return build_wheel(folder / "source", folder)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A new environment in which the wheel is installed, and a photo."""
    made = Environment(tmp_path_factory.mktemp("environment"))
    made.install(str(wheel))
    shutil.copytree(TONING / "tests", made.folder / "tests")
    ramp = np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3).astype(np.uint8)
    Image.fromarray(ramp).save(made.folder / "photo.png")
    return made


def test_the_wheel_holds_all_and_is_small(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for one in ("config.json", "model.safetensors", "README.md", "golden.safetensors"):
        assert f"zoo_toning/checkpoints/factors-toning/{one}" in names
    assert {"zoo_toning/registry.toml", "zoo_toning/py.typed", "zoo_toning-0.1.0.dist-info/licenses/LICENSE"} <= set(names)
    assert not [name for name in names if name.startswith("tests")]
    assert wheel.stat().st_size < 100_000


def test_its_own_tests_pass(environment: Environment) -> None:
    out = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert int(out.rpartition(" passed")[0].split()[-1]) > 100


def test_it_is_listed_and_sound(environment: Environment) -> None:
    listed, plugins = environment.zoo(["list"], ["list", "plugins"])
    rows = [line.split() for line in listed.splitlines() if "zoo-toning" in line]
    brought = {"models": "factors", "tasks": "toning", "metrics": "missed_draws", "factors/toning": "toning"}
    assert {row[0]: row[1] for row in rows} == brought
    row = next(line for line in plugins.splitlines() if line.startswith("zoo-toning"))
    assert row.split()[1] == "0.1.0"
    assert row.endswith("sound")
    for what in ("model factors", "task toning", "metric missed_draws", "checkpoints"):
        assert what in row


def test_it_is_used_like_ours(environment: Environment) -> None:
    """Its checkpoint is shown, verified, sampled from and scored; its model is fitted and compared, on its task."""
    words = ["--data", "scenes:96", "-n", "5", "--items", "16", "--json"]
    bench = ["bench", "--no-references", "--models", "random,factors", "--tasks", "toning", "--seeds", "1", "--workers", "0"]
    shown, verified, _, scored, benched = environment.zoo(
        ["show", "factors"],
        ["verify", "factors/toning"],
        ["sample", "factors/toning", "photo.png", "-n", "4", "--seed", "1", "--out", "samples"],
        ["run", "--checkpoint", "factors/toning", "-n", "30", "--json", "--out", "scored"],
        [*bench, *words, "--set", "factors.steps=20", "--out", "bench"],
    )
    assert "learning_rate" in shown
    assert "verified" in verified
    assert Image.open(environment.folder / "samples" / "photo" / "sample-04.png").size == (64, 48)
    kept = json.loads((TONING / "zoo_toning/checkpoints/factors-toning/config.json").read_text())["scores"]
    for name, score in kept.items():
        assert json.loads(scored)["metrics"][name]["value"] == pytest.approx(score["value"], rel=0.02), name
    cells = json.loads(benched)["cells"]
    assert {"missed_draws", "energy_score"} <= cells[1]["metrics"].keys()
    assert [cell["model"] for cell in cells] == ["random", "factors"]
    assert all(cell["metrics"]["missed_draws"]["value"] > 0 for cell in cells)
