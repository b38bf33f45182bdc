"""The things in a generated scene, and the distributions that its light, its saturations and its motions are drawn from.

A scene is a floor, a back wall of two panels, and one to four objects (spheres and upright boxes) of given hue, value
and texture. Left open and drawn are the light, how saturated each material is, and how things move within a second.
Each comes from a mixture of modes that are far apart, and how probable a mode is depends on what the scene shows:

- light comes from the left, the right, the front or the top: rather from the side of the brighter wall panel, from the
  top over a bright floor, from the front over a dark one;
- a material is vivid, soft or greyish: dark, small things rather vivid, bright, large ones rather greyish;
- all move evenly and without turning, or stay; things may pass through each other. The camera goes left or right (0.25
  to 0.45 m/s), rather towards the brighter panel; a sphere left or right (0.7 to 1.1 m/s), rather towards the middle, or
  stays if large; a box back or forth along one of its horizontal edges (0.5 to 0.9 m/s), from the camera if near, towards
  it if far, or stays if tall.

Units: metres; the camera stands at about (0, 1.3, -3.9) and looks along +z, y is up.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

LIGHTS = ("left", "right", "front", "top")
"""The modes of the light's direction."""

_TOWARDS_LIGHT = np.array([[-0.8, 0.55, -0.45], [0.8, 0.55, -0.45], [0.0, 0.4, -0.9], [0.0, 1.0, -0.08]])
_LIGHT_JITTER = 0.12
_SATURATION = np.array([0.85, 0.45, 0.1])
_SATURATION_JITTER = 0.07
_SLOWEST = np.array([0.25, 0.7, 0.7, 0.5, 0.5])
_RANGE = np.array([0.2, 0.4, 0.4, 0.4, 0.4])
_PLACES = np.array([-1.2, -0.4, 0.4, 1.2])
_STREAMS = ("world", "light", "saturation", "light pool", "saturation pool", "motion", "motion pool", "colour", "colour pool")


@dataclass(frozen=True)
class World:
    """N scenes without their light, saturations and motions. The first axis of every array is N."""

    camera: Floats  # (N, 3) position
    wall: Floats  # (N, 2) distance z of the back wall, and x of the seam between its panels
    objects: Ints  # (N, 2) how many spheres and how many boxes, 0 to 2 each, not both 0
    spheres: Floats  # (N, 2, 4) x, y, z of the centre, radius
    boxes: Floats  # (N, 2, 8) x, y, z of the centre, half of the three edges, cosine and sine of the turn about y
    hue: Floats  # (N, 6) of each material, in [0, 1)
    panels: Floats  # (N, 7) value (V of HSV) before texture of floor, left panel, right panel, two spheres, two boxes
    texture: Floats  # (N, 6, 5) depth, waves a metre along x, y, z, and phase of each material's stripes

    def __len__(self) -> int:
        return len(self.camera)

    def take(self, index: Ints) -> World:
        return World(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


@dataclass(frozen=True)
class Draws:
    """M draws for each of N scenes: of the light, of each material's saturation, or of the motions of camera, spheres, boxes.

    The modes of a motion are 0 for left or back, 1 for staying, 2 for right or forth. The value of a light is a unit vector
    towards it, and the strengths of the ambient and of the directional light, which add up to at most 1.
    """

    mode: Ints  # (N, M), (N, M, 6) or (N, M, 5)
    value: Floats  # (N, M, 5), (N, M, 6) or (N, M, 5, 3) in metres per second


def stream(name: str, seed: int, split: str, block: int = 0) -> np.random.Generator:
    """The random numbers for one purpose; no two seeds, splits, purposes or blocks share any."""
    entropy = [_STREAMS.index(name), int(split == "test"), seed & (2**64 - 1)]
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(block,) if block else ()))


def draw_world(count: int, seed: int, split: str) -> World:
    """``count`` scenes; the first K of them are the same whatever ``count`` is."""
    columns = iter(stream("world", seed, split).random((count, 90)).T)

    def take(*ranges: tuple[float, float]) -> NDArray[np.float64]:
        """Uniform numbers in these ranges, (count, K), of columns that were not used before."""
        return np.stack([low + (high - low) * next(columns) for low, high in ranges], 1)

    camera = take((-0.2, 0.2), (1.0, 1.6), (-4.1, -3.7))
    wall = take((1.2, 2.2), (-0.5, 0.5))
    pairs = np.array([(s, b) for s in range(3) for b in range(3) if s + b], np.int64)
    objects = pairs[(take((0, len(pairs)))[:, 0]).astype(np.int64) % len(pairs)]
    x = _PLACES[take(*[(0, 1)] * 4).argsort(1)] + take(*[(-0.2, 0.2)] * 4)
    z = take(*[(-1.1, 0.6)] * 4)
    radius = take(*[(0.35, 0.7)] * 2)
    half = take(*[(0.25, 0.55), (0.25, 0.8), (0.25, 0.55)] * 2).reshape(count, 2, 3)
    turn = take(*[(0.05, np.pi / 2 - 0.05)] * 2)
    spheres = np.stack([x[:, :2], radius, z[:, :2], radius], -1)
    turned = np.stack([np.cos(turn), np.sin(turn)], -1)
    boxes = np.concatenate([x[:, 2:, None], half[:, :, 1:2], z[:, 2:, None], half, turned], -1)
    hue = take(*[(0, 1)] * 6)
    panels = take((0.3, 0.95), (0.35, 0.95), (0.35, 0.95), *[(0.25, 1.0)] * 4)
    plain = take(*[(0, 1)] * 6) < 0.5
    depth = np.where(plain, 0, take(*[(0.15, 0.5)] * 6))
    waves = take(*[(-2.0, 2.0)] * 18).reshape(count, 6, 3)
    texture = np.concatenate([depth[..., None], waves, take(*[(0, 1)] * 6)[..., None]], -1)
    objects_and_stripes = (values.astype(np.float32) for values in (spheres, boxes, hue, panels, texture))
    return World(camera.astype(np.float32), wall.astype(np.float32), objects, *objects_and_stripes)


