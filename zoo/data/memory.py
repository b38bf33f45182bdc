"""Data that a script has in memory: pairs, arrays, a torch Dataset, a Dataset of ``datasets``, pictures."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from zoo.data.columns import ArrayRecords, array_of, classes_of, is_picture
from zoo.data.fetched import FetchedRecords
from zoo.data.items import Image
from zoo.data.pairs import Pairs
from zoo.data.pictures import photo_of
from zoo.data.records import Data, Records, Split, check_split
from zoo.data.splits import check_alike, divided
from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError, ZooError, cause, shown

TEST = ("test", "validation", "valid", "val")
"""What the part for testing may be called, the first that is there."""
FORMS = (
    "zoo.Pairs, (x, y), an array or a list of pictures, a torch Dataset of (x, y) or a datasets.Dataset, or "
    "{'train': ..., 'test': ...} of these"
)


class Memory(Data):
    """Data that a script has in memory, ``zoo.run(..., data=(x, y))``; its name is made of its content.

    It is one of: :class:`zoo.Pairs`; a tuple ``(x, y)`` of arrays or tensors (N, ...), pictures (N, h, w, 3) among them; such
    an array of pictures alone, or a list of pictures; a torch ``Dataset`` of (x, y), of which every item is asked once; a
    ``Dataset`` of the package ``datasets``; or a mapping with ``"train"`` and ``"test"`` (or ``"validation"``) of these.
    Where there are not both, about one item in ten is held out for testing, by its content and :attr:`split_seed`.
    """

    kind = "memory"
    layout = f"a script gives it: {FORMS}"

    def __init__(self, given: Any = "") -> None:
        if isinstance(given, str):
            raise RequestError(f"memory is what a script has: {FORMS}; on the command line arrays:FILE is meant")
        self.parts: dict[str, Records] = {}
        left: list[tuple[dict[str, str], int, str]] = []

        def take(split: str, one: Any) -> None:
            self.parts[split] = records_of(one, lambda bad, of: left.append((bad, of, split)))

        test = next((name for name in TEST if name in given), "") if isinstance(given, Mapping) else ""
        if isinstance(given, Mapping) and ("train" in given or test):
            if "train" not in given:
                raise RequestError(f"data has {test!r} and no 'train': what is for testing is never trained on")
            for split, name in (("train", "train"), ("test", test)):
                if name:
                    take(split, given[name])
        else:
            take("train", given)
        told = " ".join(f"{split} {records.digest}" for split, records in self.parts.items())
        super().__init__(hashlib.sha256(told.encode()).hexdigest()[:16])
        for bad, of, split in left:
            self.skip(bad, of, "rows", split)
        check_alike(self, self.parts)
        whole = self.parts["train"]
        if (
            whole.array("x") is not None
            and whole.array("y") is not None
            and not (whole.attributes and whole.attributes.exclusive)
        ):
            self.task = "pairs"  # type: ignore[misc]

    def read(self, split: Split, *, seed: int = 0) -> Records:
        """The records of one split; the seed changes nothing."""
        if len(self.parts) == 2:
            return self.parts[check_split(split)]
        return divided(self, self.parts["train"], split)


def records_of(given: Any, left_out: Callable[[dict[str, str], int], object] = lambda bad, of: None) -> Records:
    """The records of what is given, in one of the :data:`FORMS`; a RequestError for anything else.

    ``left_out`` is told of rows that cannot be read, by name with the reason, and of how many they are.
    """
    if isinstance(given, Records):
        return given
    if isinstance(given, Pairs):
        return of_pairs(given)
    if isinstance(given, tuple) and len(given) == 2:
        return _columns(given[0], given[1])
    if isinstance(given, Mapping) and {"x", "y"} <= given.keys():
        return _columns(given["x"], given["y"])
    if hasattr(given, "column_names") and hasattr(given, "features"):
        from zoo.data.tables import table_records

        return table_records(given, left_out=left_out)
    if isinstance(given, np.ndarray) or hasattr(given, "detach"):
        x = array_of(given, "data")
        if not is_picture(x):
            raise RequestError(f"data is an array {x.shape} of {x.dtype}, and no pictures; give {FORMS}")
        return ArrayRecords(x)
    if not isinstance(given, (str, bytes, Mapping)) and hasattr(given, "__len__") and hasattr(given, "__getitem__"):
        return _sequence(given)
    raise RequestError(f"data is {shown(given)}; it must be text, KIND or KIND:PATH, or {FORMS}")


def of_pairs(pairs: Pairs) -> ArrayRecords:
    """Records of pairs, which come out as they are given, with their guide, pool, truth and penalty."""
    x, y = (part.detach().cpu().float() for part in (pairs.x, pairs.y))
    given = replace(pairs.to("cpu"), x=x, y=y)
    return ArrayRecords(x.numpy(), y.numpy(), names=pairs.names, groups=pairs.groups, given=given)


def _columns(x: Any, y: Any) -> Records:
    """(x, y): arrays; or a list of pictures and what each is."""
    if isinstance(x, (list, tuple)) and len(x) and _is_photo(x[0]):
        if len(x) != len(y):
            raise RequestError(f"x has {len(x)} items and y {len(y)}; they must have as many")
        return _sequence(list(zip(x, y, strict=True)))
    return ArrayRecords(array_of(x, "x"), array_of(y, "y"))


def _sequence(items: Any) -> Records:
    """The items of a torch Dataset, or of a list: numbers and pictures of one size are kept, other pictures fetched again."""
    if not len(items):
        raise RequestError("data has no items")
    first = _item(items, 0)
    classes = list(map(str, getattr(items, "classes", None) or ()))
    if _is_photo(first[0]):
        return _photos(items, classes)
    arrays = [array_of(value, name) for value, name in zip(first, "xy", strict=False)]
    afford(2.0 * len(items) * sum(array.nbytes for array in arrays), "the items of data", "give fewer")
    parts = [np.empty((len(items), *array.shape), array.dtype) for array in arrays]
    for i in range(len(items)):
        values = first if i == 0 else _item(items, i)
        if len(values) != len(parts):
            raise RequestError(
                f"item {i} of data is {shown(values)}, item 0 {shown(first)}; they must be alike, (x,) or (x, y)"
            )
        for place, (name, value) in enumerate(zip("xy", values, strict=False)):
            one, part = array_of(value, name), parts[place]
            if one.shape != part.shape[1:]:
                raise RequestError(f"{name} of item {i} is {one.shape}, of item 0 {part.shape[1:]}; they must be alike")
            if not np.can_cast(one.dtype, part.dtype):  # 0.5 behind a whole 0 would be cut
                parts[place] = part = part.astype(np.result_type(part.dtype, one.dtype))
            part[i] = one
    return ArrayRecords(*parts, classes=classes)


def _photos(items: Any, classes: list[str]) -> FetchedRecords:
    """Pictures as files or PIL images, alone, with the number of their class, or as (source, picture)."""
    guard = threading.Lock()

    def fetch(index: int, place: int = 0) -> Image:
        with guard:  # nobody promises that a Dataset may be asked by two threads at once
            image = photo_of(_item(items, index)[place])
        if hashes and _hash(image) != hashes[index][place]:
            raise ZooError(
                f"item {index} of data is another picture each time it is asked for: leave out what is random in it"
            )
        return image

    hashes: list[list[bytes]] = []
    found, labels = [], []
    for i in range(len(items)):
        photo, *more = _item(items, i)
        found.append([_hash(photo_of(one)) for one in (photo, *more) if _is_photo(one)])
        labels += [array_of(one, "y") for one in more if not _is_photo(one)]
    hashes = found
    if len({len(of) for of in hashes}) > 1 or len(labels) not in (0, len(items)) or any(one.ndim for one in labels):
        raise RequestError(
            "the items of data are not alike: each is a picture, (picture, number of its class), or two pictures"
        )
    ids = [hashlib.sha256(b"".join(of)).digest() for of in hashes]
    if len(hashes[0]) == 2:
        return FetchedRecords(lambda i: fetch(i, 1), ids, source=fetch)
    said = classes_of(np.array(labels), classes) if labels else None
    if labels and said is None:
        raise RequestError(
            "the numbers beside the pictures of data are no classes, whole ones from 0; give (x, y) of arrays for others"
        )
    return FetchedRecords(fetch, ids, attributes=said)


def _hash(image: Image) -> bytes:
    return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).digest()


def _is_photo(value: Any) -> bool:
    """Whether a value is a picture by itself: a file, or an image of PIL."""
    return isinstance(value, (str, os.PathLike)) or (hasattr(value, "getexif") and hasattr(value, "size"))


def _item(items: Any, index: int) -> tuple[Any, ...]:
    """Item ``index`` as (x,) or (x, y)."""
    try:
        item = items[index]
    except Exception as error:
        raise ZooError(f"item {index} of data cannot be had: {cause(error)}") from error
    if isinstance(item, Mapping) and {"x", "y"} <= item.keys():
        return item["x"], item["y"]
    if isinstance(item, (tuple, list)) and len(item) in (1, 2):
        return tuple(item)
    if isinstance(item, (tuple, list, Mapping)):
        raise RequestError(f"item {index} of data is {shown(item)}; it must be (x, y), or a picture")
    return (item,)
