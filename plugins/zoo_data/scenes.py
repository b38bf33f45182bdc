"""``scenes``: small worlds rendered here, whose true p(y | x) is known; needs no files.

See :mod:`zoo_data.scene_world` for what is drawn and from what, :mod:`zoo_data.scene_motion` for how things move,
:mod:`zoo_data.scene_render` for how it is rendered.

The fields fit together to the bit: with albedo colour A = HSV to RGB of (hue, saturation, albedo value) and shading s,
the photo is A s; ``albedo`` is the grey of A; ``value`` is albedo value times s. So ``albedo`` does not depend on
the light, ``value`` not on the saturations, and the photo in HSV has exactly this ``value`` and ``saturation``. ``frame`` is
the photo at the size of the fields, and ``flow`` the motion of what it shows, which nothing else depends on.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo import Fields, Image, Records, Split, on_all_cores, progress
from zoo_data import scene_render as render
from zoo_data.kinds import GeneratedData
from zoo_data.scene_motion import Motions, draw_motions, flow_field
from zoo_data.scene_render import Hits
from zoo_data.scene_world import Floats, Ints, Light, draw_light, draw_saturation, draw_world, stream

PHOTO_SIZE = 128
"""Pixels a side of :meth:`SceneRecords.image`."""
VERSION = "1"
"""Of the scenes: to be raised whenever the same seed gives other ones."""
_RAYS = 1 << 16
"""Rays rendered together: arrays of this length stay in a core's cache."""
_SLOW = 1 << 25
"""Rendering so many pixels of fields shows its progress."""
_CHANNELS = {"albedo": 1, "shading": 1, "value": 1, "saturation": 1, "frame": 3, "flow": 2}
"""The fields that are known, and how many channels each has."""


