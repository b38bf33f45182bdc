"""The snippets of README and documentation, and a small world of photos, clips and annotations to run them in."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import zoo

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FILE = r"^`([\w./-]+)`[^\n]*\n\n|^[^\n]*`([\w./-]+)`:\s*\n\n"
"""The line before a block that names the file it is, at its beginning or its end."""
QUICK = {
    "run": ["-n", "2", "--items", "3"],
    "bench": ["--no-references", "--seeds", "1", "-n", "3", "--items", "3", "--workers", "0", "--set", "training.steps=2"],
}
"""What is added to a command so that it shows in seconds that it works."""


class Block(NamedTuple):
    """One fenced block: its language, its text, the file that the line before it names ("" if none), and whether it is one of
    the commands that CI takes from the page and runs as they are."""

    kind: str
    text: str
    file: str
    in_ci: bool


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    made = []
    for match in re.finditer(rf"(?:{FILE})?^```(\w+)\n(.*?)^```", text, re.S | re.M):
        first, second, kind, inside = match.groups()
        made.append(Block(kind, inside, first or second or "", text[: match.start()].endswith(" -->\n")))
    return made


def commands(text: str) -> list[list[str]]:
    """The words of each command of a shell block; ``&&`` ends one."""
    made = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while "&&" in words:
            made.append(words[: words.index("&&")])
            words = words[words.index("&&") + 1 :]
        if words:
            made.append(words)
    return made


def quick(words: list[str]) -> list[str]:
    """A ``zoo`` command with little to do: few worlds, items, samples and steps, and of a whole suite one model."""
    verb, more = words[1], [*QUICK.get(words[1], [])]
    if "--collect" in words:  # which knows what was asked for
        return words
    if verb in QUICK and "--data" not in words and "toy" not in words:  # which takes data of its own alone
        more += ["--data", "scenes:48"]
    if verb == "run" and "--checkpoint" not in words:
        more += ["--set", "training.steps=2"]
    if verb == "bench" and "--models" not in words:
        more += ["--models", "nn"]
    return [*map(_few, words), *more]


def _few(word: str) -> str:
    """Data of few scenes where it is scenes, with the options that are given."""
    kind, _, options = word.partition(":")
    given = [option for option in options.split(",") if option and not option.isdigit()]
    return ",".join(["scenes:48", *given]) if kind == "scenes" else word


def fitted_example(text: str, name: str, **settings: Any) -> tuple[zoo.Model, Tensor, Any]:
    """The model ``name`` of a text, fitted to y that is x in 7 of 10 cases, else 1 - x; x (512, 1, 2, 2), and the history."""
    space: dict[str, Any] = {"__name__": "example"}
    exec(compile(text, name, "exec", dont_inherit=True), space)
    g = torch.Generator().manual_seed(0)
    x = torch.rand(512, 1, 2, 2, generator=g)
    y = torch.where(torch.rand(512, 1, 1, 1, generator=g) < 0.7, x, 1 - x)
    model = space[name]((1, 2, 2), (1, 2, 2), **settings)
    return model, x, model.fit(zoo.Pairs(x, y), seed=0, device="cpu", progress=False)


def make_world(folder: Path) -> None:
    """``photo.jpg``, ``photos/``, ``coco/``, ``clips/``, ``davis/``, ``celeba/``, ``facades/``, ``mnist/``, ``cifar10/`` and
    ``modelnet10/``, with little in them."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_photo(0, 60, 80)).save(folder / "photo.jpg")
    for i in range(24):
        path = folder / "photos" / ("test" if i % 3 == 0 else "train") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_photo(i, 48, 64)).save(path)
    for part in ("train2017", "val2017"):
        _coco(folder / "coco", part)
    for name in ("clips", "davis"):
        for clip in range(6):
            frames = folder / name / f"clip-{clip}"
            frames.mkdir(parents=True)
            for i in range(30):
                Image.fromarray(np.roll(_photo(clip, 32, 40), i, axis=1)).save(frames / f"{i:05d}.jpg")
    _celeba(folder / "celeba")
    for split in ("train", "test"):
        (folder / "facades" / split).mkdir(parents=True)
        for i in range(6):
            Image.fromarray(_photo(i, 32, 64)).save(folder / "facades" / split / f"{i}.jpg")
        for i in range(8):
            for name in (f"mnist/{split}/{i % 2}", f"cifar10/{split}/{'bird' if i % 2 else 'cat'}"):
                (folder / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(_photo(i, 28, 28)[..., 0] if "mnist" in name else _photo(i, 32, 32)).save(
                    folder / name / f"{i}.png"
                )
    (folder / "modelnet10").mkdir()
    grid = np.indices((32, 32, 32))
    for name, wide in (("chair", 6), ("monitor", 12)):
        solids = np.stack([(abs(grid - 16) < np.array([wide, 4 + i, 10 - i])[:, None, None, None]).all(0) for i in range(6)])
        np.savez(folder / "modelnet10" / f"{name}.npz", voxels=solids)


def _celeba(folder: Path) -> None:
    (folder / "img_align_celeba").mkdir(parents=True)
    lines = ["20", "Eyeglasses Smiling"]
    for i in range(20):
        Image.fromarray(_photo(i, 54, 44)).save(folder / "img_align_celeba" / f"{i + 1:06}.jpg")
        lines.append(f"{i + 1:06}.jpg {1 if i % 2 else -1} {1 if i % 3 else -1}")
    (folder / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")


def _coco(folder: Path, part: str) -> None:
    images, annotations = [], []
    (folder / part).mkdir(parents=True)
    (folder / "annotations").mkdir(exist_ok=True)
    for i in range(12):
        Image.fromarray(_photo(i + len(part), 48, 64)).save(folder / part / f"{i}.jpg")
        images.append({"id": i, "file_name": f"{i}.jpg", "width": 64, "height": 48})
        annotations.append({"id": i, "image_id": i, "category_id": 1, "bbox": [4 + i, 4, 30, 20], "iscrowd": 0})
    text = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "annotations" / f"instances_{part}.json").write_text(json.dumps(text))


def _photo(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """A few large coloured patches under a ramp of light."""
    patches = np.random.default_rng(seed).integers(20, 256, (3, 4, 3)).astype(np.float64)
    rows, columns = np.arange(height) * 3 // height, np.arange(width) * 4 // width
    return (patches[rows][:, columns] * np.linspace(0.4, 1, width)[None, :, None]).astype(np.uint8)
