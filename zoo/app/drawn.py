"""One item, the fields that were drawn for it, and the pictures of both, as the page shows and saves them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.catalog.choosing import most_different
from zoo.catalog.loaded import Loaded
from zoo.catalog.writing import reduced, write, write_gif
from zoo.utils.errors import border
from zoo.utils.near import Near, steps_of
from zoo.utils.words import one_line

SHOWN = 1200
"""The longest side of the pictures on the page, in pixels; what is downloaded has the photo's own size."""
QUALITY = 92
"""Of the JPEGs that are downloaded, and of those that are shown."""
Form = Literal["PNG", "JPEG", "GIF"]
FORMS: tuple[Form, ...] = ("PNG", "JPEG", "GIF")


@dataclass(frozen=True, eq=False)
class Subject:
    """An item, read and looked at once for all that is drawn of it.

    Attributes:
        given: what :meth:`zoo.Loaded.read` takes.
        name: what files made of it begin with.
        image: (H, W, 3) uint8, the photo as the page shows it; None of an item that is no photo.
        x: (*x_shape).
        context: of the item as the page shows it.
        remark: a sentence where the task can do little for it.
    """

    loaded: Loaded
    given: Any
    name: str
    image: NDArray[np.uint8] | None
    x: Tensor
    context: Any
    remark: str

    @classmethod
    def of(cls, loaded: Loaded, given: Any, name: str) -> Subject:
        """Read an item and look at it; raises as :meth:`zoo.Loaded.sample`."""
        item = loaded.read(given)
        x, context = loaded.condition(item)
        image, remark = None, one_line(loaded.task.remark(item))
        if isinstance(item, np.ndarray) and item.ndim == 3:
            if max(item.shape[:2]) > SHOWN:
                item = np.array(reduced(item, SHOWN))
                _, context = loaded.condition(item)
            image = item[..., :3]
        return cls(loaded, given, name, image, x, context, remark)


@dataclass(frozen=True, eq=False)
class Pool:
    """Samples of one subject.

    Attributes:
        total: how many were drawn; ``places`` are those that were kept, the most different.
        seed: with ``near``, it says which.
        fields: (count, *y_shape), as the model gave them.
    """

    subject: Subject
    total: int
    seed: int
    near: tuple[Near, ...]
    places: list[int]
    fields: Tensor
    x_hat: Tensor | None
    remark: str

    @classmethod
    def of(cls, subject: Subject, total: int, count: int, seed: int, near: tuple[Near, ...] = ()) -> Pool:
        """Draw ``total`` samples and keep the ``count`` most different; raises as :meth:`zoo.Loaded.sample`."""
        loaded = subject.loaded
        shown = np.empty((256, 256)) if subject.image is None else subject.image
        loaded.check_room([shown], total, count)
        drawing = loaded.draw(subject.x[None], total, seed, near)
        places = torch.arange(total) if count == total else most_different(drawing.fields[0], count)
        x_hat = None if drawing.x_hat is None else drawing.x_hat[0]
        remark = ". ".join(filter(None, (subject.remark, *drawing.remarks)))
        return cls(subject, total, seed, near, places.tolist(), drawing.fields[0][places], x_hat, remark)

    def more_like(self, number: int, amount: float) -> Pool:
        """As many, near the one of that number on the page, counted from 0."""
        steps = steps_of([*self.near, (self.places[number], amount)], self.total)
        return Pool.of(self.subject, self.total, len(self.places), self.seed, steps)

    def pictures(self, strength: float) -> NDArray[np.uint8]:
        """(count, H, W, 3) uint8, as the page shows them."""
        return self.subject.loaded.compose(self.subject.context, self.fields, self.x_hat, strength)[1]

    def again(self, strength: float = 1.0) -> str:
        """The line of Python that makes the same once more."""
        name = Path(self.subject.given).name if isinstance(self.subject.given, (str, Path)) else self.subject.given
        more = f", strength={strength:g}" if strength != 1 else ""
        more += f", distinct={len(self.places)}" if len(self.places) < self.total else ""
        more += f", near={[tuple(step) for step in self.near]}" if self.near else ""
        return f"zoo.load({self.subject.loaded.name!r}).sample({name!r}, {self.total}, seed={self.seed}{more})"

    @cached_property
    def stem(self) -> str:
        """The beginning of the names of the files of these samples."""
        like = "".join(f"-like-{step.place + 1}" for step in self.near)
        name = re.sub(r"[^\w., -]", "_", self.subject.name)[:60]
        return f"{name}-{self.seed}{like}"

    def save(self, numbers: Sequence[int], form: Form, strength: float, folder: Path) -> Path:
        """One file of the pictures of these numbers, at the photo's own size: of several a ZIP; a GIF goes through them."""
        if form == "GIF":
            path = folder / f"{self.stem}.gif"
            shown = self.pictures(strength)[list(numbers)]
            first = [] if self.subject.image is None else [self.subject.image]
            write_gif([*first, *shown], path)
            return path
        files = list(self._written(numbers, form, strength, folder))
        if len(files) == 1:
            return files[0]
        path = folder / f"{self.stem}.zip"
        with border(f"{path.name} cannot be written"):  # noqa: SIM117
            with zipfile.ZipFile(path, "w") as archive:
                for file in files:
                    archive.write(file, file.name)
                    file.unlink()
        return path

    def _written(self, numbers: Sequence[int], form: Form, strength: float, folder: Path) -> Iterator[Path]:
        loaded = self.subject.loaded
        item = loaded.read(self.subject.given)
        _, context = loaded.condition(item)
        origin = loaded.origin(self.subject.given, item)
        for number in numbers:  # one at a time, whatever they are of
            _, [pixels] = loaded.compose(context, self.fields[number : number + 1], self.x_hat, strength)
            stem = folder / f"{self.stem}-{number + 1:02d}"
            mine = origin if origin is not None and origin.image.shape == pixels.shape else None
            write(pixels, stem, QUALITY if form == "JPEG" else None, mine)
            yield stem.with_name(f"{stem.name}.{'jpg' if form == 'JPEG' else 'png'}")
