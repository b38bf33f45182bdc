"""``scenes``: small worlds (scene_world) rendered here (scene_render), whose true p(y | x) is known; needs no files.

The fields fit together to the bit: with albedo colour A = HSV to RGB of (hue, saturation, albedo value) and shading s,
the photo is A s; ``albedo`` is the grey of A; ``value`` is albedo value times s. So ``albedo`` does not depend on
the light, ``value`` not on the saturations, and the photo in HSV has exactly this ``value`` and ``saturation``.
``reflectance`` is A, and ``tones`` the photo with all saturations a half: they show hues too, and do not depend on the light
and on the saturations either. ``frame`` is the photo at the size of the fields, and ``flow`` the motion of what it shows,
which nothing else depends on. Scenes that are painted (scene_paint) have ``lightness`` and ``colours``
but no ``value``, ``saturation`` and ``tones``, and the value for ``albedo`` and ``reflectance``.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo import Fields, Image, Records, RequestError, Split, on_all_cores, progress
from zoo_data import scene_render as render
from zoo_data.kinds import GeneratedData
from zoo_data.scene_levels import WORDS, Level, joint, truth_of
from zoo_data.scene_paint import colours_field, painted
from zoo_data.scene_world import (
    Draws,
    Floats,
    Ints,
    draw_light,
    draw_motions,
    draw_saturation,
    draw_world,
    light_probabilities,
    motion_probabilities,
    saturation_probabilities,
    stream,
)

if TYPE_CHECKING:
    from zoo import Truth

PHOTO_SIZE = 128
"""Pixels a side of :meth:`SceneRecords.image`."""
VERSION = "1"
"""Of the scenes: to be raised whenever the same seed gives other ones."""
BLOCK = 20
"""Draws of a pool that come from one stream of random numbers, so that those of a small pool are the first of a large one."""
_RAYS = 1 << 16
"""Rays rendered together: arrays of this length stay in a core's cache."""
_CHANNELS = {"albedo": 1, "shading": 1, "value": 1, "saturation": 1, "frame": 3, "flow": 2, "lightness": 1, "colours": 2}
_CHANNELS |= {"reflectance": 3, "tones": 3}
"""The fields that are known, and how many channels each has."""
_COLOURED = {"frame", "reflectance", "tones"}
"""The fields in R, G, B of scenes that are not painted."""
_PLAIN, _PAINTED = {"value", "saturation", "tones"}, {"lightness", "colours"}
"""The fields of scenes that are not painted, and of those that are."""
_NEEDS = {"albedo": {"saturation"}, "value": {"shading"}, "frame": {"saturation", "shading", "value"}}
_NEEDS |= {"reflectance": {"saturation"}, "tones": {"shading", "value"}}
"""The fields that a field is made of."""
_DRAWN = {
    "shading": ("light", draw_light, render.shade),
    "saturation": ("saturation", draw_saturation, render.saturation_field),
    "flow": ("motion", draw_motions, render.flow_field),
}
"""The fields that are left open: the stream of what lies behind each, how that is drawn, and the field of a draw of it."""
_STREAM = {name: of for name, (of, *_) in _DRAWN.items()} | {"colours": "colour"}


