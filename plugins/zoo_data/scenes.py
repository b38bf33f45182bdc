"""``scenes``: small worlds (scene_world) rendered here (scene_render), whose true p(y | x) is known; needs no files.

The fields fit together to the bit: with albedo colour A = HSV to RGB of (hue, saturation, albedo value) and shading s,
the photo is A s; ``albedo`` is the grey of A; ``value`` is albedo value times s. So ``albedo`` does not depend on
the light, ``value`` not on the saturations, and the photo in HSV has exactly this ``value`` and ``saturation``. ``frame`` is
the photo at the size of the fields, and ``flow`` the motion of what it shows, which nothing else depends on.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zoo import Fields, Image, Records, Split, on_all_cores, progress
from zoo_data import scene_render as render
from zoo_data.kinds import GeneratedData
from zoo_data.scene_world import Draws, Ints, draw_light, draw_motions, draw_saturation, draw_world, stream

PHOTO_SIZE = 128
"""Pixels a side of :meth:`SceneRecords.image`."""
VERSION = "1"
"""Of the scenes: to be raised whenever the same seed gives other ones."""
_RAYS = 1 << 16
"""Rays rendered together: arrays of this length stay in a core's cache."""
_CHANNELS = {"albedo": 1, "shading": 1, "value": 1, "saturation": 1, "frame": 3, "flow": 2}
"""The fields that are known, and how many channels each has."""
_NEEDS = {"albedo": {"saturation"}, "value": {"shading"}, "frame": {"saturation", "shading", "value"}}
"""The fields that a field is made of."""
_DRAWN = {
    "shading": ("light", draw_light, render.shade),
    "saturation": ("saturation", draw_saturation, render.saturation_field),
    "flow": ("motion", draw_motions, render.flow_field),
}
"""The fields that are left open: the stream of what lies behind each, how that is drawn, and the field of a draw of it."""


class SceneRecords(Records):
    """Generated scenes, each with one light, one saturation of every material and one motion: scattered data."""

    view = "scene"

    def __init__(self, split: Split, seed: int, count: int) -> None:
        self.split, self.seed = split, seed
        self.world = draw_world(count, seed, split)
        # What lies behind the fields that are left open, M = 1.
        self.drawn = {name: draw(self.world, 1, stream(of, seed, split)) for name, (of, draw, _) in _DRAWN.items()}
        self.names = [f"scene {i}" for i in range(count)]
        self._source = f"scenes {VERSION} {seed} {split}"
        self.digest = hashlib.sha256(f"{self._source} {count}".encode()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        return [hashlib.sha256(f"{self._source} {PHOTO_SIZE} {i}".encode()).digest() for i in range(len(self))]

    def known(self, *names: str, size: int = 32) -> Fields | None:
        if any(name not in _CHANNELS for name in names):
            return None
        out = {name: np.empty((len(self), _CHANNELS[name], size, size), np.float32) for name in names}

        def fill(index: Ints) -> None:
            fields = self._fields(index, size, names)
            for name, field in out.items():
                field[index] = fields[name]

        self._in_chunks(fill, size, 1)
        return out

    def pool(self, name: str, draws: int, *, size: int = 32) -> NDArray[np.float32] | None:
        """True draws of ``shading``, ``saturation`` or ``flow`` for each scene, (N, draws, C, size, size).

        Only the light is drawn again for ``shading``, only the saturations for ``saturation``, only the motions for
        ``flow``: what is visible in ``albedo``, in ``value``, or in ``frame``, stays exactly the same.
        """
        if name not in _DRAWN:
            return None
        drawn, field = self.pooled(name, draws).value, _DRAWN[name][2]
        out = np.empty((len(self), draws, _CHANNELS[name], size, size), np.float32)

        def fill(index: Ints) -> None:
            hits = render.trace(self.world.take(index), size)
            for m in range(draws):
                out[index, m] = field(hits, drawn[index, m])

        self._in_chunks(fill, size, draws)
        return out

    def pooled(self, name: str, draws: int) -> Draws:
        of, draw, _ = _DRAWN[name]
        return draw(self.world, draws, stream(f"{of} pool", self.seed, self.split))

    def image(self, index: int) -> Image:
        frame = self._fields(np.array([range(len(self))[index]]), PHOTO_SIZE, ("frame",))["frame"][0]
        return (frame.transpose(1, 2, 0) * 255 + np.float32(0.5)).astype(np.uint8)

    def _fields(self, index: Ints, size: int, names: Sequence[str]) -> Fields:
        """At least the fields called ``names`` of scenes of one kind, each (n, C, size, size)."""
        world = self.world.take(index)
        hits = render.trace(world, size)
        wanted = set(names).union(*(_NEEDS.get(name, ()) for name in names))
        fields = {
            name: field(hits, self.drawn[name].value[index, 0]) for name, (*_, field) in _DRAWN.items() if name in wanted
        }
        tint = render.tint(world)
        if wanted & {"value", "albedo"}:
            own = render.albedo_value(hits)
        if "value" in wanted:
            fields["value"] = own * fields["shading"]
        if "albedo" in wanted:
            fields["albedo"] = own * (1 - fields["saturation"] * render.first_ray(hits, (tint * render.LUMA).sum(-1)))
        if "frame" in wanted:
            tints = np.concatenate([render.first_ray(hits, tint[..., c]) for c in range(3)], 1)
            fields["frame"] = fields["value"] * (1 - fields["saturation"] * tints)
        return fields

    def _in_chunks(self, fill: Callable[[Ints], None], size: int, draws: int) -> None:
        """``fill`` for all scenes, a few of one kind at a time, on all cores; memory beside the result stays small."""
        length = max(1, _RAYS // (4 * size * size))
        kinds = self.world.objects @ np.array([3, 1])
        alike = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
        chunks = [same[start : start + length] for same in alike for start in range(0, len(same), length)]
        with progress(len(chunks), "rendering scenes", show=len(self) * draws * size * size >= 1 << 25) as bar:
            deque(on_all_cores(fill, chunks, bar), maxlen=0)


class Scenes(GeneratedData):
    """Generated scenes; ``scenes:2000`` asks for 2000 training scenes instead of 8192. There are always 512 test scenes."""

    kind = "scenes"
    items = "N training scenes"
    sizes = (8192, 512)
    generate = SceneRecords
