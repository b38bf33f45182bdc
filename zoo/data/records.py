"""Records, which a task turns into pairs, and the kinds of data that give them.

A kind of data (entry-point group ``zoo.data``) knows where its images come from, and nothing of tasks. A task takes from its
records fields that the data knows itself (a rendered scene knows its shading), or computes fields of the images.
"""

from __future__ import annotations

import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.data.cache import Fields, cached_map
from zoo.data.items import Annotation, Attributes, Clip, Image
from zoo.utils.errors import RequestError
from zoo.utils.words import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.data.pairs import Pairs, Truth

Split = Literal["train", "test"]
"""The part of the data that is fitted to, or that is scored on."""


class Records(ABC):
    """The items of one split, in a fixed order; a kind of data gives at least ``names``, ``digest`` and :meth:`image`.

    Attributes:
        names: one readable name an item, length N.
        digest: sha256 of everything that decides the content, in hexadecimal.
        ids: 32 bytes an item that name its content, under which :meth:`map` keeps what it computes; by default of the digest.
        view: names how :meth:`image` shows that content, and the version of it: part of the key of what :meth:`map` keeps.
        annotations: one an item where the data has them, else None.
        categories, groups: the names of the C labels, where the data has annotations, else (); and one readable name an item
            of what it is of, where several are of one video, scene or photo, else ().
        answers: whether the fields of the items of one group are true draws for each other.
        attributes: of the items, where the data has any, else None; by default which objects the annotations name.

    Examples:
        >>> class Greys(Records):
        ...     names, digest = ["dark", "light"], "greys-1"
        ...
        ...     def image(self, index):
        ...         return np.full((16, 16, 3), 100 * index, np.uint8)
        >>> Greys().map(lambda image: {"mean": image.mean((0, 1))}, "mean-1")["mean"].T[0].tolist()
        [0.0, 100.0]
    """

    names: Sequence[str]
    digest: str
    view: str = ""
    annotations: Sequence[Annotation] | None = None
    categories: Sequence[str] = ()
    groups: Sequence[str] = ()
    answers: bool = False

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def ids(self) -> Sequence[bytes]:
        return [hashlib.sha256(f"{self.digest} {i}".encode()).digest() for i in range(len(self))]

    @cached_property
    def attributes(self) -> Attributes | None:
        if self.annotations is None:
            return None
        values = np.zeros((len(self), len(self.categories)), np.float32)
        for row, annotation in zip(values, self.annotations, strict=True):
            row[annotation.labels] = 1
        return Attributes(tuple(name.replace(" ", "_") for name in self.categories), values)

    def subset(self, index: Sequence[int]) -> Records:
        """The items at these places, in that order; only of records that can be divided (:func:`zoo.divided`)."""
        raise NotImplementedError(f"{type(self).__name__} has no subset()")

    def array(self, name: str) -> NDArray[np.generic] | None:
        """The part of the data called ``name`` that is no picture, (N, ...); None if it has nothing of that name.

        Names in use: ``voxels`` (N, s, s, s) bool; ``x`` (N, D) and ``y`` (N, E) float32 of a function with many values.
        """
        return None

    def pairs(self) -> Pairs | None:
        """The pairs that the items are by themselves, :meth:`array` ``x`` and ``y`` as float32; None where one is missing."""
        x, y = self.array("x"), self.array("y")
        if x is None or y is None:
            return None
        import torch

        from zoo.data.pairs import Pairs

        one, other = (torch.from_numpy(part.astype(np.float32)) for part in (x, y))
        return Pairs(one, other, names=self.names, groups=self.groups, digest=self.digest)

    def known(self, *names: str, size: int = 32) -> Fields | None:
        """Fields the data itself knows, each (N, C, size, size) float32; None if one of ``names`` is unknown.

        Names in use: in [0, 1] ``albedo``, ``shading``, ``value``, ``saturation``, ``lightness``; in R, G, B ``frame``,
        ``reflectance``, ``tones`` (frame at half saturation); ``colours`` (a, b); ``flow`` (right, down), pixels a second.
        """
        return None

    def pool(self, name: str, draws: int, *, size: int = 32) -> NDArray[np.float32] | None:
        """True draws of ``name`` given what is visible, (N, draws or fewer, C, size, size), first of more; None if unknown."""
        return None

    def truth(self, name: str, draws: int, *, size: int = 32) -> Truth | None:
        """The modes of the draws that :meth:`pool` gives for the same words, and how probable they are; None if unknown."""
        return None

    @abstractmethod
    def image(self, index: int) -> Image:
        """The photo of one item, at its own size."""

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        """``function`` of every image, on all cores, stacked to (N, ...) and cached by content.

        ``function`` gives arrays of the same shapes for every image and runs in several threads at once. ``key`` names it,
        its settings and its version: it is the cache key together with the images' content.
        """
        return cached_map(lambda i: function(self.image(i)), self.ids, f"{self.view}:{key}")

    def source(self, index: int) -> Image:
        """Where the data comes in pairs of pictures, the one that :meth:`image` is to be made from, at its own size.

        Raises:
            RequestError: these are single pictures.
        """
        raise RequestError("these are single pictures; paired:DIR has pairs of them")

    def map_pairs(self, function: Callable[[Image, Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        """``function`` of every (source, image); otherwise as :meth:`map`.

        Raises:
            RequestError: these are single pictures.
        """
        raise RequestError("these are single pictures; paired:DIR has pairs of them")

    def map_moments(self, function: Callable[[Clip], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        """``function`` of the second that follows every image; otherwise as :meth:`map`.

        Raises:
            RequestError: these are single photos, of which no later frame is known.
        """
        raise RequestError("these are single photos, which show no motion; video:DIR and scenes have motion")


class Data(ABC):
    """A kind of data, named on the command line as ``kind:path``.

    Attributes:
        kind: the entry-point name.
        path: what stood behind the colon, "" if nothing did.
        task: the task that is meant where none is named; "" for none.
        layout: what has to lie there, in words that begin with DIR, FILE or what else stands behind the colon, with an example
            of a file; ``zoo show`` and messages say it.
        expected_failures: the checks of :mod:`zoo.testing` that it cannot pass by its nature, each with the reason.
        skipped: what was left out in all that has been read so far, and the reason of each; see :meth:`skip`.
        split_seed: what chooses the test items of data that has no split of its own; another number than the seed of
            :meth:`read`, so that runs of several seeds are tested on the same items. ``split_told``: whether it was said that
            there is no split (:func:`zoo.divided`).

    Examples:
        >>> class Nothing(Data):
        ...     kind = "nothing"
        ...
        ...     def read(self, split, *, seed=0):
        ...         raise RequestError(f"{self}: there is nothing for the split {check_split(split)}")
        >>> str(Nothing("here"))
        'nothing:here'
    """

    kind: ClassVar[str]
    task: ClassVar[str] = ""
    layout: str = ""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    split_seed: int = 0
    split_told: bool = False

    def __init__(self, path: str = "") -> None:
        self.path = path

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}" if self.path else self.kind

    @classmethod
    def example(cls, folder: Path) -> str:
        """The path of something small to read, which is written to an empty folder: for ``zoo check``.

        By default nothing is written, and what needs no path is read. Data of files writes a few; data that is made here may
        give the path that means few items.
        """
        return ""

    @cached_property
    def skipped(self) -> dict[str, str]:
        return {}

    def skip(self, left_out: Mapping[str, str], total: int, what: str, place: str = "") -> None:
        """Note in ``skipped`` what is left out, by name, with the reason, and say so in one warning; once, however often read.

        Args:
            left_out: names, and why the data goes on without them; nothing is said of none.
            total: of how many these are.
            what: the kind of thing, in the plural: ``images``.
            place: the folder below the data's in which the names are, where that is another.

        Examples:
            >>> import warnings
            >>> class Nothing(Data):
            ...     kind = "nothing"
            ...
            ...     def read(self, split, *, seed=0):
            ...         self.skip({"a.png": "the file is empty"}, 40, "images", split)
            >>> data = Nothing("here")
            >>> with warnings.catch_warnings(record=True) as caught:
            ...     data.read("train"), data.read("train")
            (None, None)
            >>> print(*(warning.message for warning in caught))
            left out 1 of 40 images of nothing:here: train/a.png (the file is empty)
            >>> data.skipped
            {'train/a.png': 'the file is empty'}
        """
        named = {f"{place}/{name}" if place else name: reason for name, reason in left_out.items()}
        if not named.items() <= self.skipped.items():
            self.skipped.update(named)
            said = f"left out {len(named)} of {total} {one_line(what)} of {one_line(self)}: {summary(named)}"
            warnings.warn(said, stacklevel=3)

    @abstractmethod
    def read(self, split: Split, *, seed: int = 0) -> Records:
        """The records of one split.

        Args:
            split: ``"train"`` or ``"test"``.
            seed: of the run; data that is made here makes other items of it, data that is there stays as it is.

        Raises:
            RequestError: the path is not what this kind of data needs (says what is).
        """


def summary(left_out: Mapping[str, str]) -> str:
    """The first few names with the reason of each, and how many more there are, in one line.

    Examples:
        >>> summary({"a.png": "the file is empty"} | {f"{n}.png": "truncated" for n in range(40)})
        'a.png (the file is empty), 0.png (truncated), 1.png (truncated), 2.png (truncated), 3.png (truncated), and 36 more'
    """
    shown = [f"{name} ({reason})" for name, reason in islice(left_out.items(), 5)]
    more = len(left_out) - len(shown)
    return one_line(", ".join(shown) + (f", and {more} more" if more else ""))


def check_split(split: str) -> Split:
    """``split`` if it is one.

    Raises:
        RequestError: it is neither ``train`` nor ``test``.

    Examples:
        >>> check_split("val")
        Traceback (most recent call last):
        zoo.utils.errors.RequestError: split is 'val'; it must be 'train' or 'test'
    """
    if split == "train" or split == "test":
        return split  # type: ignore[return-value]
    raise RequestError(f"split is {split!r}; it must be 'train' or 'test'")
