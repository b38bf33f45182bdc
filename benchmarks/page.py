"""How long a visitor of the page waits: from the drop of a photo of 12 megapixels to twenty pictures of it, in a browser.

Needs the extra ``app``, playwright and a chromium. The first round, in which all is imported and loaded, is told apart;
beside the clock stands the processor time of the server, which a busy machine does not change.

    python benchmarks/page.py
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from zoo.app.serve import examples, served

WAIT = 120_000


def large(folder: Path) -> Path:
    """A JPEG of 4000 x 3000 pixels: an example, enlarged, with the noise of a camera."""
    with Image.open(examples()[0][0]) as image:
        pixels = np.asarray(image.resize((4000, 3000)), np.float32)
    pixels = pixels + np.random.default_rng(0).normal(scale=6, size=(3000, 4000, 1))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / "large.jpg", quality=90)
    return folder / "large.jpg"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3, help="after the first")
    parser.add_argument("--checkpoint", help="by default the first that the page recommends")
    given = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as scratch, served(given.checkpoint, device="cpu") as url, sync_playwright() as play:
        photo, browser = large(Path(scratch)), play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(WAIT)
        page.goto(url)
        page.wait_for_selector("#strip img")
        seconds, own = [], []
        for i in range(given.rounds + 1):
            there, began, used = page.locator("#strip img").count(), time.perf_counter(), time.process_time()
            page.set_input_files("#drop input[type=file]", photo)
            page.wait_for_function(f"document.querySelectorAll('#strip img').length == {there + 1}")
            page.fill("#seed input, #seed textarea", str(i))
            page.click("#make")
            page.wait_for_function(f"document.querySelector('#headline')?.innerText.includes('seed {i}')")
            page.wait_for_function("[...document.querySelectorAll('#results img')].filter(img => img.complete).length == 20")
            seconds.append(round(time.perf_counter() - began, 2))
            own.append(round(time.process_time() - used, 2))
        browser.close()
    told = {
        "first": seconds[0],
        "then": seconds[1:],
        "processor": own[1:],
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
