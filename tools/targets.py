"""The targets of the fuzzer: good files, what is done with them, and what is right; here those that data are read from."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from fuzz import Wrong
from hypothesis import strategies as st
from mutations import PLAN, changed
from PIL import Image

from zoo.contracts import make
from zoo.data.pairs import Pairs


class Target:
    """A kind of input: good files in ``root``, cases that change one of them, and what is done with the changed ones."""

    kind: ClassVar[str]
    weight: ClassVar[float] = 1.0
    change: ClassVar[str] = ""  # only files whose path matches this are changed

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stderr(io.StringIO()):
            self.make(root / "good")
        paths = sorted(path for path in (root / "good").rglob("*") if path.is_file())
        self.good = {path.relative_to(root / "good").as_posix(): path.read_bytes() for path in paths}
        names = [name for name in self.good if re.search(self.change, name)]
        self.cases: Any = st.tuples(st.sampled_from(names), PLAN)
        (self.root / "good").rename(self.root / "plain")
        self.use(self.root / "plain", None)  # what was not changed must be right

    def put(self, folder: Path, case: Any) -> None:
        name, plan = case
        for each, data in self.good.items():
            path = folder / each
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(changed(each, data, plan) if each == name else data)

    def make(self, folder: Path) -> None:
        raise NotImplementedError

    def use(self, folder: Path, case: Any) -> None:
        raise NotImplementedError


def photo(side: int = 24, number: int = 0) -> Image.Image:
    rows, columns = np.mgrid[:side, : side + 8]
    levels = np.stack([rows * 9 + number, columns * 7, rows * columns], 2)
    return Image.fromarray((levels % 256).astype(np.uint8))


class Images(Target):
    """Photos in the formats that are read, one with EXIF and a profile."""

    kind = "images"
    weight = 2.0

    def make(self, folder: Path) -> None:
        from PIL import ImageCms

        folder.mkdir()
        exif = Image.Exif()
        exif[0x0112] = 6
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        photo().save(folder / "a.jpg", exif=exif.tobytes(), icc_profile=profile)
        photo().save(folder / "b.png", icc_profile=profile)
        photo().convert("RGBA").save(folder / "c.png")
        photo().convert("P").save(folder / "d.gif")
        photo().save(folder / "e.webp")
        photo().save(folder / "f.tiff", compression="tiff_lzw")
        photo().save(folder / "g.bmp")
        Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 99).save(folder / "h.png")

    def use(self, folder: Path, case: Any) -> None:
        task = make.task("resaturate")
        for name in [case[0]] if case else self.good:
            image = task.read(str(folder / name))
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise Wrong(f"{name} was read as {image.shape} {image.dtype}")


class Cache(Target):
    """The memory of a folder of photos."""

    kind = "cache"
    change = "^cache/"

    def make(self, folder: Path) -> None:
        self.want: Any = None
        for i in range(3):
            for split in ("train", "test"):
                (folder / "photos" / split).mkdir(parents=True, exist_ok=True)
                photo(16, 40 * i + len(split)).save(folder / "photos" / split / f"{i}.png")
        self.want = self.read(folder)

    def read(self, folder: Path) -> Pairs:
        before = os.environ["ZOO_CACHE"]
        os.environ["ZOO_CACHE"] = str(folder / "cache")
        try:
            return make.task("resaturate", size=16).pairs(make.data(f"folder:{folder / 'photos'}"), "train")
        finally:
            os.environ["ZOO_CACHE"] = before

    def use(self, folder: Path, case: Any) -> None:
        got = self.read(folder)
        if not (torch.equal(got.x, self.want.x) and torch.equal(got.y, self.want.y) and got.digest == self.want.digest):
            raise Wrong("a changed memory gives other pairs")


class Archives(Target):
    """Archives and arrays: npz, npy, binvox, idx, gzip."""

    kind = "archives"

    def make(self, folder: Path) -> None:
        solid = np.zeros((8, 8, 8), bool)
        solid[2:6, 1:7, 3:5] = True
        for split in ("train", "test"):
            (folder / "files" / "cube" / split).mkdir(parents=True)
            np.save(folder / "files" / "cube" / split / "a.npy", solid)
            runs = np.flatnonzero(np.diff(np.r_[-1, solid.reshape(-1), -1].astype(int)))
            pairs = b"".join(
                bytes([int(solid.reshape(-1)[at]), int(n)]) for at, n in zip(runs[:-1], np.diff(runs), strict=True)
            )
            head = b"#binvox 1\ndim 8 8 8\ntranslate 0 0 0\nscale 1\ndata\n"
            (folder / "files" / "cube" / split / "b.binvox").write_bytes(head + pairs)
        (folder / "packed").mkdir()
        np.savez(folder / "packed" / "ball.npz", train=np.stack([solid] * 3), test=solid[None])
        np.savez_compressed(folder / "packed" / "cone.npz", voxels=np.stack([solid] * 5))
        (folder / "digits").mkdir()
        for stem in ("train", "t10k"):
            pixels = (np.arange(3 * 784) % 256).astype(np.uint8).tobytes()
            images = bytes((0, 0, 8, 3)) + b"".join(n.to_bytes(4, "big") for n in (3, 28, 28)) + pixels
            labels = bytes((0, 0, 8, 1)) + (3).to_bytes(4, "big") + bytes((1, 2, 3))
            (folder / "digits" / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images, mtime=0))
            (folder / "digits" / f"{stem}-labels-idx1-ubyte").write_bytes(labels)

    def use(self, folder: Path, case: Any) -> None:
        kinds = {"files": "voxels", "packed": "voxels", "digits": "mnist"}
        for name, kind in kinds.items():
            if case is None or case[0].startswith(name):
                for split in ("train", "test"):
                    records = make.data(f"{kind}:{folder / name}").read(split)  # type: ignore[arg-type]
                    records.image(0)


class Layouts(Target):
    """Lists and annotations of data sets: COCO's JSON, CelebA's tables."""

    kind = "layouts"
    change = r"(json|txt)$"

    def make(self, folder: Path) -> None:
        coco, celeba = folder / "coco", folder / "celeba"
        (coco / "annotations").mkdir(parents=True)
        for split in ("train", "val"):
            (coco / f"{split}2017").mkdir()
            for i in range(3):
                photo(48, i).save(coco / f"{split}2017" / f"{i:03d}.jpg")
            images = [{"id": i, "file_name": f"{i:03d}.jpg", "height": 48, "width": 56} for i in range(3)]
            square = [4, 4, 40, 4, 40, 40, 4, 40]
            boxes = [
                {
                    "id": i,
                    "image_id": i,
                    "category_id": 1,
                    "bbox": [4, 4, 36, 36],
                    "area": 1296,
                    "iscrowd": 0,
                    "segmentation": [square],
                }
                for i in range(3)
            ]
            said = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]}
            (coco / "annotations" / f"instances_{split}2017.json").write_text(json.dumps(said))
        (celeba / "img_align_celeba").mkdir(parents=True)
        names = [f"{i:06d}.jpg" for i in range(1, 7)]
        for i, name in enumerate(names):
            photo(64, i).save(celeba / "img_align_celeba" / name)
        rows = [f"{name} {' '.join('1' if (i + j) % 2 else '-1' for j in range(3))}" for i, name in enumerate(names)]
        (celeba / "list_attr_celeba.txt").write_text("\n".join(["6", "Bald Hat Young", *rows]) + "\n")
        (celeba / "list_eval_partition.txt").write_text("".join(f"{name} {i // 2}\n" for i, name in enumerate(names)))

    def use(self, folder: Path, case: Any) -> None:
        for kind in ("coco", "celeba"):
            if case is None or case[0].startswith(kind):
                records = make.data(f"{kind}:{folder / kind}").read("train")
                records.image(0)
                _ = records.attributes


class Videos(Target):
    """Videos of two codecs, in two containers."""

    kind = "videos"
    weight = 0.5

    def make(self, folder: Path) -> None:
        import cv2

        for split, name, code in (("train", "a.avi", "MJPG"), ("train", "b.mp4", "mp4v"), ("test", "c.avi", "MJPG")):
            (folder / split).mkdir(parents=True, exist_ok=True)
            video = cv2.VideoWriter(str(folder / split / name), cv2.VideoWriter_fourcc(*code), 8, (48, 32))
            for i in range(20):
                video.write(np.asarray(photo(48, 10 * i))[:32, :48].copy())
            video.release()

    def use(self, folder: Path, case: Any) -> None:
        records = make.data(f"video:{folder}?moments=2").read("test" if case and case[0].startswith("test") else "train")
        image = records.image(0)
        if image.ndim != 3 or image.dtype != np.uint8:
            raise Wrong(f"a frame was read as {image.shape} {image.dtype}")


DATA: tuple[type[Target], ...] = (Images, Cache, Archives, Layouts, Videos)
