"""The page in a real browser: a photo is dropped in, samples are made, one is chosen and downloaded; nobody else is asked."""

from __future__ import annotations

import base64
import io
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.testing.subjects.task import photo
from zoo.utils.errors import RequestError

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WAIT = 60_000
"""Milliseconds that anything may take, on a machine that does much else."""
PARTS = ("#head", "#drop", "#strip", "#task", "#checkpoint", "#count", "#make", "#strength", "#different", "#seed")
MADE = (
    "#headline",
    "#pair",
    "#slider",
    "#amount",
    "#more",
    "#keep",
    "#results",
    "#which",
    "#form",
    "#download",
    "#again",
    "#foot",
)
asked: list[str] = []
"""Where this process connects to, or whose address it looks up."""


def listen(event: str, given: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(given[1], tuple):
        asked.append(str(given[1][0]))
    elif event == "socket.getaddrinfo":
        asked.append(str(given[0]))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("gradio", reason="gradio is not installed: pip install 'cond-zoo[app]'")
    from zoo.app import serve

    sys.addaudithook(listen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve, "LIMIT", 200_000)
        with serve.served("cvae/relight", device="cpu") as address:
            yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    with driver.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(browser: Any, url: str, width: int, scheme: str, asked: list[str]) -> Any:
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.set_default_timeout(WAIT)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    page.wait_for_selector("#strip img")
    return page


BOXES = """parts => Object.fromEntries(parts.map(part => {
    const box = document.querySelector(part).getBoundingClientRect();
    return [part, {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height}];
}))"""


def settled(page: Any, parts: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Where the parts lie, all at one moment, once the page has come to rest."""
    before, now = None, page.evaluate(BOXES, list(parts))
    for _ in range(40):
        if now == before:
            break
        page.wait_for_timeout(100)
        before, now = now, page.evaluate(BOXES, list(parts))
    return dict(now)


def check_looks(page: Any, parts: tuple[str, ...]) -> None:
    """No part lies on another one, and none goes over the edge of the page."""
    boxes = settled(page, parts)
    for part, box in boxes.items():
        assert box["width"] > 0, part
        assert box["x"] >= 0, part
        assert box["x"] + box["width"] <= page.viewport_size["width"], part
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    edges = {part: (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for part, box in boxes.items()}
    for a, (left, top, right, bottom) in edges.items():
        for b, other in edges.items():
            apart = other[0] >= right - 1 or other[2] <= left + 1 or other[1] >= bottom - 1 or other[3] <= top + 1
            assert a == b or apart, (a, b)


def drop(page: Any, path: Path) -> None:
    """Drop a file on the page, as a hand would."""
    script = """async ([name, data]) => {
        const carried = new DataTransfer(), bytes = Uint8Array.from(atob(data), char => char.charCodeAt(0));
        carried.items.add(new File([bytes], name, {type: "image/png"}));
        return carried;
    }"""
    carried = page.evaluate_handle(script, [path.name, base64.b64encode(path.read_bytes()).decode()])
    page.dispatch_event("#drop button:has(input[type=file])", "drop", {"dataTransfer": carried})


def pictures(page: Any, count: int) -> None:
    page.wait_for_function(f"document.querySelectorAll('#results img').length == {count}")
    page.wait_for_function("document.querySelector('#make').innerText == 'Make pictures'")


def downloaded(page: Any, which: str, form: str) -> tuple[str, bytes]:
    page.locator("#which").get_by_label(which).check()
    page.locator("#form").get_by_label(form, exact=True).check()
    with page.expect_download() as download:
        page.click("#download")
    page.wait_for_function("document.querySelector('#download').innerText == 'Download'")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_port_that_is_taken_is_named(url: str) -> None:
    from zoo.app.serve import served

    port = int(url.rstrip("/").rpartition(":")[2])
    with pytest.raises(RequestError, match=f"the page cannot be served: port {port} is taken: name another"):  # noqa: SIM117
        with served(device="cpu", port=port):
            pass


@pytest.mark.usefixtures("url")
def test_a_visitor_who_was_away_for_too_long_is_told() -> None:
    import gradio

    from zoo.app.page import told

    with pytest.raises(gradio.Error, match="This page was left alone for too long, and its photos are removed: load it again"):
        told(lambda visit: visit)(None)


@pytest.mark.filterwarnings("ignore::Warning:gradio")
def test_a_photo_is_dropped_in_sampled_chosen_and_downloaded(browser: Any, url: str, tmp_path: Path) -> None:
    requests: list[str] = []
    image = Image.fromarray(photo(90, 120, 1))
    exif = image.getexif()
    exif[271] = "maker"
    image.save(tmp_path / "mine.png", exif=exif)
    (tmp_path / "words.jpg").write_text("no photo")
    page = opened(browser, url, 1400, "light", requests)
    page.set_input_files("#drop input[type=file]", [tmp_path / "words.jpg"])
    said = page.wait_for_selector(".toast-body").inner_text()
    assert "Cannot read words.jpg as an image: not an image, or one of an unknown format" in said
    assert "/" not in said, "where the server keeps it is nobody's business"
    (tmp_path / "large.png").write_bytes(bytes(200_001))
    page.set_input_files("#drop input[type=file]", [tmp_path / "large.png"])
    page.wait_for_function("document.querySelector('.toast-body').innerText.includes('exceed the maximum allowed size')")
    page.locator(".toast-close").first.click()
    drop(page, tmp_path / "mine.png")
    page.wait_for_function("document.querySelectorAll('#strip img').length == 3")
    page.fill("#seed input, #seed textarea", "7")
    page.click("#make")
    pictures(page, 20)
    assert "20 pictures of mine" in page.inner_text("#headline")
    assert "cvae/relight · seed 7" in page.inner_text("#headline")
    page.locator("#results img").nth(4).click()
    page.wait_for_selector("#slider img")
    page.click("#keep")
    page.wait_for_function("document.querySelector('#results').innerText.includes('★ 5')")
    check_looks(page, PARTS + MADE)

    name, data = downloaded(page, "The large one", "PNG")
    own = zoo.load("cvae/relight", device="cpu").sample(tmp_path / "mine.png", 20, seed=7)
    assert name == "mine-7-05.png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), own.images[4])
    assert Image.open(io.BytesIO(data)).getexif()[271] == "maker"
    name, data = downloaded(page, "All", "GIF")
    assert Image.open(io.BytesIO(data)).n_frames == 21

    page.click("#more")
    page.wait_for_selector("#back")
    assert "more like no. 5, 30% away" in page.inner_text("#headline")
    assert re.search(r"seed=7, near=\[\(4, 0.3\)\]\)", page.inner_text("#again"))
    name, data = downloaded(page, "All", "JPEG")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [f"mine-7-like-5-{number:02d}.jpg" for number in range(1, 21)]
        assert Image.open(archive.open("mine-7-like-5-01.jpg")).size == (120, 90)

    small = opened(browser, url, 400, "dark", requests)
    small.click("#make")
    pictures(small, 20)
    small.locator("#results img").nth(1).click()
    small.wait_for_selector("#slider img")
    check_looks(small, PARTS + MADE)
    brightness = (
        "[...getComputedStyle(document.querySelector('gradio-app, body')).backgroundColor.matchAll(/\\d+/g)].slice(0, 3)"
    )
    assert max(int(part[0]) for part in small.evaluate(brightness)) < 60
    own_host = url.split("/")[2]
    assert len(requests) > 50
    assert {request.split("/")[2] for request in requests if not request.startswith(("data:", "blob:"))} == {own_host}
    assert set(asked) <= {"127.0.0.1", "localhost"}
