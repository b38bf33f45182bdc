"""Items held out for testing where data has no split of its own, and splits that are seen to go together."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Collection, Mapping

import numpy as np

from zoo.data.columns import is_picture, numbered
from zoo.data.items import Attributes
from zoo.data.records import Data, Records, Split, check_split
from zoo.utils.errors import RequestError


def held_out(contents: Collection[bytes], seed: int, share: float, least: int, alone: str) -> set[bytes]:
    """The contents of the items for testing, by their hash and the seed: about ``share``, at least ``least``, never all.

    Copies fall on the same side, and an item stays on its side when others come or go.

    Raises:
        RequestError: there are fewer than two different ones; the message is ``alone``.

    Examples:
        >>> contents = [bytes([i]) for i in range(100)]
        >>> test = held_out(contents, 0, 0.1, 1, "one item cannot be split")
        >>> 1 <= len(test) < 30, test == held_out(contents[::-1], 0, 0.1, 1, "")
        (True, True)
    """
    key = seed.to_bytes(16, "little", signed=True)
    place = {c: int.from_bytes(hashlib.blake2b(c, digest_size=8, key=key).digest(), "big") for c in contents}
    if len(place) < 2:
        raise RequestError(alone)
    count = sum(value < int(share * 2**64) for value in place.values())
    return set(sorted(place, key=place.__getitem__)[: min(max(count, least), len(place) - 1)])


def check_alike(data: object, parts: Mapping[str, Records]) -> Mapping[str, Records]:
    """The records by split, seen to have items of the same shapes, or pictures, and the same classes or attributes, if both
    have any.

    Classes that are only numbered become as many in one split as in the other: the last of them may be in one alone.

    Raises:
        RequestError: they differ; it begins with what the ``data`` is called.

    Examples:
        >>> import numpy as np
        >>> photos = np.zeros((3, 16, 16, 3), np.uint8)
        >>> parts = {"train": zoo.ArrayRecords(photos, np.arange(3)), "test": zoo.ArrayRecords(photos[:2], np.arange(2))}
        >>> check_alike("photos", parts)["test"].attributes.names
        ('class_0', 'class_1', 'class_2')
    """
    if len(parts) < 2:
        return parts
    one, other = parts["train"], parts["test"]
    for name in ("x", "y"):
        arrays = [part.array(name) for part in (one, other)]
        shapes = [None if array is None else array.shape[1:] for array in arrays]
        pictures = [array is not None and is_picture(array) for array in arrays]
        if shapes[0] != shapes[1] and not all(pictures):
            raise RequestError(f"{data}: an item's {name} is {shapes[0]} for training and {shapes[1]} for testing")
        types = [None if array is None else array.dtype for array in arrays]
        if (np.uint8 in types) and types[0] != types[1] and any(pictures) and not all(pictures):
            raise RequestError(
                f"{data}: {name} is {types[0]} for training and {types[1]} for testing, and only one of these is pictures: "
                "give both as uint8, or as shares in [0, 1]"
            )
    said: list[tuple[Records, Attributes]] = []
    for part in (one, other):
        with contextlib.suppress(RequestError):  # numbers that are no classes, which is told to who needs some
            said += [] if part.attributes is None else [(part, part.attributes)]
    names = max((known.names for _, known in said), key=len, default=())
    for part, known in said:
        if known.names == names:
            continue
        if not known.exclusive or names != numbered(len(names)) or known.names != numbered(len(known.names)):
            raise RequestError(f"{data}: the classes or attributes for training are others than those for testing")
        part.attributes = Attributes.classes(names, known.values.argmax(1))
    return parts


def divided(data: Data, whole: Records, split: Split) -> Records:
    """The records of one split of those of ``data`` that has no split of its own: about one item in ten is for testing.

    Which, the content of the items decides (:attr:`zoo.Records.ids`), or the names of their groups, and ``data.split_seed``;
    it is said in a warning, once for each ``data``. The records have to have :meth:`zoo.Records.subset`.

    Raises:
        RequestError: there are fewer than two different items (or groups), or there is no such split.

    Examples:
        >>> import numpy as np
        >>> class Squares(Data):
        ...     kind = "squares"
        ...
        ...     def read(self, split, *, seed=0):
        ...         return divided(self, zoo.ArrayRecords(np.arange(100.0), np.arange(100.0) ** 2), split)
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     train, test = (Squares().read(split) for split in ("train", "test"))
        >>> len(train) + len(test), {*train.names} & {*test.names}, str(caught[0].message).partition(",")[0]
        (100, set(), 'squares has no split of its own: 13 of its 100 items are for testing')
    """
    keys = [group.encode("utf-8", "surrogatepass") for group in whole.groups] or list(whole.ids)
    what = "groups" if whole.groups else "items"
    count = len(set(keys))
    alone = f"{data} has {len(whole)} items, all alike; to be split there have to be two different {what}"
    test = held_out(keys, data.split_seed, 0.1, max(1, min(10, count // 5)), alone)
    chosen = [i for i, key in enumerate(keys) if (key in test) == (check_split(split) == "test")]
    if not data.split_told:
        data.split_told = True
        held = sum(key in test for key in keys)
        warnings.warn(
            f"{data} has no split of its own: {held} of its {len(whole)} items are for testing, chosen by their content, the "
            "same for every seed; split_seed gives others",
            stacklevel=3,
        )
    return whole.subset(chosen)
