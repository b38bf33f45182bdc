"""Records that lie in memory as arrays: pictures or numbers x, and pictures, numbers or classes y."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.data.cache import Fields, cached_map
from zoo.data.items import Attributes, Image
from zoo.data.records import Records
from zoo.utils.bounds import afford
from zoo.utils.errors import RequestError, shown
from zoo.utils.words import one_line

if TYPE_CHECKING:
    from zoo.data.pairs import Pairs, Truth

Array = NDArray[Any]
MOST_CLASSES = 10_000
FORMS = "pictures are (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W), uint8 or shares in [0, 1]"


class ArrayRecords(Records):
    """N items in arrays, of which each is pictures, numbers or what the items are.

    An item's image is its y where that is a picture, else its x; where both are, x is what y is to be made from. Whole numbers
    (N,) and shares (N, K) beside pictures are their classes and their attributes.

    Attributes:
        x, y: (N, ...) numbers or truth values; None for none. Pictures are (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W),
            uint8 or shares in [0, 1].
        given: the pairs that they are of, where they are given as such.

    Raises:
        RequestError: x and y have other numbers of items, or none, are no numbers, or not finite.

    Examples:
        >>> records = ArrayRecords(np.zeros((4, 16, 16, 3), np.uint8), np.array([0, 1, 1, 0]), classes=["cat", "dog"])
        >>> records.image(1).shape, records.attributes.names, len(records.subset([0, 2]))
        ((16, 16, 3), ('cat', 'dog'), 2)
    """

    view = "arrays-1"
    _of: tuple[ArrayRecords, list[int]] | None = None
    """Of a subset: the items that it is of, which say what are pictures and which classes there are, and its places."""

    def __init__(
        self,
        x: Array | None,
        y: Array | None = None,
        *,
        names: Sequence[str] = (),
        groups: Sequence[str] = (),
        classes: Sequence[str] = (),
        given: Pairs | None = None,
    ) -> None:
        self.x, self.y = (None if part is None else _numbers(part, name) for part, name in ((x, "x"), (y, "y")))
        sizes = {name: part.shape for name, part in (("x", self.x), ("y", self.y)) if part is not None}
        if len({shape[0] for shape in sizes.values()}) != 1:
            told = " and ".join(f"{name} is {shape}" for name, shape in sizes.items())
            raise RequestError(f"{told or 'there is neither x nor y'}; they are (N, ...), with as many items in x as in y")
        count = next(iter(sizes.values()))[0]
        for what, each in (("names", names), ("groups", groups)):
            if len(each) not in (0, count):
                raise RequestError(f"x and y have {count} items, and {what} {len(each)}")
        self.names = list(names) or [f"{i:0{len(str(count - 1))}d}" for i in range(count)]
        self.groups, self.classes = list(groups), list(classes)
        digest = hashlib.sha256(b"".join(self.ids) + "\n".join([*self.classes, *self.groups]).encode("utf-8", "surrogatepass"))
        for more in () if given is None else (given.guide, given.pool, *(given.wide or ())):
            digest.update(b"-" if more is None else np.ascontiguousarray(more.float().numpy()).tobytes())
        self.digest = digest.hexdigest()
        self.given = given and replace(given, names=self.names, digest=self.digest)

    @cached_property
    def ids(self) -> Sequence[bytes]:
        parts = [part for part in (self.x, self.y) if part is not None]
        head = repr([(part.shape[1:], part.dtype.str) for part in parts]).encode()
        rows = zip(*parts, strict=True)
        return [hashlib.sha256(head + b"".join(np.ascontiguousarray(part).tobytes() for part in row)).digest() for row in rows]

    def subset(self, index: Sequence[int]) -> ArrayRecords:
        """The items at these places, in that order."""
        import torch

        places = list(index)
        x, y = (None if part is None else part[places] for part in (self.x, self.y))
        names, groups = ([every[i] for i in places] if every else [] for every in (self.names, self.groups))
        given = None if self.given is None else self.given.subset(torch.tensor(places, dtype=torch.long))
        part = ArrayRecords(x, y, names=names, groups=groups, classes=self.classes, given=given)
        part._of = self, places
        return part

    @cached_property
    def pictures(self) -> dict[str, bool]:
        """Whether x and y are pictures."""
        return (
            self._of[0].pictures
            if self._of
            else {name: part is not None and is_picture(part) for name, part in (("x", self.x), ("y", self.y))}
        )

    def array(self, name: str) -> NDArray[np.generic] | None:
        return {"x": self.x, "y": self.y}.get(name)

    @cached_property
    def attributes(self) -> Attributes | None:
        if self._of:
            known = self._of[0].attributes
            return None if known is None else replace(known, values=known.values[self._of[1]])
        if not any(self.pictures.values()):
            return None
        said = next(
            (part for name, part in (("y", self.y), ("x", self.x)) if part is not None and not self.pictures[name]), None
        )
        return None if said is None else classes_of(said, self.classes)

    def pairs(self) -> Pairs | None:
        """x and y as models take them: float32, pictures as shares with the channels first; None without both."""
        if self.given is not None:
            return self.given
        return self._pairs

    @cached_property
    def _pairs(self) -> Pairs | None:
        import torch

        from zoo.data.pairs import Pairs

        if self.x is None or self.y is None:
            return None
        x, y = (torch.from_numpy(fields_of(part)) for part in (self.x, self.y))
        return Pairs(x, y, names=self.names, groups=self.groups, digest=self.digest)

    def pool(self, name: str, draws: int, *, size: int = 32) -> NDArray[np.float32] | None:
        """True draws of ``y``, where the pairs were given with them; ``size`` changes nothing."""
        if name != "y" or self.given is None or self.given.pool is None:
            return None
        return self.given.pool[:, :draws].float().numpy()

    def truth(self, name: str, draws: int, *, size: int = 32) -> Truth | None:
        if name != "y" or self.given is None or self.given.truth is None:
            return None
        return replace(self.given.truth, modes=self.given.truth.modes[:, :draws])

    def image(self, index: int) -> Image:
        part = self.y if self.pictures["y"] else self.x if self.pictures["x"] else None
        if part is None:
            raise RequestError(f"these are numbers, which show no picture ({FORMS}); the task pairs takes them")
        return picture_of(part[index])

    def source(self, index: int) -> Image:
        if self.x is None or not all(self.pictures.values()):
            raise RequestError("these are single pictures; give x and y, both pictures, or paired:DIR")
        return picture_of(self.x[index])

    def map_pairs(self, function: Callable[[Image, Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        self.source(0)
        return cached_map(lambda i: function(self.source(i), self.image(i)), self.ids, f"{self.view}-pair:{key}")


def _numbers(part: Array, name: str) -> Array:
    """The same numbers, seen to be finite; RequestError where they are none."""
    if part.ndim < 1 or 0 in part.shape:
        raise RequestError(f"{name} is {part.shape}; it must be (N, ...), at least one number an item")
    if part.dtype.kind not in "buif":
        raise RequestError(f"{name} is of {part.dtype}; it must be numbers or truth values")
    afford(2.0 * part.nbytes, name, "give fewer items, or a folder of files")
    part = part.astype(np.float32) if part.dtype.kind == "f" and part.dtype != np.float32 else part
    if part.dtype.kind == "f":
        for i, row in enumerate(part):
            if not np.isfinite(row).all():
                raise RequestError(f"{name} of item {i} has a value that is not a finite float32")
    return part


def is_picture(part: Array) -> bool:
    """Whether items (N, ...) are pictures: uint8, or shares in [0, 1] with one or three channels."""
    shape = part.shape[1:]
    if len(shape) == 2:
        return part.dtype == np.uint8
    if len(shape) != 3 or (shape[0] not in (1, 3) and shape[2] not in (1, 3)):
        return False
    return part.dtype == np.uint8 or (part.dtype.kind == "f" and bool(part.min() >= 0) and bool(part.max() <= 1))


def _last(shape: tuple[int, ...]) -> bool:
    """Whether the channels of a picture of this shape are its last dimension."""
    return len(shape) == 3 and shape[2] in (1, 3) and not (shape[0] in (1, 3) and shape[1] > 3)


def fields_of(part: Array) -> NDArray[np.float32]:
    """Items (N, ...) as fields (N, D) or (N, C, h, w), ... float32: pictures as shares, with the channels first."""
    if part.ndim == 1:
        return np.ascontiguousarray(part[:, None], np.float32)
    if part.dtype == np.uint8 and is_picture(part):
        part = part.astype(np.float32) / np.float32(255)
    if part.ndim == 4 and _last(part.shape[1:]):
        part = np.moveaxis(part, -1, 1)
    return np.ascontiguousarray(part[:, None] if part.ndim == 3 else part, np.float32)


def picture_of(item: Array) -> Image:
    """One picture in one of the :data:`FORMS` as (H, W, 3) uint8."""
    if item.dtype != np.uint8:
        item = np.clip(item * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)
    if item.ndim == 2:
        item = item[..., None]
    elif not _last(item.shape):
        item = np.moveaxis(item, 0, -1)
    return np.ascontiguousarray(np.repeat(item, 3, axis=2) if item.shape[2] == 1 else item)


def classes_of(said: Array, names: Sequence[str]) -> Attributes | None:
    """The words that numbers beside pictures stand for: of (N,) whole ones classes, of (N, K) shares attributes, else none."""
    if said.ndim == 1 and said.dtype.kind in "ui":
        least, most = int(said.min()), int(said.max())
        count = min(len(names) or most + 1, MOST_CLASSES)
        if least < 0 or most >= count:
            other = "" if names else "; give other numbers as floats"
            raise RequestError(f"classes are whole numbers from 0 to {count - 1}, not {least} to {most}{other}")
        return Attributes.classes(names or numbered(count), said.astype(np.int64))
    if said.ndim == 2 and said.min() >= 0 and said.max() <= 1:
        return Attributes(tuple(names or [f"attribute_{i}" for i in range(said.shape[1])]), said.astype(np.float32))
    return None


def numbered(count: int) -> tuple[str, ...]:
    """The names of classes that have none."""
    return tuple(f"class_{i}" for i in range(count))


def array_of(value: Any, name: str) -> Array:
    """An array of what somebody gives as numbers (an array, a tensor, a list of lists); a RequestError for anything else."""
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value.float() if value.is_floating_point() else value
        array = np.asarray(value)
    except Exception as error:
        raise RequestError(f"{name} is {shown(value)}, which is no array: {one_line(error)[:200]}") from error
    if array.dtype.kind not in "buif":
        raise RequestError(f"{name} is {shown(value)}; it must be an array of numbers, (N, ...)")
    return array
