"""``scenes``: small worlds rendered here, whose true p(y | x) is known; needs no files.

See :mod:`zoo.data.scene_world` for what is drawn and from what, :mod:`zoo.data.scene_render` for how it is rendered.

The fields fit together to the bit: with albedo colour A = HSV to RGB of (hue, saturation, albedo value) and shading s,
the photo is A s; ``albedo`` is the grey of A; ``value`` is albedo value times s. So ``albedo`` does not depend on
the light, ``value`` not on the saturations, and the photo in HSV has exactly this ``value`` and ``saturation``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zoo.data import scene_render as render
from zoo.data.base import Data, Fields, Image, Records, Split, check_split
from zoo.data.cache import MANY, cached_map, on_all_cores
from zoo.data.scene_world import Floats, Ints, Light, draw_light, draw_saturation, draw_world, stream
from zoo.errors import RequestError
from zoo.progress import progress

TRAIN, TEST = 8192, 512
"""How many scenes a split has."""
PHOTO_SIZE = 128
"""Pixels a side of :meth:`SceneRecords.image`."""
VERSION = "1"
"""Of the scenes: to be raised whenever the same seed gives other ones."""
_RAYS = 1 << 16
"""Rays rendered together: arrays of this length stay in a core's cache."""
_KNOWN = ("albedo", "shading", "value", "saturation")


class Scenes(Data):
    """Generated scenes; ``scenes:2000`` asks for 2000 training scenes instead of 8192. There are always 512 test scenes.

    Raises:
        RequestError: what stands behind the colon is not a number of scenes.
    """

    kind: ClassVar[str] = "scenes"

    def __init__(self, path: str = "") -> None:
        if path and not (path.isascii() and path.isdigit() and int(path) > 0):
            raise RequestError(f"scenes:{path}: write scenes, or scenes:N for N training scenes")
        super().__init__(path)

    def read(self, split: Split, *, seed: int = 0) -> SceneRecords:
        """The scenes of one split; other seeds and the other split give other scenes."""
        check_split(split)
        return SceneRecords(split, seed, TEST if split == "test" else int(self.path or TRAIN))


class SceneRecords(Records):
    """Generated scenes, each with one light and one saturation of every material: scattered data.

    Attributes:
        world: the scenes.
        light: the light of each, (N, 1).
        modes: (N, 6) the mode of the saturation of each material.
        saturations: (N, 6) the saturation of each material.
    """

    def __init__(self, split: Split, seed: int, count: int) -> None:
        self.split, self.seed = split, seed
        self.world = draw_world(count, seed, split)
        self.light = draw_light(self.world, 1, stream("light", seed, split))
        modes, saturations = draw_saturation(self.world, 1, stream("saturation", seed, split))
        self.modes, self.saturations = modes[:, 0], saturations[:, 0]
        self.names = [f"scene {i}" for i in range(count)]
        self._source = f"scenes {VERSION} {seed} {split}"
        self.digest = hashlib.sha256(f"{self._source} {count}".encode()).hexdigest()

    def known(self, *names: str, size: int = 32) -> Fields | None:
        """``albedo``, ``shading``, ``value``, ``saturation``: each (N, 1, size, size) in [0, 1]."""
        if any(name not in _KNOWN for name in names):
            return None
        out = {name: np.empty((len(self), 1, size, size), np.float32) for name in names}

        def fill(index: Ints) -> None:
            made = self._fields(index, size, names)
            for name, field in out.items():
                field[index, 0] = made[name]

        self._in_chunks(fill, size, 1)
        return out

    def pool(self, name: str, draws: int, *, size: int = 32) -> NDArray[np.float32] | None:
        """True draws of ``shading`` or ``saturation`` for each scene, (N, draws, 1, size, size).

        Only the light is drawn again for ``shading``, and only the saturations for ``saturation``: what is visible in
        ``albedo``, or in ``value``, stays exactly the same.
        """
        if name not in ("shading", "saturation"):
            return None
        out = np.empty((len(self), draws, 1, size, size), np.float32)
        if name == "shading":
            light = self.pool_light(draws)

            def fill(index: Ints) -> None:
                hits = render.trace(self.world.take(index), size)
                for m in range(draws):
                    out[index, m, 0] = render.shade(hits, light.towards[index, m], light.strength[index, m])
        else:
            _, saturations = self.pool_saturation(draws)

            def fill(index: Ints) -> None:
                hits = render.trace(self.world.take(index), size)
                for m in range(draws):
                    out[index, m, 0] = render.saturation_field(hits, saturations[index, m])

        self._in_chunks(fill, size, draws)
        return out

    def pool_light(self, draws: int) -> Light:
        """The lights behind ``pool("shading", draws)``."""
        return draw_light(self.world, draws, stream("light pool", self.seed, self.split))

    def pool_saturation(self, draws: int) -> tuple[Ints, Floats]:
        """The modes and the saturations, (N, draws, 6), behind ``pool("saturation", draws)``."""
        return draw_saturation(self.world, draws, stream("saturation pool", self.seed, self.split))

    def image(self, index: int) -> Image:
        """The photo of one scene, rendered at 128 x 128."""
        one = np.array([range(len(self))[index]])
        made = self._fields(one, PHOTO_SIZE, ("value", "saturation", "tint"))
        return render.to_photo(made["value"][..., None] * (1 - made["saturation"][..., None] * made["tint"]))[0]

    def map(self, function: Callable[[Image], Mapping[str, NDArray[np.float32]]], key: str) -> Fields:
        ids = [hashlib.sha256(f"{self._source} {PHOTO_SIZE} {i}".encode()).digest() for i in range(len(self))]
        return cached_map(lambda i: function(self.image(i)), ids, f"scene:{key}")

    def _fields(self, index: Ints, size: int, names: Sequence[str]) -> Fields:
        """Fields of scenes of one kind, each (n, size, size); ``tint`` of :func:`scene_render.tint` with a last axis of 3."""
        world = self.world.take(index)
        hits = render.trace(world, size)
        made: Fields = {}
        if "shading" in names or "value" in names:
            made["shading"] = render.shade(hits, self.light.towards[index, 0], self.light.strength[index, 0])
        if "saturation" in names or "albedo" in names:
            made["saturation"] = render.saturation_field(hits, self.saturations[index])
        if "value" in names or "albedo" in names:
            own = render.albedo_value(hits)
        if "value" in names:
            made["value"] = own * made["shading"]
        tint = render.tint(world)
        if "albedo" in names:
            grey = render.first_ray(hits, (tint * render.LUMA).sum(-1))
            made["albedo"] = own * (1 - made["saturation"] * grey)
        if "tint" in names:
            made["tint"] = np.stack([render.first_ray(hits, tint[..., c]) for c in range(3)], -1)
        return made

    def _in_chunks(self, fill: Callable[[Ints], None], size: int, draws: int) -> None:
        """``fill`` for all scenes, a few of one kind at a time, on all cores; memory beside the result stays small."""
        chunks = list(self._chunks(max(1, _RAYS // (4 * size * size))))
        many = len(self) * draws * size * size >= 32 * MANY * 32 * 32
        with progress(len(chunks), "rendering scenes", show=many) as bar:
            for _ in on_all_cores(fill, chunks, bar):
                pass

    def _chunks(self, length: int) -> Iterator[Ints]:
        kinds = self.world.objects @ np.array([3, 1])
        for kind in np.unique(kinds):
            same = np.flatnonzero(kinds == kind)
            for start in range(0, len(same), length):
                yield same[start : start + length]
