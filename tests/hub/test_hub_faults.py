"""Everything that can go wrong: the right words, the right exit code, nothing half-written, nothing executed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hubworld import REPO, World
from loopback import Faults
from outcomes import OUTCOMES, PUSH, Outcome
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs" / "reliability.md"


@pytest.fixture
def here(here: World) -> World:
    """The world with a good checkpoint in ``weights``, a photo, and a folder of photos."""
    here.checkpoint()
    (here.path / "photos").mkdir()
    Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(here.path / "photo.png")
    return here


def table() -> dict[str, tuple[str, ...]]:
    """The rows of the page's table by their first cell: command, what the user reads, exit code."""
    _, _, section = DOCS.read_text(encoding="utf-8").partition("\n## The Hub and the network\n")
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    cells = [tuple(line.strip("| ").split(" | ")) for line in lines]
    return {first: tuple(rest) for first, *rest in cells}


@pytest.mark.parametrize("one", OUTCOMES, ids=lambda one: one.fault)
def test_a_fault_has_its_words_and_its_code(here: World, one: Outcome) -> None:
    for step in one.steps:
        step(here)
    before = here.hub.head(REPO)
    code, out, err = here.zoo(*one.words)
    lines = [here.plain(line.removeprefix("zoo: ")) for line in err.splitlines()]
    command, says, listed = table()[one.fault]
    assert (says in lines) if code == 0 else (says == lines[-1]), "\n".join(lines)
    assert (code, listed) == (one.code, str(one.code))
    assert command == f"`zoo {here.plain(' '.join(one.words[:3]))}`"
    assert "Traceback" not in out + err
    assert here.whole()
    assert not (here.path / "sprung").exists()
    assert not list(here.path.rglob("*evil*"))
    assert not (here.path / "samples").exists()
    assert here.hub.head(REPO) == before, "a push that fails leaves the old revision"
    assert code == 0 or out == ""


def test_every_row_of_the_page_is_run() -> None:
    assert list(table()) == [one.fault for one in OUTCOMES]


def test_after_every_fault_of_a_download_the_next_pull_works(here: World) -> None:
    here.put()
    for faults in ({"halved": {"README.md"}}, {"drop": {"model.safetensors"}}, {"corrupt": {"config.json"}}):
        here.hub.faults.__dict__.update(faults)
        assert here.zoo("pull", REPO)[0] == 1
        here.hub.faults = Faults()
    code, out, _ = here.zoo("pull", REPO)
    assert code == 0
    assert "was cached" not in out
    assert here.whole()


def test_a_push_that_failed_can_be_done_again(here: World) -> None:
    here.hub.faults.die_at_commit = True
    assert here.zoo(*PUSH)[0] == 1
    assert "model.safetensors" not in here.hub.files(REPO)
    here.hub.faults = Faults()
    assert here.zoo(*PUSH)[0] == 0
    assert here.hub.files(REPO)["model.safetensors"] == (here.path / "weights" / "model.safetensors").read_bytes()
