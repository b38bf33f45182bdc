"""Checks of the items of data: their pictures, and what the data says of them."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from zoo.data.records import Records
from zoo.testing.checks.data_reading import see
from zoo.testing.subjects.data import NO_PATH, DataSubject, places
from zoo.testing.verdicts import Skipped, may_skip, require
from zoo.utils.errors import RequestError

NO_PICTURES = "its items show no picture"
NO_ATTRIBUTES = "it says nothing of its items in words"
NO_ANNOTATIONS = "it has no annotations"
NO_ARRAYS = "it has no array of a name in use"
LACKING = (NO_PICTURES, NO_ATTRIBUTES, NO_ANNOTATIONS, NO_ARRAYS)
ARRAYS = ("voxels", "x", "y")
SLACK = 1 << 20
"""Bytes that may stay from looking at pictures."""


class Items(DataSubject):
    skips = (NO_PATH, NO_PICTURES)

    def images_are_photos(self) -> None:
        """``image`` gives (H, W, 3) uint8 of at least one pixel, or refuses all items alike with a RequestError."""
        for split, records in self.both.items():
            images = [see(records, index) for index in places(records)]
            none = sum(image is None for image in images)
            require(none in (0, len(images)), f"{none} of {len(images)} items in {split} have no picture: leave them out")
            if none:
                raise Skipped(NO_PICTURES)
            for image in images:
                good = isinstance(image, np.ndarray) and image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8
                require(good and image.size, f"a picture in {split} is {getattr(image, 'shape', type(image).__name__)}")

    def an_image_is_the_same_every_time(self) -> None:
        """Asked again, and by several threads at once, ``image`` gives the same pixels; what is changed in one stays there."""
        records, chosen = self._pictured(), places(self.test)
        before = [np.array(records.image(index)) for index in chosen]
        with ThreadPoolExecutor(4) as pool:
            again = list(pool.map(records.image, chosen * 2))
        same = all(np.array_equal(one, other) for one, other in zip(before * 2, again, strict=True))
        require(same, "a picture is another one when it is asked for again")

    def images_are_not_kept(self) -> None:
        """Memory is bounded: once all pictures were looked at, they are not in memory, unless the data lies there anyway."""
        records = self._pictured()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            shown = 0
            for index in range(len(records)):
                shown += records.image(index).nbytes
                if shown > 32 * SLACK:
                    break
            kept = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        require(kept < max(SLACK, shown // 2), f"after {shown:,} bytes of pictures, {kept:,} are kept")

    def map_takes_every_image(self) -> None:
        """``map`` gives the fields of every picture, in the order of the items."""
        records = self._pictured()
        found = records.map(lambda image: {"mean": image.mean((0, 1), dtype=np.float32)}, "check-1")["mean"]
        require(found.shape == (len(records), 3), f"map gives {found.shape} of {len(records)} means of three channels")
        for index in places(records, 6):
            same = np.allclose(found[index], records.image(index).mean((0, 1)), atol=1e-2)
            require(same, f"map gives the field of another picture for item {index}: its ids must name its content")

    @may_skip(NO_PATH, NO_ATTRIBUTES)
    def attributes_are_shares_of_words(self) -> None:
        """``attributes`` are (N, K) float32 in [0, 1], with K names, no two alike, without commas, the same in both splits."""
        said = [records.attributes for records in (self.train, self.test)]
        if said[0] is None and said[1] is None:
            raise Skipped(NO_ATTRIBUTES)
        for known, records in zip(said, (self.train, self.test), strict=True):
            require(
                known is not None and said[0] is not None and known.names == said[0].names, "the splits have other attributes"
            )
            assert known is not None
            require(known.values.shape == (len(records), len(known.names)), f"attributes are {known.values.shape}")
            bounded = known.values.dtype == np.float32 and known.values.min() >= 0 and known.values.max() <= 1
            require(bounded, "attributes are not float32 from 0 to 1")
            words = len({*known.names}) == len(known.names) and not any("," in name or not name for name in known.names)
            require(words, "names of attributes are alike, empty, or have a comma")
            require(not known.exclusive or (known.values.sum(1) == 1).all(), "not every item is of exactly one class")

    @may_skip(NO_PATH, NO_ANNOTATIONS)
    def annotations_are_one_an_item(self) -> None:
        """``annotations`` has one an item: boxes (K, 4) in shares of the picture, labels (K,) of ``categories``."""
        if self.train.annotations is None:
            raise Skipped(NO_ANNOTATIONS)
        for split, records in self.both.items():
            told = list(records.annotations or ())
            require(len(told) == len(records), f"{len(told)} annotations of {len(records)} items in {split}")
            for one in told:
                require(one.boxes.shape == (len(one.labels), 4), f"boxes are {one.boxes.shape} of {len(one.labels)} labels")
                inside = not len(one.labels) or (one.labels.min() >= 0 and one.labels.max() < len(records.categories))
                require(inside, f"a label in {split} is not one of the {len(records.categories)} categories")

    @may_skip(NO_PATH)
    def groups_are_one_an_item(self) -> None:
        """``groups`` is empty, or has one name for each item."""
        for split, records in self.both.items():
            count = len(records.groups)
            require(count in (0, len(records)), f"{count} groups of {len(records)} items in {split}")

    @may_skip(NO_PATH, NO_ARRAYS)
    def arrays_have_a_row_an_item(self) -> None:
        """``array`` of ``voxels``, ``x`` and ``y`` is None, or has a row of finite numbers for each item."""
        named = {(split, name): records.array(name) for split, records in self.both.items() for name in ARRAYS}
        if all(array is None for array in named.values()):
            raise Skipped(NO_ARRAYS)
        for (split, name), array in named.items():
            require((array is None) == (named["train", name] is None), f"only one split has an array {name}")
            if array is not None:
                count = len(self.both[split])
                require(len(array) == count, f"the array {name} has {len(array)} rows of {count} items in {split}")
                require(np.isfinite(array).all(), f"the array {name} has numbers that are not finite in {split}")

    def _pictured(self) -> Records:
        try:
            self.test.image(0)
        except RequestError as error:
            raise Skipped(NO_PICTURES) from error
        return self.test
