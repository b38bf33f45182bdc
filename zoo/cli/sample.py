"""``zoo sample``."""

from __future__ import annotations

import sys
from pathlib import Path

from zoo.errors import RequestError


def main(checkpoint: str, images: list[str], n: int, out: str | None, seed: int | None, device: str) -> None:
    """Sample for every photo and save; nothing is written before every photo has been read.

    Raises:
        RequestError: the checkpoint, a photo, n or the folder is not right.
    """
    from zoo.loaded import load, photo_of

    if n < 1:
        raise RequestError(f"n is {n}; it must be at least 1")
    folder = _folder(checkpoint, out)
    loaded = load(checkpoint, device)
    places = [folder / name for name in _names(images)]
    photos = [photo_of(image) for image in images]
    for image, photo, place in zip(images, photos, places, strict=True):
        samples = loaded.sample(photo, n, seed=seed)
        samples.save(place)
        print(f"{image}: {n} samples in {place}", flush=True)
    if len(images) > 1:
        print(f"all in {folder}", file=sys.stderr)


def _folder(checkpoint: str, out: str | None) -> Path:
    if out is None:
        from zoo.outputs import default_folder

        name = checkpoint.removeprefix("dir:").rstrip("/").replace("\\", "/")
        return default_folder("sample", "-".join(name.split("/")[-2:]))
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} already holds something; name a new folder")
    return folder


def _names(images: list[str]) -> list[str]:
    """A folder's name for each photo: its own name, numbered where two are alike."""
    names: list[str] = []
    for image in images:
        stem, name, again = Path(image).stem or "photo", Path(image).stem or "photo", 1
        while name in names:
            again += 1
            name = f"{stem}-{again}"
        names.append(name)
    return names
