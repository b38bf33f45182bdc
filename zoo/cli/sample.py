"""``zoo sample``."""

from __future__ import annotations

import sys
from pathlib import Path

from zoo.utils.errors import RequestError


def main(
    checkpoint: str, items: list[str], attributes: str | None, n: int, out: str | None, seed: int | None, device: str
) -> None:
    """Sample for every item and save; nothing is written before every item has been read.

    Raises:
        RequestError: the checkpoint, an item, n or the folder is not right.
    """
    from zoo.catalog.loaded import load

    if n < 1:
        raise RequestError(f"n is {n}; it must be at least 1")
    folder = _folder(checkpoint, out)
    loaded = load(checkpoint, device)
    wanted = loaded.task.item
    if attributes is not None:
        if wanted != "attributes":
            raise RequestError(f"checkpoint {checkpoint} starts from a {wanted}, not from attributes: leave out --attributes")
        items = [*items, attributes]
    if not items:
        option = " (--attributes NAME,NAME)" if wanted == "attributes" else ""
        raise RequestError(f"there is nothing to sample for; name at least one {wanted}{option}")
    places = [folder / name for name in _names(items)]
    given = [loaded.task.read(item) for item in items]
    for item, one, place in zip(items, given, places, strict=True):
        samples = loaded.sample(one, n, seed=seed)
        samples.save(place)
        print(f"{item}: {n} samples in {place}", flush=True)
    if len(items) > 1:
        print(f"all in {folder}", file=sys.stderr)


def _folder(checkpoint: str, out: str | None) -> Path:
    if out is None:
        from zoo.running.folder import default_folder

        name = checkpoint.removeprefix("dir:").rstrip("/").replace("\\", "/")
        return default_folder("sample", "-".join(name.split("/")[-2:]))
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} already holds something; name a new folder")
    return folder


def _names(items: list[str]) -> list[str]:
    """A folder's name for each item: its own name, numbered where two are alike."""
    names: list[str] = []
    for item in items:
        path = Path(item)
        stem, again = (path.stem if path.is_file() else path.name) or "item", 1
        name = stem
        while name in names:
            again += 1
            name = f"{stem}-{again}"
        names.append(name)
    return names