class SceneRecords(Records):
    """Generated scenes, each with one light and one saturation of every material: scattered data.

    Attributes:
        world: the scenes.
        motions: how things move in each.
        light: the light of each, (N, 1).
        modes: (N, 6) the mode of the saturation of each material.
        saturations: (N, 6) the saturation of each material.
    """

    view = "scene"

    def __init__(self, split: Split, seed: int, count: int) -> None:
        self.split, self.seed = split, seed
        self.world = draw_world(count, seed, split)
        self.light = draw_light(self.world, 1, stream("light", seed, split))
        modes, saturations = draw_saturation(self.world, 1, stream("saturation", seed, split))
        self.modes, self.saturations = modes[:, 0], saturations[:, 0]
        self.names = [f"scene {i}" for i in range(count)]
        self._source = f"scenes {VERSION} {seed} {split}"
        self.digest = hashlib.sha256(f"{self._source} {count}".encode()).hexdigest()

    @cached_property
    def motions(self) -> Motions:
        """The motion of each scene, M = 1."""
        return draw_motions(self.world, 1, stream("motion", self.seed, self.split))

    @cached_property
    def ids(self) -> list[bytes]:
        return [hashlib.sha256(f"{self._source} {PHOTO_SIZE} {i}".encode()).digest() for i in range(len(self))]

    def known(self, *names: str, size: int = 32) -> Fields | None:
        """``albedo``, ``shading``, ``value``, ``saturation`` (1 channel) and ``frame`` (3), in [0, 1], and ``flow`` (2).

        Each is (N, C, size, size); flow is in pixels of the field per second, to the right and downwards.
        """
        if any(name not in _CHANNELS for name in names):
            return None
        out = {name: np.empty((len(self), _CHANNELS[name], size, size), np.float32) for name in names}
        if "flow" in names:
            _ = self.motions  # drawn once, before the threads begin

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
        draw, field = _DRAWN[name]
        drawn = draw(self, draws)
        out = np.empty((len(self), draws, _CHANNELS[name], size, size), np.float32)

        def fill(index: Ints) -> None:
            hits = render.trace(self.world.take(index), size)
            for m in range(draws):
                out[index, m] = field(hits, drawn, (index, m))

        self._in_chunks(fill, size, draws)
        return out

    def pool_light(self, draws: int) -> Light:
        """The lights behind ``pool("shading", draws)``."""
        return draw_light(self.world, draws, stream("light pool", self.seed, self.split))

    def pool_saturation(self, draws: int) -> tuple[Ints, Floats]:
        """The modes and the saturations, (N, draws, 6), behind ``pool("saturation", draws)``."""
        return draw_saturation(self.world, draws, stream("saturation pool", self.seed, self.split))

    def pool_motions(self, draws: int) -> Motions:
        """The motions behind ``pool("flow", draws)``."""
        return draw_motions(self.world, draws, stream("motion pool", self.seed, self.split))

    def image(self, index: int) -> Image:
        """The photo of one scene, rendered at 128 x 128."""
        scene = np.array([range(len(self))[index]])
        return render.to_photo(self._fields(scene, PHOTO_SIZE, ("frame",))["frame"][0].transpose(1, 2, 0))

    def _fields(self, index: Ints, size: int, names: Sequence[str]) -> Fields:
        """At least the fields called ``names`` of scenes of one kind, each (n, C, size, size)."""
        world = self.world.take(index)
        hits = render.trace(world, size)
        wanted = {*names, *(("value", "saturation") if "frame" in names else ())}
        own = render.albedo_value(hits)[:, None] if wanted & {"value", "albedo"} else np.empty(0, np.float32)
        tint = render.tint(world)
        fields: Fields = {}
        if wanted & {"shading", "value"}:
            fields["shading"] = _shading(hits, self.light, (index, 0))
        if wanted & {"saturation", "albedo"}:
            fields["saturation"] = _saturation(hits, (None, self.saturations[:, None]), (index, 0))
        if "value" in wanted:
            fields["value"] = own * fields["shading"]
        if "albedo" in wanted:
            grey = render.first_ray(hits, (tint * render.LUMA).sum(-1))
            fields["albedo"] = own * (1 - fields["saturation"] * grey[:, None])
        if "frame" in wanted:
            tints = np.stack([render.first_ray(hits, tint[..., c]) for c in range(3)], 1)
            fields["frame"] = fields["value"] * (1 - fields["saturation"] * tints)
        if "flow" in wanted:
            fields["flow"] = _flow(hits, self.motions, (index, 0))
        return fields

    def _in_chunks(self, fill: Callable[[Ints], None], size: int, draws: int) -> None:
        """``fill`` for all scenes, a few of one kind at a time, on all cores; memory beside the result stays small."""
        chunks = list(self._chunks(max(1, _RAYS // (4 * size * size))))
        with progress(len(chunks), "rendering scenes", show=len(self) * draws * size * size >= _SLOW) as bar:
            deque(on_all_cores(fill, chunks, bar), maxlen=0)

    def _chunks(self, length: int) -> Iterator[Ints]:
        kinds = self.world.objects @ np.array([3, 1])
        for kind in np.unique(kinds):
            same = np.flatnonzero(kinds == kind)
            for start in range(0, len(same), length):
                yield same[start : start + length]


class Scenes(GeneratedData[SceneRecords]):
    """Generated scenes; ``scenes:2000`` asks for 2000 training scenes instead of 8192. There are always 512 test scenes."""

    kind = "scenes"
    items = "N training scenes"
    sizes = (8192, 512)
    generate = SceneRecords


def _shading(hits: Hits, light: Light, at: tuple[Ints, int]) -> Floats:
    return render.shade(hits, light.towards[at], light.strength[at])[:, None]


def _saturation(hits: Hits, drawn: tuple[Any, Floats], at: tuple[Ints, int]) -> Floats:
    return render.saturation_field(hits, drawn[1][at])[:, None]


def _flow(hits: Hits, motions: Motions, at: tuple[Ints, int]) -> Floats:
    return flow_field(hits, motions.velocity[at])


_DRAWN: dict[str, tuple[Callable[..., Any], Callable[..., Floats]]] = {
    "shading": (SceneRecords.pool_light, _shading),
    "saturation": (SceneRecords.pool_saturation, _saturation),
    "flow": (SceneRecords.pool_motions, _flow),
}
"""The fields that have pools: how what lies behind them is drawn, and the field of one draw of it."""
