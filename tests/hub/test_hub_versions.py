"""The client that is installed, and the oldest that is allowed: the same commits, the same samples, the same words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zygote
from hubworld import World

from zoo.hub.cache import damaged
from zoo.hub.pull import pull
from zoo.hub.source import parse

ROOT = Path(__file__).parents[2]
BEFORE_1 = ("requests", "urllib3", "charset-normalizer", "idna", "certifi")
"""What clients before 1.0 need and later ones do not."""


def oldest() -> str:
    found = re.search(r'"huggingface_hub>=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found
    return found[1] + ".0" * (2 - found[1].count("."))


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the oldest client and what it needs, to be put first on the path."""
    folder = tmp_path_factory.mktemp("old")
    wanted = [f"huggingface_hub=={oldest()}", *BEFORE_1]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check", "--target", str(folder)]
    done = subprocess.run([*pip, *wanted], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip cannot fetch huggingface_hub {oldest()}: {done.stderr.strip().splitlines()[-1]}")
    return folder


def trip(here: World, repo: str, first: Path | None = None) -> dict[str, Any]:
    environment = here.environment()
    if first is not None:
        environment["PYTHONPATH"] = f"{first}:{environment['PYTHONPATH']}"
    home = here.path / repo.replace("/", "-")
    environment.update(HF_HOME=str(home), HF_HUB_CACHE=str(home / "hub"))
    client = f"import runpy; runpy.run_path({str(Path(__file__).with_name('client.py'))!r}, run_name='__main__')"
    done = zygote.run(client, str(here.path / "weights"), repo, env=environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_two_versions_of_the_client_do_the_same(here: World, old: Path) -> None:
    files = here.files()
    here.hub.put("org/damaged", {**files, "config.json": files["config.json"] + b" "})
    here.hub.put("org/dropped", {**files, "model.safetensors": b"x" * 1000})
    here.hub.faults.corrupt.add("golden.safetensors")
    here.hub.put("org/damaged", {"golden.safetensors": b"golden"})
    here.hub.faults.drop.add("samples.png")
    here.hub.put("org/dropped", {"samples.png": b"picture" * 99})
    ancient, new = trip(here, "org/old", old), trip(here, "org/new")
    assert ancient["version"] == oldest()
    assert new["version"] != oldest()
    for found in (new, ancient):
        assert found["pushed"] == found["pulled"], "to the bit"
        assert len(set(found["commit"])) == 1
        assert found["cached"] == [False, True, True]
    assert new["pushed"] == ancient["pushed"]
    assert len(new["blobs"]) == len(ancient["blobs"]) == 3
    assert set(new["listed"]) == {"org/new", "org/old", "org/damaged", "org/dropped"}
    assert set(ancient["listed"]) == {"org/old", "org/damaged", "org/dropped"}
    here.patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(here.path / "org-old" / "hub"))
    kept = pull(parse("org/old"))
    assert (kept.from_cache, damaged(kept.folder)) == (True, []), "what the one cached the other reads"
    for after, before in zip(new["refused"], ancient["refused"], strict=True):
        assert [after[0].replace("org/new", "R"), after[1]] == [before[0].replace("org/old", "R"), before[1]]
    assert [code for _, code in new["refused"]] == [2, 2, 1, 1]
    assert [words for words, _ in new["refused"]][2:] == [
        "hf:org/damaged: golden.safetensors arrived damaged: its bytes are not those that the Hub lists; "
        "it is removed, pull it again",
        "fetching samples.png of org/dropped: the connection broke off in the middle; try again",
    ]
