"""A list of COCO's: the images, the objects and the categories of it that can be used, and why the others cannot."""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from zoo import RequestError, afford, border, read_bytes, regular

Key = tuple[int, str]
"""An id: a whole number and "", or 0 and a text that is none."""
Box = tuple[float, float, float, float]
"""Left, top, width, height."""
_T = TypeVar("_T")
_CROWD = "it is a crowd"
_LARGEST = 1 << 31
"""Bytes of a list; that of COCO's training images has 448 MB."""


class _Image(msgspec.Struct):
    id: Any = None
    file_name: Any = None
    width: Any = None
    height: Any = None


class _Object(msgspec.Struct):
    id: Any = None
    image_id: Any = None
    category_id: Any = None
    bbox: Any = None
    iscrowd: Any = 0


class _Category(msgspec.Struct):
    id: Any = None
    name: Any = None


class _Named(msgspec.Struct):
    categories: list[_Category]


class _List(_Named):
    images: list[_Image]
    annotations: list[_Object]


class _AnythingNamed(msgspec.Struct):
    categories: list[Any]


class _Anything(_AnythingNamed):
    images: list[Any]
    annotations: list[Any]


@dataclass
class Listed:
    """An image of the list: its name in it, its size there (width, height), and its objects."""

    name: str
    size: tuple[float, float]
    objects: list[tuple[Key, Box]] = field(default_factory=list)
    """The category of each, and its box in pixels of ``size``."""


@dataclass
class Instances:
    """The content of a list: ``images`` and ``categories`` by ascending id, and the reasons of what is left out."""

    images: list[Listed]
    categories: dict[Key, str]
    objects: int
    bad_images: dict[str, str]
    bad_objects: dict[str, str]


def read_categories(path: Path) -> dict[Key, str]:
    """The categories of a list by ascending id, little else of it being kept; raises as :func:`read_instances`."""
    return _categories(path, _parsed(path, _Named, _AnythingNamed))


def read_instances(path: Path) -> Instances:
    """The list in a file; a RequestError where it is none, or has no image, category or object that can be used."""
    told = _parsed(path, _List, _Anything)
    bad_images: dict[str, str] = {}
    bad_objects: dict[str, str] = {}
    categories = _categories(path, told)
    owners: dict[Key, Listed | None] = {}
    for key, listed in _good(told.images, _Image, _image, bad_images, "image"):
        twin = owners.setdefault(key, listed)
        if twin is not listed and (twin is None or twin.name != listed.name):  # whose objects they are, nobody can tell
            bad_images[listed.name] = bad_images[(twin or listed).name] = f"another image has its id, {_shown(key)}"
            owners[key] = None
        elif twin is not listed:
            bad_images[f"{listed.name} (again)"] = "it is listed twice"
    seen = set()
    good: list[dict[str, Any]] = []  # the entries that can be used, as COCO's own code wants them
    for own, image, category, box in _good(told.annotations, _Object, _object, bad_objects, "annotation"):
        name, owner = f"annotation {_shown(own)}", owners.get(image)
        if owner is None:
            bad_objects[name] = "its image is left out" if image in owners else f"there is no image {_shown(image)}"
        elif category not in categories:
            bad_objects[name] = f"unknown category {_shown(category)}"
        elif own and (own, image, category, box) in seen:
            bad_objects[f"{name} (again)"] = "it is listed twice"
        else:
            seen.add((own, image, category, box))
            good.append({"id": len(good) + 1, "image_id": image, "category_id": category, "bbox": box})
    images = {own: owner for own, owner in sorted(owners.items()) if owner is not None}
    index = _index(images, categories, good)
    for own, owner in images.items():
        owner.objects = [(entry["category_id"], entry["bbox"]) for entry in index.imgToAnns.get(own, ())]
    if not images:
        raise RequestError(f"{path.name} has no image that can be used{_first(bad_images)}")
    if not any(image.objects for image in images.values()) and {*bad_objects.values()} - {_CROWD}:
        raise RequestError(f"{path.name} has no object that can be used{_first(bad_objects)}")
    return Instances(_merged(images.values()), categories, len(told.annotations), bad_images, bad_objects)


def _index(images: Iterable[Key], categories: Iterable[Key], objects: list[dict[str, Any]]) -> Any:
    """COCO's own index of entries that can be used."""
    from pycocotools.coco import COCO

    index = COCO()
    index.dataset = {
        "images": [{"id": key} for key in images],
        "categories": [{"id": key} for key in categories],
        "annotations": objects,
    }
    with contextlib.redirect_stdout(io.StringIO()):  # it reports its progress there
        index.createIndex()
    return index


