"""A visitor of the page, without a browser: what is offered, drawn, kept and saved, and what is said where that cannot be."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from calls import call_here
from PIL import Image

import zoo
from zoo.app.drawn import SHOWN
from zoo.app.offers import Offer, offers
from zoo.app.visit import Visit
from zoo.catalog.recommended import meant
from zoo.contracts import make
from zoo.testing.subjects.task import photo
from zoo.utils.errors import RequestError


@pytest.fixture(scope="module")
def loaded() -> zoo.Loaded:
    return zoo.load("cvae/relight", device="cpu")


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    Image.fromarray(photo(60, 80, 1)).save(tmp_path / "mine.png")
    return Visit.begin(tmp_path, [(tmp_path / "mine.png", "mine")])


def borrowed(folder: Path, task: str, x: tuple[int, ...], **config: object) -> zoo.Loaded:
    """A checkpoint of a task, whose samples are four training fields drawn at random."""
    model = make.model("random", x, (3, 8, 8))
    model.fit(zoo.Pairs(torch.rand(4, *x), torch.linspace(0, 1, 4)[:, None, None, None].expand(-1, 3, 8, 8)))
    model.save(folder, task=task, task_config={"size": 8, **config})
    return zoo.load(f"dir:{folder}", device="cpu")


def drawn(visit: Visit, loaded: zoo.Loaded, seed: int = 3, different: int = 1) -> Visit:
    assert visit.photo is not None
    visit.draw(loaded, visit.photo.path, visit.photo.name, 6, different, seed)
    return visit


def test_the_recommended_are_offered_first_and_those_for_measurement_last_and_marked(tmp_path: Path) -> None:
    found = offers()
    for task in ("relight", "resaturate"):
        mine = [offer for offer in found if offer.task == task]
        assert mine[0].label.endswith("(recommended)")
        marked = ["for measurement only" in offer.label for offer in mine]
        assert marked == sorted(marked)
        assert any(marked)
    assert {offer.does for offer in found} >= {"Change the light", "Change the colours"}
    own = borrowed(tmp_path / "own", "complete", (4, 8, 8))
    first, *others = offers(own)
    assert first == Offer(f"dir:{tmp_path / 'own'}", "complete", "Fill in a part", f"dir:{tmp_path / 'own'}", "Model random.")
    assert set(others) == set(found)
    assert [offer.name for offer in offers(zoo.load("cgan/resaturate"))][:2] == ["cgan/resaturate", meant("resaturate")]


def test_what_the_page_shows_is_what_python_samples(visit: Visit, loaded: zoo.Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn(visit, loaded, different=3)
    own = loaded.sample(visit.folder.parent / "mine.png", 18, seed=3, distinct=6)
    assert torch.equal(visit.pool.fields, own.fields)
    assert np.array_equal(visit.pool.pictures(1.0), own.images)
    assert visit.pool.again() == "zoo.load('cvae/relight').sample('mine.png', 18, seed=3, distinct=6)"
    visit.current = 2
    visit.more_like_this(0.2)
    near = [(own.places[2], 0.2)]
    assert torch.equal(visit.pool.fields, loaded.sample(visit.folder.parent / "mine.png", 18, 3, distinct=6, near=near).fields)
    assert visit.pool.again().endswith(f"seed=3, distinct=6, near={near})")
    before = Path(visit.pictures[0]).read_bytes()
    visit.set_strength(0)
    assert np.abs(visit.pool.pictures(visit.strength).astype(int) - photo(60, 80, 1)).max() <= 2
    assert Path(visit.pictures[0]).read_bytes() != before
    assert visit.pool.again(0.5).endswith(f"seed=3, strength=0.5, distinct=6, near={near})")
    visit.back()
    assert torch.equal(visit.pool.fields, own.fields)
    visit.enlarge(6)
    assert visit.current is None, "of pictures that were made before those"
    visit.enlarge(1)
    shown = [visit.pools, visit.pictures, visit.strength, visit.current]

    def failing(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("zoo.app.visit.write", failing)
    for change in (lambda: visit.more_like_this(0.2), lambda: visit.set_strength(1.5)):
        with pytest.raises(OSError, match="the disk is full"):
            change()
    assert [visit.pools, visit.pictures, visit.strength, visit.current] == shown


def test_one_some_or_all_are_saved_at_the_size_of_the_photo(visit: Visit, loaded: zoo.Loaded, tmp_path: Path) -> None:
    Image.fromarray(photo(20, SHOWN + 200, 1)).save(tmp_path / "wide.jpg")
    (tmp_path / "uploaded").mkdir()
    shutil.copy(tmp_path / "wide.jpg", tmp_path / "uploaded")
    visit.add([str(tmp_path / "uploaded/wide.jpg")])
    shutil.rmtree(tmp_path / "uploaded")  # as the server does, an hour later
    drawn(visit, loaded)
    assert Image.open(visit.pictures[0]).width == SHOWN
    for which, said in (("one", "click a picture first"), ("kept", "keep pictures first")):
        with pytest.raises(RequestError, match=f"nothing to download yet: {said}"):
            visit.save(which, "PNG")
    for visit.current in (1, 4, 5, 5):
        visit.keep()
    one = visit.save("one", "PNG")
    assert one.name == "wide-3-06.png"
    assert np.array_equal(np.asarray(Image.open(one)), loaded.sample(tmp_path / "wide.jpg", 6, 3).images[5])
    with zipfile.ZipFile(visit.save("kept", "JPEG")) as archive:
        assert archive.namelist() == ["wide-3-02.jpg", "wide-3-05.jpg"]
        assert Image.open(archive.open("wide-3-02.jpg")).width == SHOWN + 200
    assert Image.open(visit.save("all", "GIF")).n_frames == 7
    assert not one.exists(), "many downloads of large photos would fill the disk"
    visit.end()
    assert not visit.folder.exists()


def test_what_was_brushed_over_is_filled_in_and_nothing_else(visit: Visit, tmp_path: Path) -> None:
    loaded = borrowed(tmp_path / "own", "complete", (4, 8, 8))
    layer = np.zeros((30, 40, 4), np.uint8)
    with pytest.raises(RequestError, match="brush over the part that is to be filled in"):
        visit.erased([layer])
    layer[16:20, 11:24] = 255
    visit.draw(loaded, visit.erased([layer]), "mine", 6, 1, 3)
    changed = (visit.pool.pictures(1.0) != photo(60, 80, 1)).any(-1).any(0)
    brushed = np.zeros((60, 80), bool)
    brushed[32:40, 22:48] = True  # on a picture of half the size
    assert np.array_equal(changed, brushed)
    visit.current = 0
    assert Image.open(visit.save("one", "PNG")).mode == "RGB", "the holes are filled"


def test_pictures_of_what_is_ticked_need_no_photo(tmp_path: Path) -> None:
    loaded = borrowed(tmp_path / "own", "attributes", (3,), names=("Hat", "Big_Eyes", "Beard"), exclusive=False)
    assert loaded.task.choices() == (("Hat", "Big_Eyes", "Beard"), False)
    visit = Visit.begin(tmp_path, [])
    visit.draw(loaded, "Hat,Beard", "Hat, Beard", 6, 1, 3)
    assert visit.original is None
    assert len(visit.pictures) == 6
    assert visit.save("all", "PNG").name == "Hat, Beard-3.zip"


def test_what_cannot_be_done_is_said(visit: Visit, loaded: zoo.Loaded, tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("words")
    with pytest.raises(RequestError, match=r"^cannot read words\.png as an image: "):
        visit.add([str(tmp_path / "mine.png"), str(tmp_path / "words.png")])
    assert len(visit.photos) == 1, "none is taken in"
    for asked in (visit.back, lambda: visit.save("all", "PNG")):
        with pytest.raises(RequestError, match="there are no pictures yet"):
            asked()
    drawn(visit, loaded)
    with pytest.raises(RequestError, match="click a picture first"):
        visit.more_like_this(0.3)
    toy = zoo.Loaded("dir:toy", loaded.model, make.task("toy"), loaded.facts, "", tmp_path)
    with pytest.raises(RequestError, match="the page takes photos and choices"):
        offers(toy)


def test_without_gradio_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    called = call_here("app", "--device", "cpu")
    assert called.code == 1
    assert re.fullmatch(r"zoo: package gradio cannot be imported \(.*\): pip install 'cond-zoo\[app\]'\n", called.err)


def test_names_of_files_are_short_and_plain(visit: Visit, loaded: zoo.Loaded) -> None:
    assert visit.photo is not None
    visit.draw(loaded, visit.photo.path, "../a/" + "b" * 300, 1, 1, 3)
    assert visit.pool.stem == ".._a_" + "b" * 55 + "-3"