class SceneRecords(Records):
    """Generated scenes, each with one light, one saturation of every material and one motion: scattered data.

    Those of a ``level`` have other modes, and its ``paint`` gives them colours of their own.
    """

    view = "scene"

    def __init__(self, split: Split, seed: int, count: int, level: Level | None = None) -> None:
        self.split, self.seed, self.level = split, seed, level
        self.world = draw_world(count, seed, split)
        paint = level is not None and level.paint
        self._channels = {name: c for name, c in _CHANNELS.items() if name not in (_PLAIN if paint else _PAINTED)}
        self._draw = {name: draw if level is None else level.drawer(name) for name, (_, draw, _) in _DRAWN.items()}
        if level is not None and paint:
            self._draw = {name: level.drawer(name) for name in ("shading", "flow", "colours")}
        # What lies behind the fields that are left open, M = 1.
        self.drawn = {name: draw(self.world, 1, stream(_STREAM[name], seed, split)) for name, draw in self._draw.items()}
        self.names = [f"scene {i}" for i in range(count)]
        self._source = f"scenes {VERSION} {seed} {split}" + (f" {level}" if level else "")
        self.digest = hashlib.sha256(f"{self._source} {count}".encode()).hexdigest()

    @cached_property
    def ids(self) -> list[bytes]:
        return [hashlib.sha256(f"{self._source} {PHOTO_SIZE} {i}".encode()).digest() for i in range(len(self))]

    def known(self, *names: str, size: int = 32) -> Fields | None:
        if any(name not in self._channels for name in names):
            return None
        out = {name: np.empty((len(self), _CHANNELS[name], size, size), np.float32) for name in names}

        def fill(index: Ints) -> None:
            fields = self._fields(index, size, names)
            for name, field in out.items():
                field[index] = fields[name]

        self._in_chunks(fill, size, 1)
        return out

    def pool(self, name: str, draws: int, *, size: int = 32) -> NDArray[np.float32] | None:
        """True draws of ``shading``, ``saturation``, ``flow`` or ``colours`` for each scene, (N, draws, C, size, size).

        Only the light is drawn again for ``shading``, only the saturations for ``saturation``, only the motions for
        ``flow``, only the colours for ``colours``: what is visible in ``albedo``, in ``value``, in ``frame``, or in
        ``lightness`` stays exactly the same. So a pool is of p(y | scene), with everything else of the scene given; x shows
        all of that on which the probabilities depend. The draws of a pool are the first of a larger one.
        """
        if name not in self._draw:
            return None
        drawn = self.pooled(name, draws).value
        out = np.empty((len(self), draws, _CHANNELS[name], size, size), np.float32)

        def fill(index: Ints) -> None:
            hits = render.trace(self.world.take(index), size)
            field = self._field(name, hits, index)
            for m in range(draws):
                out[index, m] = field(drawn[index, m])

        self._in_chunks(fill, size, draws)
        return out

    def truth(self, name: str, draws: int, *, size: int = 32) -> Truth | None:
        """The modes of light, of the level, or of all materials or movers together that are seen, as one number."""
        if name not in self._draw:
            return None
        pooled, own = self.pooled(name, draws).mode, self.drawn[name].mode
        if self.level is not None:
            return truth_of(pooled, own, self.level.probabilities(self.world))
        if name == "shading":
            return truth_of(pooled, own, light_probabilities(self.world))
        of = saturation_probabilities if name == "saturation" else motion_probabilities
        both, weights = joint(np.concatenate([own, pooled], 1), of(self.world), self._seen(name, size))
        return truth_of(both[:, 1:], both[:, :1], weights)

    def pooled(self, name: str, draws: int) -> Draws:
        blocks = range(-(-draws // BLOCK))
        streams = (stream(f"{_STREAM[name]} pool", self.seed, self.split, block) for block in blocks)
        parts = [self._draw[name](self.world, BLOCK, numbers) for numbers in streams]
        return Draws(*(np.concatenate(part, 1)[:, :draws] for part in zip(*((d.mode, d.value) for d in parts), strict=True)))

    def image(self, index: int) -> Image:
        frame = self._fields(np.array([range(len(self))[index]]), PHOTO_SIZE, ("frame",))["frame"][0]
        return (frame.transpose(1, 2, 0) * 255 + np.float32(0.5)).astype(np.uint8)

    def _field(self, name: str, hits: render.Hits, index: Ints) -> Callable[[Floats], Floats]:
        """Makes of draws for scenes of one kind the field called ``name``."""
        if name != "colours":
            return partial(_DRAWN[name][2], hits)
        lightness = render.albedo_value(hits) * render.shade(hits, self.drawn["shading"].value[index, 0])
        return partial(colours_field, hits, lightness=lightness)

    def _fields(self, index: Ints, size: int, names: Sequence[str]) -> Fields:
        """At least the fields called ``names`` of scenes of one kind, each (n, C, size, size)."""
        world = self.world.take(index)
        hits = render.trace(world, size)
        wanted = set(names).union(*(_NEEDS.get(name, ()) for name in names))
        painting = bool("colours" in self._draw and wanted & {"lightness", "colours", "frame"})
        wanted |= {"shading"} if painting else set()
        drawn = {name: of.value[index, 0] for name, of in self.drawn.items() if name in wanted}
        fields = {name: _DRAWN[name][2](hits, value) for name, value in drawn.items() if name in _DRAWN}
        if painting or wanted & {"value", "albedo", "reflectance"}:
            own = render.albedo_value(hits)
        if "colours" in self._draw:
            if "albedo" in wanted:
                fields["albedo"] = own
            if "reflectance" in wanted:
                fields["reflectance"] = np.repeat(own, 3, axis=1)
            if painting:
                fields["lightness"] = own * fields["shading"]
                fields["colours"] = colours_field(hits, self.drawn["colours"].value[index, 0], fields["lightness"])
                fields["frame"] = painted(fields["lightness"], fields["colours"])
            return fields
        tint = render.tint(world)
        if "value" in wanted:
            fields["value"] = own * fields["shading"]
        if "albedo" in wanted:
            fields["albedo"] = own * (1 - fields["saturation"] * render.first_ray(hits, (tint * render.LUMA).sum(-1)))
        if wanted & _COLOURED:
            tints = np.concatenate([render.first_ray(hits, tint[..., c]) for c in range(3)], 1)
            for name in _COLOURED & wanted:
                light = own if name == "reflectance" else fields["value"]
                saturation = np.float32(0.5) if name == "tones" else fields["saturation"]
                fields[name] = light * (1 - saturation * tints)
        return fields

    def _seen(self, name: str, size: int) -> NDArray[np.bool_]:
        """Whether any ray meets each material (N, 6), or each mover (N, 5); the camera moves all."""
        of = render.MATERIAL if name == "saturation" else render.MOVER
        seen = np.zeros((len(self), of.max() + 1), bool)

        def fill(index: Ints) -> None:
            surface = render.trace(self.world.take(index), size).surface % 17
            for part in range(seen.shape[1]):
                seen[index, part] = (of == part)[surface].any(1)

        self._in_chunks(fill, size, 1)
        if name == "flow":
            seen[:, 0] = True
        return seen

    def _in_chunks(self, fill: Callable[[Ints], None], size: int, draws: int) -> None:
        """``fill`` for all scenes, a few of one kind at a time, on all cores; memory beside the result stays small."""
        length = max(1, _RAYS // (4 * size * size))
        kinds = self.world.objects @ np.array([3, 1])
        alike = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
        chunks = [same[start : start + length] for same in alike for start in range(0, len(same), length)]
        with progress(len(chunks), "rendering scenes", show=len(self) * draws * size * size >= 1 << 25) as bar:
            deque(on_all_cores(fill, chunks, bar), maxlen=0)


class Scenes(GeneratedData):
    """Generated scenes; ``scenes:2000`` asks for 2000 training scenes instead of 8192. There are always 512 test scenes.

    Settings of a :class:`zoo_data.scene_levels.Level` make them as hard as is wanted, and all others stay at their defaults:
    ``scenes:modes=2``, ``scenes:2000,modes=3,decides=2,skew=2,arcs=1``, ``scenes:paint``.
    """

    kind = "scenes"
    items = "N training scenes"
    layout = f"nothing has to be there; scenes:N has {items}, and how hard they are may stand there: {WORDS}"
    sizes = (8192, 512)

    def __init__(self, path: str = "") -> None:
        count, comma, words = path.partition(",")
        if not count[:1].isdigit():
            count, words = "", path
        level = Level.of(words.split(",")) if words else None
        if (words and level is None) or (comma and not words):
            super().__init__("" if count == path else count)  # says what is wrong with the number
            raise RequestError(f"scenes:{path}: write scenes, or scenes:N for {self.items}, or settings: {WORDS}")
        super().__init__(count)
        self.path, self._level = path, level

    def generate(self, split: Split, seed: int, count: int) -> SceneRecords:
        return SceneRecords(split, seed, count, self._level)
