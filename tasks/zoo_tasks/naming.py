"""Attributes by name: what somebody writes, as the values of all attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo import RequestError, nearest
from zoo_tasks.resize import Float

_RANGE = "an attribute is outside 0 to 1; 1 is for what holds and 0 for what does not"


class Naming:
    """Finds attributes by name: in any case, with blanks for ``_``.

    Args:
        names: of the K attributes.
        exclusive: whether they are classes, of which exactly one holds.

    Raises:
        RequestError: there is no name, or two are alike.
    """

    def __init__(self, names: Sequence[str], exclusive: bool) -> None:
        self.names, self.exclusive = tuple(names), exclusive
        self.place = {_plain(name): i for i, name in enumerate(names)}
        if not names or len(self.place) < len(names):
            raise RequestError("names must be those of the attributes, at least one, no two alike but for case, _ or blanks")

    def read(self, given: Any) -> Float:
        """The values (K,) float32 of attributes by name; what is not named is 0.

        Args:
            given: names with commas between them or in a list, ``!`` before one that does not hold; or a mapping of names to
                numbers from 0 to 1; or the values themselves, (K,).

        Raises:
            RequestError: there is no such attribute (says the nearest ones), a value is out of range, one is named twice, or
                not exactly one of those that exclude each other is.
        """
        if isinstance(given, np.ndarray):
            values = given.astype(np.float32)
            if values.shape != (len(self.names),):
                raise RequestError(f"attributes have shape {values.shape}; they must be ({len(self.names)},), one number each")
        else:
            values = np.zeros(len(self.names), np.float32)
            seen: set[int] = set()
            for name, value in _named(given):
                place = self.place.get(_plain(name))
                if place is None:
                    raise RequestError(f"no attribute is called {name!r}: {self._nearest(name)}")
                if place in seen:
                    raise RequestError(f"attribute {self.names[place]!r} is named twice; name it once")
                seen.add(place)
                values[place] = value
        if not ((values >= 0) & (values <= 1)).all():
            raise RequestError(_RANGE)
        if self.exclusive and (values > 0).sum() != 1:
            raise RequestError(f"{int((values > 0).sum())} classes are named; name exactly one of {', '.join(self.names)}")
        return values

    def _nearest(self, name: str) -> str:
        """A clause for an unknown name, as :func:`zoo.nearest` gives it, blind to case, ``_`` and blanks."""
        clause = nearest(_plain(name), self.place)
        if not clause.startswith("did you mean"):
            return nearest(name, self.names)
        return re.sub("'([^']*)'", lambda quoted: repr(self.names[self.place[quoted[1]]]), clause)


def _named(given: Any) -> list[tuple[str, float]]:
    """Names and values of what somebody gave."""
    if isinstance(given, Mapping):
        if not all(isinstance(value, (int, float)) and 0 <= value <= 1 for value in given.values()):
            raise RequestError(_RANGE)
        return [(str(name), float(value)) for name, value in given.items()]
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) for name in given):
        raise RequestError(f"attributes are {given!r}; write names with commas between them, a list, or a mapping to numbers")
    words = [name.strip() for name in given if name.strip()]
    return [(word.removeprefix("!").strip(), float(not word.startswith("!"))) for word in words]


def _plain(name: str) -> str:
    """A name without its case, and with one blank for each run of ``_`` and blanks."""
    return " ".join(name.replace("_", " ").casefold().split())
