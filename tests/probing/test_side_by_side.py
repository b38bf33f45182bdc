"""Broken packages of third parties, many at once: they are named with the reason, and cost nobody else anything."""

from __future__ import annotations

import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from broken import PACKAGES, install
from calls import Called, call

RUN = ["run", "--model", "random", "--task", "relight", "--data", "scenes:48", "-n", "4", "--items", "12"]
BENCH = ["bench", "--models", "random", "--tasks", "relight", "--data", "scenes:48", "-n", "3", "--items", "8", "--seeds", "1"]
BENCH += ["--no-references"]


class Place(NamedTuple):
    """A folder of a test, with the broken packages installed or without."""

    folder: Path
    broken: bool

    def call(self, *commands: list[str]) -> list[Called]:
        env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "ZOO_PLUGINS")}
        env |= {"ZOO_CACHE": str(self.folder / "cache"), "MARKS": str(self.folder / "marks"), "ZOO_PROBE_SECONDS": "7"}
        if self.broken:
            env["PYTHONPATH"] = str(self.folder / "site")
        return call(sys.executable, commands, env, self.folder)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    both = []
    for broken in (True, False):
        folder = tmp_path_factory.mktemp("with" if broken else "without")
        (folder / "marks").mkdir()
        install(folder / "site")
        both.append(Place(folder, broken))
    return both[0], both[1]


@pytest.fixture(scope="module")
def listed(places: tuple[Place, Place]) -> list[Called]:
    """Help and lists, before anything was tried, while it is, and after."""
    return places[0].call(["--help"], ["list"], ["list", "plugins"], ["list"], ["list", "plugins"])


def ours(text: str) -> list[list[str]]:
    """The words of the lines of a list that are of this project's own; columns are as wide as others' names make them."""
    return [line.split() for line in text.splitlines() if "cond-zoo" in line]


def test_help_and_lists_say_the_same_of_ours_and_import_nothing(places: tuple[Place, Place], listed: list[Called]) -> None:
    plain_help, plain_list = places[1].call(["--help"], ["list"])
    assert listed[0] == plain_help
    for called in (listed[1], listed[3]):
        assert (called.code, called.marks) == (0, [])
        assert ours(called.out) == ours(plain_list.out) != []
    assert plain_list.err == ""


def test_what_metadata_tells_is_told_at_once(listed: list[Called]) -> None:
    said = listed[1].out + listed[1].err
    for name, package in PACKAGES.items():
        if package.listed:
            assert re.search(package.says, said), name
    assert "import" not in listed[1].out.partition("CHECKPOINT")[0]


def test_every_culprit_is_named_with_its_reason(listed: list[Called]) -> None:
    """``zoo list plugins`` tries them, in other processes; after it ``zoo list`` knows."""
    tried, after, again = listed[2:]
    rows = {line.split()[0].replace("_", "-"): line for line in tried.out.splitlines()}
    for name, package in PACKAGES.items():
        assert re.search(package.says, rows[f"broken-{name}"]), (name, rows[f"broken-{name}"])
        if name not in ("needy", "raises"):  # what is required is looked up by the one, what it does when called by neither
            assert re.search(package.says, after.out + after.err), name
    assert "ModuleNotFoundError: No module named 'nowhere_to_be_had'" in after.out
    assert rows["broken-raises"].endswith("sound")
    assert rows["cond-zoo"].endswith("built in")
    sources = {f"broken_{name}" for name in PACKAGES if name not in ("metadata", "value", "nowhere")}
    assert set(tried.marks) == sources
    assert again.out == tried.out
    assert again.marks == []


def test_runs_of_ours_are_the_same(places: tuple[Place, Place], listed: list[Called]) -> None:
    """Only what was found sound is imported; where that fails in the work, it is left out, and where it prints, on stderr."""
    calls = [[*RUN, "--json", "--out", "run"], ["show", "random"], [*BENCH, "--workers", "0", "--json", "--out", "bench"]]
    with ThreadPoolExecutor() as both:  # one of them waits for what is slow to be imported
        (run, show, bench), (plain_run, plain_show, plain_bench) = both.map(lambda place: place.call(*calls), places)
    for called in (run, show, bench):
        assert called.code == 0, called.err
        assert set(called.marks) <= {"broken_raises"}
    assert json.loads(run.out) == json.loads(plain_run.out)
    assert show[:3] == plain_show[:3]
    cells, plain_cells = (json.loads(called.out)["cells"] for called in (bench, plain_bench))
    assert [cell["metrics"] for cell in cells] == [cell["metrics"] for cell in plain_cells]
    assert "loud" in run.err
    left_out = {line.split()[0]: line for line in run.err.splitlines() if "was left out" in line}
    ours = {line.split()[0] for line in plain_run.err.splitlines() if "was left out" in line}
    assert "nll" in ours
    assert set(left_out) - ours == {"slow", "noise", "dies", "meddler", "unfinished", "raises"}
    assert ours <= set(left_out)
    assert "ValueError: it never works" in left_out["raises"]
    for name in ("slow", "noise", "dies", "meddler", "unfinished"):
        assert re.search(PACKAGES[name].says, left_out[name])


def test_asking_for_a_broken_one_is_answered_in_one_line(places: tuple[Place, Place], listed: list[Called]) -> None:
    asked = [name for name, one in PACKAGES.items() if not one.effect and name not in ("metadata", "thief", "clash2")]
    commands = []
    for name in asked:
        what = {"clash1": "twice"}.get(name, name)
        words = {"--model": "random", "--task": "relight"}
        kind = PACKAGES[name].points.partition("]")[0].removeprefix("[zoo.").removesuffix("s")
        words[f"--{kind}"] = what
        commands.append(["run", "--out", "none", *(word for pair in words.items() for word in pair)])
    for name, called in zip(asked, places[0].call(*commands), strict=True):
        says = {"clash1": "broken-clash1 1.0 and broken-clash2 1.0; uninstall one", "needy": "ModuleNotFoundError"}
        assert re.search(says.get(name, PACKAGES[name].says), called.err), (name, called.err)
        assert called.err.startswith("zoo: ")
        assert called.err.count("\n") == 1
        assert called.code == (2 if name == "clash1" else 1)
    assert not (places[0].folder / "none").exists()


def test_the_first_who_asks_is_not_the_one_who_dies(places: tuple[Place, Place], tmp_path: Path) -> None:
    """Nothing is known yet, and what ends its process is asked for by name."""
    place = Place(tmp_path, True)
    (tmp_path / "marks").mkdir()
    (tmp_path / "site").symlink_to(places[0].folder / "site")
    (called,) = place.call(["show", "dies"])
    assert called.code == 1
    assert called.err == "zoo: metric 'dies' of broken-dies 1.0 is broken: its import ends the process (exit code 7)\n"
