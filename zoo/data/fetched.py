"""Records of pictures that are fetched one by one when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoo.data.cache import Fields, cached_map
from zoo.data.items import Attributes, Image
from zoo.data.pictures import IMAGE_RULES, decoders
from zoo.data.records import Records

Fetch = Callable[[int], Image]


class FetchedRecords(Records):
    """N pictures, none of which is kept: each is fetched when it is asked for, in several threads at once.

    Args:
        fetch: the picture of an item, (H, W, 3) uint8, by its place.
        ids: 32 bytes an item that name its content.
        names: one an item; by default their numbers.
        attributes: what the data says of its items.
        source: where the data comes in pairs of pictures, the one that ``fetch``'s is to be made from.

    Examples:
        >>> records = FetchedRecords(lambda i: np.full((16, 16, 3), i, np.uint8), [bytes(32), bytes([1] * 32)])
        >>> records.subset([1]).image(0).max()
        np.uint8(1)
    """

    def __init__(
        self,
        fetch: Fetch,
        ids: Sequence[bytes],
        *,
        names: Sequence[str] = (),
        attributes: Attributes | None = None,
        source: Fetch | None = None,
    ) -> None:
        self._fetch, self._source, self.ids = fetch, source, list(ids)
        self.view = f"fetched-{IMAGE_RULES} {decoders()}"
        self.names = list(names) or [f"{i:0{len(str(len(ids)))}d}" for i in range(len(ids))]
        digest = hashlib.sha256(b"".join(self.ids))
        self.attributes = attributes
        if attributes is not None:
            digest.update(attributes.digest())
        self.digest = digest.hexdigest()

    def subset(self, index: Sequence[int]) -> FetchedRecords:
        """The items at these places, in that order."""
        places, fetch, source = list(index), self._fetch, self._source
        said = self.attributes
        return FetchedRecords(
            lambda i: fetch(places[i]),
            [self.ids[i] for i in places],
            names=[self.names[i] for i in places],
            attributes=None if said is None else replace(said, values=said.values[places]),
            source=None if source is None else lambda i: source(places[i]),
        )

    def image(self, index: int) -> Image:
        return self._fetch(index)

    def source(self, index: int) -> Image:
        return super().source(index) if self._source is None else self._source(index)

    def map_pairs(self, function: Callable[[Image, Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        if self._source is None:
            return super().map_pairs(function, key)
        return cached_map(lambda i: function(self.source(i), self.image(i)), self.ids, f"{self.view}-pair:{key}")