def light_probabilities(world: World) -> NDArray[np.float64]:
    """p(mode of the light | scene), (N, 4): the softmax of -4 d, 4 d, 5 (0.6 - f), 5 (f - 0.6).

    d is the value of the right wall panel less that of the left one, f the value of the floor.
    """
    floor, left, right = world.panels[:, :3].astype(np.float64).T
    side, high = 4 * (right - left), 5 * (floor - 0.6)
    return softmax(np.stack([-side, side, -high, high], -1))


def saturation_probabilities(world: World) -> NDArray[np.float64]:
    """p(mode of the saturation | scene) of each material, (N, 6, 3): the softmax of 5 (0.6 - v) + 2 (0.5 - r), 0, 5 (v - 0.6).

    v is the material's value; r is the radius of a sphere, the mean of half the edges of a box, 1 for floor and wall.
    """
    panels = world.panels.astype(np.float64)
    value = np.concatenate([panels[:, :1], panels[:, 1:3].mean(1, keepdims=True), panels[:, 3:]], 1)
    size = np.ones_like(value)
    size[:, 2:4], size[:, 4:] = world.spheres[:, :, 3], world.boxes[:, :, 3:6].mean(-1)
    bright = 5 * (value - 0.6)
    return softmax(np.stack([2 * (0.5 - size) - bright, np.zeros_like(value), bright], -1))


def motion_probabilities(world: World) -> NDArray[np.float64]:
    """p(mode | scene) of each mover, (N, 5, 3): softmaxes over back, stay and forth.

    Of the camera: -4 d, 0.5, 4 d, where d is the value of the right panel less that of the left one. Of a sphere: x,
    6 (r - 0.5), -x, with its place x and radius r. Of a box: -1.5 z, 5 (h - 0.5), 1.5 z, with its place z and half its
    height h; forth is to the right and towards the camera, which is at negative z.
    """
    panels = world.panels.astype(np.float64)
    push, stay = np.zeros((len(world), 5)), np.zeros((len(world), 5))
    push[:, 0] = 4 * (panels[:, 2] - panels[:, 1])
    push[:, 1:3] = -world.spheres[:, :, 0]
    push[:, 3:] = 1.5 * world.boxes[:, :, 2]
    stay[:, 0] = 0.5
    stay[:, 1:3] = 6 * (world.spheres[:, :, 3].astype(np.float64) - 0.5)
    stay[:, 3:] = 5 * (world.boxes[:, :, 4].astype(np.float64) - 0.5)
    return softmax(np.stack([-push, stay, push], -1))


def draw_light(world: World, draws: int, rng: np.random.Generator) -> Draws:
    u = rng.random((len(world), draws, 6))
    mode = pick(light_probabilities(world)[:, None], u[..., 0])
    towards = _TOWARDS_LIGHT[mode] + _LIGHT_JITTER * (2 * u[..., 1:4] - 1)
    towards /= np.sqrt((towards**2).sum(-1, keepdims=True))
    strength = np.array([0.2, 0.5]) + np.array([0.13, 0.17]) * u[..., 4:]
    return Draws(mode, np.concatenate([towards, strength], -1).astype(np.float32))


def draw_saturation(world: World, draws: int, rng: np.random.Generator) -> Draws:
    u = rng.random((len(world), draws, 6, 2))
    mode = pick(saturation_probabilities(world)[:, None], u[..., 0])
    return Draws(mode, (_SATURATION[mode] + _SATURATION_JITTER * (2 * u[..., 1] - 1)).astype(np.float32))


def draw_motions(world: World, draws: int, rng: np.random.Generator) -> Draws:
    u = rng.random((len(world), draws, 5, 2))
    mode = pick(motion_probabilities(world)[:, None], u[..., 0])
    speed = (mode - 1) * (_SLOWEST + _RANGE * u[..., 1])
    return Draws(mode, velocities(world, speed).astype(np.float32))


def velocities(world: World, speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Speeds (N, M, 5) as velocities (N, M, 5, 3): of camera and spheres along x, of boxes along their turned edges."""
    velocity = np.zeros((*speed.shape, 3))
    velocity[..., :3, 0] = speed[..., :3]
    c, s = (world.boxes[:, None, :, i].astype(np.float64) for i in (6, 7))
    velocity[..., 3:, 0], velocity[..., 3:, 2] = c * speed[..., 3:], -s * speed[..., 3:]
    return velocity


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def pick(probabilities: NDArray[np.float64], u: NDArray[np.float64]) -> Ints:
    """Inversion of the cumulative sum: probabilities (..., K) and uniform u (...) to indices."""
    steps = probabilities.cumsum(-1)[..., :-1]
    return (u[..., None] >= steps).sum(-1)
