"""How the things in a generated scene may move within a second, with what probability, and the motion field of it.

The camera and every object move evenly and without turning, or stay. Each has three modes, and how probable they are
depends on what the frame shows:

- the camera goes left, stays, or goes right (0.25 to 0.45 m/s); it tends towards the brighter of the two wall panels;
- a sphere goes left, stays, or goes right (0.7 to 1.1 m/s); it tends towards the middle, and large ones tend to stay;
- a box goes back or forth along one of its horizontal edges (0.5 to 0.9 m/s), or stays; near ones tend away from the
  camera, far ones towards it, and tall ones to stay.

All move on their own: things may pass through each other. A motion field holds, for each point that is seen now, how
far its picture is from here one second later, seen or hidden then; it is exact, from the points that the rays hit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_data.scene_render import Hits
from zoo_data.scene_world import Floats, Ints, World, pick, softmax

_SLOWEST = np.array([0.25, 0.7, 0.7, 0.5, 0.5])
_RANGE = np.array([0.2, 0.4, 0.4, 0.4, 0.4])
MOVER = np.array([0, 0, 0, 1, 2, *[3] * 6, *[4] * 6])
"""Whose velocity each surface of :mod:`zoo_data.scene_render` has; 0 for floor and panels, which stay."""


@dataclass(frozen=True)
class Motions:
    """M motions for each of N scenes, of five movers: the camera, two spheres and two boxes.

    Attributes:
        mode: (N, M, 5): 0 for left or back, 1 for staying, 2 for right or forth.
        velocity: (N, M, 5, 3) metres per second along x, y, z.
    """

    mode: Ints
    velocity: Floats


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


def draw_motions(world: World, draws: int, rng: np.random.Generator) -> Motions:
    """``draws`` motions for each scene from p(motion | scene)."""
    u = rng.random((len(world), draws, 5, 2))
    mode = pick(motion_probabilities(world)[:, None], u[..., 0])
    speed = (mode - 1) * (_SLOWEST + _RANGE * u[..., 1])
    velocity = np.zeros((*mode.shape, 3))
    velocity[..., :3, 0] = speed[..., :3]
    c, s = (world.boxes[:, None, :, i].astype(np.float64) for i in (6, 7))
    velocity[..., 3:, 0], velocity[..., 3:, 2] = c * speed[..., 3:], -s * speed[..., 3:]
    return Motions(mode, velocity.astype(np.float32))


def flow_field(hits: Hits, velocity: Floats) -> Floats:
    """The motion field (n, 2, size, size) of scenes whose movers have ``velocity`` (n, 5, 3).

    To the right and downwards, in pixels of the field per second; a pixel has the mean of its four rays.
    """
    world, size = hits.world, np.float32(hits.size)
    relative = velocity[:, MOVER] - velocity[:, :1]
    relative[:, :3] = -velocity[:, :1]
    index = hits.surface
    dx, dy, dz = (np.ascontiguousarray(relative[..., i]).ravel().take(index) for i in range(3))
    px, py, pz = (place - world.camera[:, i, None] for i, place in enumerate(hits.point))
    later = np.float32(1) / (pz + dz)
    now = np.float32(1) / pz
    right = (px + dx) * later - px * now
    down = py * now - (py + dy) * later
    flow = np.stack([right, down], 1) * size
    return flow.reshape(len(world), 2, 4, hits.size, hits.size).sum(2) * np.float32(0.25)
