"""One visitor of the page: their photos, what was drawn for them, and the files of both that the page shows."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.app.drawn import QUALITY, SHOWN, Form, Pool, Subject
from zoo.catalog.loaded import Loaded
from zoo.catalog.writing import reduced, write
from zoo.data.pictures import photo_of
from zoo.utils.errors import RequestError, border
from zoo.utils.noise import new_seed

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

THUMB = 320
"""The longest side of the small picture of a photo, in pixels."""


@dataclass(frozen=True)
class Photo:
    """A photo that can be chosen: its file, what files made of it begin with, its small picture, and what is said of it."""

    path: str
    name: str
    thumb: str
    caption: str | None = None


@dataclass
class Visit:
    """All that one visitor did so far.

    Attributes:
        folder: where the files are that the page shows them.
        photos: to choose from, the newest first.
        picked: the place of the one that is chosen.
        pools: what was drawn; each but the first is more like one of the one before it.
        kept: the numbers of the samples of the last pool that are to be kept, from 0.
        current: the number of the one that is shown large.
        pictures, original: the files of the samples, and of the photo that they were made of, as they are shown.
        shown, made: the folders of such files, and of those that were downloaded; the newest two of each.
    """

    folder: Path
    photos: list[Photo] = field(default_factory=list)
    picked: int = 0
    pools: list[Pool] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    current: int | None = None
    strength: float = 1.0
    pictures: list[str] = field(default_factory=list)
    original: str | None = None
    shown: list[Path] = field(default_factory=list, repr=False)
    made: list[Path] = field(default_factory=list, repr=False)

    @classmethod
    def begin(cls, folder: Path, examples: list[tuple[Path, str]]) -> Visit:
        """A visit whose files go below ``folder``, with examples to choose from, each with a caption."""
        visit = cls(Path(tempfile.mkdtemp(dir=folder)))
        visit.photos = [visit._photo(path, caption) for path, caption in examples]
        return visit

    def end(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def photo(self) -> Photo | None:
        return self.photos[self.picked] if self.photos else None

    @property
    def pool(self) -> Pool:
        if not self.pools:
            raise RequestError("there are no pictures yet: make some first")
        return self.pools[-1]

    def add(self, paths: list[str]) -> None:
        """Take photos in and choose the first; where one cannot be read (RequestError), none is taken."""
        new = []
        for path in map(Path, paths):
            own = self._own(path)
            try:
                new.append(self._photo(own))
            except RequestError as error:  # without the place where it is here
                shutil.rmtree(own.parent)
                raise RequestError(str(error).replace(str(own), own.name)) from error
        self.photos, self.picked = [*new, *self.photos], 0

    def draw(
        self, loaded: Loaded, given: Any, name: str, count: int, different: int, seed: int | None, strength: float = 1.0
    ) -> None:
        """Draw ``different`` times as many samples as are wanted, and show the most different ones."""
        last = self.pools[-1].subject if self.pools else None
        same = last is not None and last.loaded is loaded and last.given == given
        subject = last if same and last is not None else Subject.of(loaded, given, name)
        seed = new_seed() % 1_000_000 if seed is None else seed
        self._show([Pool.of(subject, count * different, count, seed)], strength)

    def more_like_this(self, amount: float) -> None:
        """Draw as many that are more like the one that is shown large."""
        if self.current is None:
            raise RequestError("click a picture first, to have more like it")
        self._show([*self.pools, self.pool.more_like(self.current, amount)], self.strength)

    def back(self) -> None:
        """Show again what was drawn before."""
        self._show(self.pools[:-1] or [self.pool], self.strength)

    def enlarge(self, number: int) -> None:
        """Show that one large, if there is one: while others are made, a page still has those of before."""
        self.current = number if 0 <= number < len(self.pictures) else None

    def keep(self) -> None:
        """Keep the one that is shown large, or no longer."""
        if self.current is not None:
            self.kept ^= {self.current}

    def set_strength(self, strength: float) -> None:
        """Show the same samples at another strength."""
        if self.pools:
            self.pictures, self.original = self._composed(self.pool, strength)
        self.strength = strength

    def save(self, which: str, form: Form) -> Path:
        """A file of the picture that is shown large (``one``), of those that are kept (``kept``), or of ``all``."""
        pool = self.pool
        one = [] if self.current is None else [self.current]
        numbers = {"one": one, "kept": sorted(self.kept)}.get(which, list(range(len(pool.places))))
        if not numbers:
            what = "click a picture first" if which == "one" else "keep pictures first, with the button under the large one"
            raise RequestError(f"there is nothing to download yet: {what}")
        with self._room(self.made) as folder:
            return pool.save(numbers, form, self.strength, folder)

    def erased(self, layers: list[NDArray[np.uint8]]) -> str:
        """The chosen photo without what was brushed over in these layers (h, w, 4): the file of a transparent PNG."""
        from PIL import Image

        photo = self.photo
        brushed = [layer[..., 3] > 0 for layer in layers if layer[..., 3].any()]
        if photo is None or not brushed:
            raise RequestError("brush over the part that is to be filled in")
        image = Image.fromarray(photo_of(photo.path))
        holes = Image.fromarray((255 * ~np.any(brushed, axis=0)).astype(np.uint8))
        image.putalpha(holes.resize(image.size, Image.Resampling.NEAREST))
        path = Path(tempfile.mkdtemp(dir=self.folder)) / f"{photo.name}.png"
        image.save(path, compress_level=1)
        return str(path)

    def shown_photo(self) -> PILImage | None:
        """The chosen photo as the page shows it."""
        return None if self.photo is None else reduced(photo_of(self.photo.path), SHOWN)

    def _own(self, path: Path) -> Path:
        """The same file in a folder of this visit: the server removes what was uploaded an hour ago, whoever still uses it."""
        own = Path(tempfile.mkdtemp(dir=self.folder)) / path.name
        try:
            os.link(path, own)
        except OSError:  # another file system, or one without links; or there is no such file, which reading it tells
            with border(f"cannot read {path.name}", RequestError):
                shutil.copyfile(path, own)
        return own

    def _photo(self, path: Path, caption: str | None = None) -> Photo:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        write(np.array(reduced(photo_of(path), THUMB)), folder / "small", QUALITY)
        return Photo(str(path), path.stem, str(folder / "small.jpg"), caption)

    def _show(self, pools: list[Pool], strength: float) -> None:
        """Show the last of these; what was shown stays until all of that is there, and where it cannot be had."""
        pictures, original = self._composed(pools[-1], strength)
        self.kept, self.current, self.strength = set(), None, strength
        self.pools, self.pictures, self.original = pools, pictures, original

    def _composed(self, pool: Pool, strength: float) -> tuple[list[str], str | None]:
        """The files of the samples of a pool, and of the photo that they were made of, where it is as large."""
        pictures, image = pool.pictures(strength), pool.subject.image
        with self._room(self.shown) as folder:  # a new one: browsers keep what they have under its name
            for number, pixels in enumerate(pictures):
                write(pixels, folder / f"{number}", QUALITY)
            if same := image is not None and image.shape == pictures.shape[1:]:
                write(image, folder / "original", QUALITY)
        return [str(folder / f"{number}.jpg") for number in range(len(pictures))], str(
            folder / "original.jpg"
        ) if same else None

    @contextlib.contextmanager
    def _room(self, rooms: list[Path]) -> Iterator[Path]:
        """A new folder to write to; then of the others of its kind only the newest stays, which a page may still show."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for old in rooms[:-1]:
            shutil.rmtree(old, ignore_errors=True)
        rooms[:] = [*rooms[-1:], folder]