def _categories(path: Path, told: Any) -> dict[Key, str]:
    bad: dict[str, str] = {}
    categories: dict[Key, str] = {}
    for key, name in sorted(_good(told.categories, _Category, _category, bad, "category")):
        if categories.setdefault(key, name) != name:
            raise RequestError(f"{path.name} has two categories of the id {_shown(key)}: {categories[key]} and {name}")
    if not categories:
        raise RequestError(f"{path.name} has no category that can be used{_first(bad)}")
    return categories


def _parsed(path: Path, kind: Any, anything: Any) -> Any:
    """The parts of a file that are asked for, as structures of one kind, or else of another that takes any entries."""
    with border(f"cannot read {path}", RequestError):
        afford(3 * regular(path).stat().st_size, f"the entries of {path.name}", "take a smaller list")
        text = read_bytes(path, _LARGEST).removeprefix(b"\xef\xbb\xbf")
        try:
            return msgspec.json.decode(text, type=kind)  # leaves out at once whatever is not asked for
        except Exception:
            afford(9 * len(text), f"the entries of {path.name}", "take a smaller list")
            value = json.loads(text)  # which reads NaN and Infinity too, and has better words
    with border(f"{path.name} is no list of COCO's", RequestError):
        return msgspec.convert(value, anything)


def _good(entries: list[Any], kind: Any, read: Callable[[Any], _T], bad: dict[str, str], what: str) -> Iterable[_T]:
    """Every entry that can be read; the reasons of the others go into ``bad``."""
    for number, entry in enumerate(entries):
        try:
            known = entry if isinstance(entry, kind) else msgspec.convert(entry, kind)
        except Exception:
            bad[f"{what} number {number}"] = f"it is no entry but {type(entry).__name__}"
            continue
        try:
            yield read(known)
        except ValueError as error:
            told = known.file_name if what == "image" and isinstance(known.file_name, str) else None
            name = told or (f"{what} {_shown(key)}" if (key := _key(known.id)) else f"{what} number {number}")
            bad[name] = str(error)


def _category(entry: _Category) -> tuple[Key, str]:
    if (key := _key(entry.id)) is None or not isinstance(entry.name, str) or not entry.name:
        raise ValueError("it has no id and name")
    return key, entry.name


def _image(entry: _Image) -> tuple[Key, Listed]:
    if (key := _key(entry.id)) is None:
        raise ValueError("it has no id")
    if not isinstance(entry.file_name, str) or not entry.file_name:
        raise ValueError("it has no file_name")
    width, height = _number(entry.width), _number(entry.height)
    if not (width > 0 and height > 0):
        raise ValueError("it has no width and height above 0")
    return key, Listed(entry.file_name, (width, height))


def _object(entry: _Object) -> tuple[Key | None, Key, Key, Box]:
    image, category = _key(entry.image_id), _key(entry.category_id)
    if image is None or category is None:
        raise ValueError(f"it has no {'image_id' if image is None else 'category_id'}")
    if entry.iscrowd not in (0, None, "0", ""):
        raise ValueError(_CROWD)
    numbers = [_number(value) for value in entry.bbox] if isinstance(entry.bbox, (list, tuple)) else []
    if len(numbers) != 4:
        raise ValueError("it has no bbox of four numbers")
    left, top, width, height = numbers
    if not all(map(math.isfinite, numbers)) or max(map(abs, numbers)) > 1e9:
        raise ValueError("its bbox is not finite")
    if width <= 0 or height <= 0:
        raise ValueError("its bbox is empty")
    return _key(entry.id), image, category, (left, top, width, height)


def _key(value: Any) -> Key | None:
    """An id as people write it: 7, 7.0, "7" and "000007" are the same."""
    if isinstance(value, str) and value:
        return (int(value), "") if len(value) < 20 and value.isascii() and value.isdigit() else (0, value)
    if isinstance(value, float) and value.is_integer():
        return int(value), ""
    return (value, "") if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float:
    """A number, also of text; NaN of anything else."""
    try:
        return math.nan if isinstance(value, bool) or not isinstance(value, (int, float, str)) else float(value)
    except (ValueError, OverflowError):
        return math.nan


def _shown(key: Key | None) -> str:
    return "" if key is None else key[1] or str(key[0])


def _first(bad: dict[str, str]) -> str:
    return next((f": {name}: {reason}" for name, reason in bad.items()), "")


def _merged(images: Iterable[Listed]) -> list[Listed]:
    """One entry a file: the objects of a file that is listed under two ids are brought to its first size."""
    merged: dict[str, Listed] = {}
    for image in images:
        first = merged.setdefault(image.name, image)
        if first is not image:
            across, down = first.size[0] / image.size[0], first.size[1] / image.size[1]
            moved = [(label, (x * across, y * down, w * across, h * down)) for label, (x, y, w, h) in image.objects]
            first.objects += [entry for entry in moved if entry not in first.objects]
    return list(merged.values())
