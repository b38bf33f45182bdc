"""Items held out for testing where data has no split of its own."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Collection

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
