"""Pictures from attributes: x says what is to be seen, y is a picture of it.

Source: the attribute CVAE's paper, sections 4 and 5 (CelebA, 40 attributes; CUB-200-2011, 312).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo import Attributes, Data, Pairs, Records, RequestError, Split, Task, nearest, one_line
from zoo_tasks.fields import Float, Sized, check_channels, pictures, read_squares, rows

_RANGE = "an attribute is outside 0 to 1; 1 is for what holds and 0 for what does not"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""The names of the attributes of the task's own data."""


@dataclass(frozen=True)
class AttributesConfig(Sized):
    """Settings of the attributes task.

    Attributes:
        size: the side of the pictures, in pixels (paper: 64).
        channels: 3 for colour, 1 for grey.
        names: of the attributes; by default those of the data.
        exclusive: whether the attributes are classes, of which exactly one holds; decided with ``names``.
        cut: whether y is the largest square in the middle of a photo; otherwise the whole photo is squashed, as in the paper.
        flip: whether training has the mirror image of every picture too; right for faces and birds, wrong for digits.
    """

    channels: int = 3
    names: tuple[str, ...] = DIGITS
    exclusive: bool = True
    cut: bool = True
    flip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_channels(self.channels)
        if not self.names or len(self.places) < len(self.names):
            raise RequestError("names must be those of the attributes, at least one, no two alike but for case, _ or blanks")

    @property
    def places(self) -> dict[str, int]:
        """The place of each attribute, by its :func:`_plain` name."""
        return {_plain(name): i for i, name in enumerate(self.names)}


class AttributesToPicture(Task):
    """Pictures from attributes: x (K,) is 1 where an attribute holds and 0 where not, y a picture (C, size, size) in [0, 1].

    An item is a list of names, ``Eyeglasses,Blond_Hair``: what is not named does not hold. Names may be written in any case,
    with blanks for ``_``; ``!Male`` says that one does not hold. Where the attributes are classes, exactly one is named.
    """

    cites = ("debbagh2023attributes",)
    Config = AttributesConfig
    data = "digits"
    does = "Make a picture of what is ticked"
    x_name, y_name = "attributes", "picture"
    item = "attributes"
    shows_truth = False
    config: AttributesConfig

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.x_shape = (len(self.config.names),)
        self.y_shape = (self.config.channels, self.config.size, self.config.size)

    def settings_of(self, data: Data) -> Mapping[str, Any]:
        """The names of the data's attributes, and whether they are classes; a RequestError if it has none."""
        known = _attributes(data.read("test"), str(data))
        return {"names": known.names, "exclusive": known.exclusive}

    def pairs(self, data: Data, split: Split, seed: int = 0, *, pool: int = 0) -> Pairs:
        """With ``flip``, training pictures come twice. A RequestError refuses data with other attributes than the task's."""
        records = data.read(split, seed=seed)
        known = _attributes(records, str(data))
        settings = self.config
        if (known.names, known.exclusive) != (settings.names, settings.exclusive):
            ours, theirs = set(settings.names), set(known.names)
            missing = [*sorted(ours - theirs)[:2], *sorted(theirs - ours)[:2]]
            what = f"{', '.join(missing)} among them" if missing else "the same in another order or kind"
            raise RequestError(
                f"{data} has {len(known.names)} attributes and the task {len(ours)}, not the same ({what}); "
                "make the task for this data: leave out names and exclusive"
            )
        x = torch.from_numpy(np.ascontiguousarray(known.values, np.float32))
        [y] = read_squares(records, (settings.size,), settings.channels, cut=settings.cut)
        names, groups = list(records.names), list(records.groups)
        if split == "train" and settings.flip:
            x, y = torch.cat([x, x]), torch.cat([y, y.flip(-1)])
            groups = (groups or names) * 2  # a picture and its mirror image are held out together
            names += [f"{name} (mirrored)" for name in names]
        return Pairs(x=x, y=y, names=names, groups=groups, digest=records.digest)

    def read(self, given: Any) -> Float:
        """The values (K,) float32 of attributes by name; what is not named is 0.

        They are names with commas between them or in a list, ``!`` before one that does not hold; or a mapping of names to
        numbers from 0 to 1; or the values themselves, (K,).
        """
        names, places = self.config.names, self.config.places
        if isinstance(given, np.ndarray):
            if given.shape != self.x_shape or given.dtype.kind not in "buif":
                said = f"attributes have shape {given.shape} and type {given.dtype}"
                raise RequestError(f"{said}; they must be ({len(names)},), one number each")
            values = given.astype(np.float32)
        else:
            values = np.zeros(len(names), np.float32)
            seen: set[int] = set()
            for name, value in _named(given):
                place = places.get(_plain(name))
                if place is None:  # the nearest, blind to case, _ and blanks
                    near = nearest(_plain(name), places)
                    clause = re.sub("'([^']*)'", lambda quoted: repr(names[places[quoted[1]]]), near)
                    clause = clause if near.startswith("did you mean") else nearest(name, names)
                    raise RequestError(f"no attribute is called {name!r}: {clause}")
                if place in seen:
                    raise RequestError(f"attribute {names[place]!r} is named twice; name it once")
                seen.add(place)
                values[place] = value
        if not ((values >= 0) & (values <= 1)).all():
            raise RequestError(_RANGE)
        if self.config.exclusive and (values > 0).sum() != 1:
            raise RequestError(f"{int((values > 0).sum())} classes are named; name exactly one of {', '.join(names)}")
        return values

    def choices(self) -> tuple[tuple[str, ...], bool]:
        return self.config.names, self.config.exclusive

    def item_of(self, records: Records, index: int) -> Float:
        return np.asarray(_attributes(records, "this data").values[index], np.float32)

    def condition(self, item: Any) -> tuple[Tensor, None]:
        """x (K,) of anything that :meth:`read` takes, and None: :meth:`compose` needs no more."""
        return torch.from_numpy(self.read(item)), None

    def compose(self, context: None, y: Tensor, *, x_hat: Tensor | None = None) -> Tensor:
        """Each of n pictures, enlarged to the first multiple of its size that is 128 pixels a side or more (Lanczos)."""
        import cv2

        self.check_fields(y)
        side = self.config.size * math.ceil(128 / self.config.size)
        large = (cv2.resize(picture, (side, side), interpolation=cv2.INTER_LANCZOS4) for picture in rows(y))
        return pictures((picture.reshape(side, side, -1) for picture in large), len(y), (side, side))


def _attributes(records: Records, data: str) -> Attributes:
    if records.attributes is None:
        raise RequestError(f"{data} has no attributes; celeba:DIR, cub:DIR, mnist:DIR and digits have them")
    return records.attributes


def _named(given: Any) -> list[tuple[str, float]]:
    """Names and values of what somebody gave."""
    if isinstance(given, Mapping):
        if not all(isinstance(value, Real) and 0 <= float(value) <= 1 for value in given.values()):
            raise RequestError(_RANGE)
        return [(str(name), float(value)) for name, value in given.items()]
    if isinstance(given, str):
        given = given.split(",")
    wanted = "write names with commas between them, a list, or a mapping to numbers"
    if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) for name in given):
        raise RequestError(f"attributes are {one_line(repr(given))[:60]}; {wanted}")
    words = [name.strip() for name in given if name.strip()]
    return [(word.removeprefix("!").strip(), float(not word.startswith("!"))) for word in words]


def _plain(name: str) -> str:
    """A name without its case, and with one blank for each run of ``_`` and blanks."""
    return " ".join(name.replace("_", " ").casefold().split())
