"""Rendering many generated scenes at once: rays through every pixel, shadows, and the fields that photos are made of.

All arrays are (n, P) over n scenes and P rays, four rays a pixel, the four of a pixel a quarter of P apart. Only additions,
products, quotients and roots are used, which give the same bits however the scenes are divided among calls and threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from zoo_data.scene_world import Floats, Ints, World

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G, B in grey (ITU-R BT.601)."""

# Surfaces: floor, left panel, right panel, two spheres, two boxes of six faces (-x, +x, -y, +y, -z, +z).
MATERIAL = np.array([0, 1, 1, 2, 3, *[4] * 6, *[5] * 6])
_PANEL = np.array([0, 1, 2, 3, 4, *[5] * 6, *[6] * 6])
MOVER = np.array([0, 0, 0, 1, 2, *[3] * 6, *[4] * 6])
"""Whose velocity each surface has; 0, the camera's, for floor and panels, which stay."""
_NEAR = np.float32(1e-3)


@dataclass(frozen=True)
class Hits:
    """Where the rays of n scenes of one kind (same number of spheres and boxes) end."""

    world: World
    point: tuple[Floats, Floats, Floats]  # x, y, z, each (n, P)
    surface: Ints  # (n, P) counted through all n scenes (17 each)
    size: int  # pixels a side


@lru_cache(maxsize=4)
def _rays(size: int) -> tuple[Floats, Floats, Floats]:
    """Directions (P,) of four rays a pixel, with z = 1: x, y; and the squared length."""
    inside = np.arange(size) * 2 / size - 1
    offset = np.array([0.5, 1.5]) / size
    at = inside + offset[:, None]
    x, y = np.broadcast_arrays(0.5 * at[None, :, None], -0.5 * at[:, None, :, None] - 0.25)
    dx, dy = x.ravel().astype(np.float32), y.ravel().astype(np.float32)
    dy[np.abs(dy) < 1e-6] = 1e-6
    return dx, dy, dx * dx + dy * dy + 1


def trace(world: World, size: int) -> Hits:
    """The first surface on each ray; all scenes must have the same numbers of spheres and boxes."""
    dx, dy, length = _rays(size)
    ox, oy, oz = (world.camera[:, i, None] for i in range(3))
    to_wall = world.wall[:, :1] - oz
    floor = np.where(dy < 0, -1 / dy, np.float32(np.inf)) * oy
    t = np.minimum(floor, to_wall)
    surface = np.where(floor < to_wall, 0, np.where(ox + to_wall * dx < world.wall[:, 1:], 1, 2))
    spheres, boxes = world.objects[0]
    for k in range(spheres):
        cx, cy, cz, r = (world.spheres[:, k, i, None] for i in range(4))
        px, py, pz = ox - cx, oy - cy, oz - cz
        b = px * dx + py * dy + pz
        root = b * b - length * (px * px + py * py + pz * pz - r * r)
        near = (-b - np.sqrt(np.maximum(root, 0))) / length
        hit = (root > 0) & (near < t)
        np.copyto(t, near, where=hit)
        np.copyto(surface, 3 + k, where=hit)
    for k in range(boxes):
        _cross_box(world.boxes[:, k], (ox, oy, oz), (dx, dy), t, surface, 5 + 6 * k)
    surface += 17 * np.arange(len(world))[:, None]
    return Hits(world, (ox + t * dx, oy + t * dy, oz + t), surface, size)


def _cross_box(
    box: Floats, origin: tuple[Floats, Floats, Floats], ray: tuple[Floats, Floats], t: Floats, surface: Ints, first: int
) -> None:
    """Where rays from one point a scene enter a box before ``t``, write the new ``t`` and the face, from ``first`` on."""
    cx, cy, cz, hx, hy, hz, c, s = (box[:, i, None] for i in range(8))
    (ox, oy, oz), (dx, dy) = origin, ray
    px, py, pz = c * (ox - cx) - s * (oz - cz), oy - cy, s * (ox - cx) + c * (oz - cz)
    ux, uz = c * dx - s, s * dx + c
    with np.errstate(divide="ignore"):
        ix, iy, iz = 1 / ux, 1 / dy, 1 / uz
    mx, my, mz = -px * ix, -py * iy, -pz * iz
    kx, ky, kz = hx * np.abs(ix), hy * np.abs(iy), hz * np.abs(iz)
    nx, ny, nz = mx - kx, my - ky, mz - kz
    near = np.maximum(np.maximum(nx, ny), nz)
    far = np.minimum(np.minimum(mx + kx, my + ky), mz + kz)
    hit = np.nonzero((near < far) & (near < t))
    t[hit] = near[hit]
    # A ray that goes towards +x enters by the face -x.
    by_x, by_y = near[hit] == nx[hit], near[hit] == ny[hit]
    down, left, close = dy[hit[1]] <= 0, ux[hit] <= 0, uz[hit] <= 0
    surface[hit] = first + np.where(by_x, left, np.where(by_y, 2 + down, 4 + close))


def shade(hits: Hits, light: Floats) -> Floats:
    """The shading (n, 1, size, size) under one light a scene, (n, 5): where it is, and its two strengths.

    Ambient light is stronger on what faces up; directional light falls by the cosine and casts shadows.
    """
    world = hits.world
    x, y, z = hits.point
    lx, ly, lz, ambient, direct = (light[:, i, None] for i in range(5))
    normal, curve = _normals(world)
    facing = normal[..., 0] * lx + normal[..., 1] * ly + normal[..., 2] * lz
    bend = _at(curve, hits)
    up = _at(normal[..., 1], hits) + bend * y
    along = x * lx + y * ly + z * lz
    cosine = np.maximum(_at(facing, hits) + bend * along, 0)
    dark = np.zeros(x.shape, bool)
    spheres, boxes = world.objects[0]
    for k in range(spheres):
        cx, cy, cz, r = (world.spheres[:, k, i, None] for i in range(4))
        b = along - (cx * lx + cy * ly + cz * lz)
        qx, qy, qz = x - cx, y - cy, z - cz
        dark |= (b < 0) & (b * b > qx * qx + qy * qy + qz * qz - r * r)
    for k in range(boxes):
        dark |= _box_shades(world.boxes[:, k], hits.point, lx, ly, lz)
    cosine[dark] = 0
    return np.minimum(_pixels(ambient * (0.7 + 0.3 * up) + direct * cosine, hits.size), 1)


def _box_shades(box: Floats, point: tuple[Floats, Floats, Floats], lx: Floats, ly: Floats, lz: Floats) -> NDArray[np.bool_]:
    """Whether a box lies between each point and the light."""
    cx, cy, cz, hx, hy, hz, c, s = (box[:, i, None] for i in range(8))
    x, y, z = point
    near, far = np.float32(0), np.float32(np.inf)
    for a, b, p, q, h in ((c, -s, cx, cz, hx), (s, c, cx, cz, hz)):
        i = -1 / _not_zero(a * lx + b * lz)
        middle = (a * i) * x + (b * i) * z - (a * p + b * q) * i
        near, far = np.maximum(near, middle - h * np.abs(i)), np.minimum(far, middle + h * np.abs(i))
    i = -1 / _not_zero(ly)
    middle = (y - cy) * i
    near, far = np.maximum(near, middle - hy * np.abs(i)), np.minimum(far, middle + hy * np.abs(i))
    return far - near > _NEAR


def _not_zero(value: Floats) -> Floats:
    return np.where(np.abs(value) < 1e-5, np.float32(1e-5), value)


def _normals(world: World) -> tuple[Floats, Floats]:
    """Tables a (n, 17, 3) and b (n, 17): the normal at point p of a surface is a + b p."""
    n = len(world)
    normal, curve = np.zeros((n, 17, 3), np.float32), np.zeros((n, 17), np.float32)
    normal[:, 0, 1], normal[:, 1:3, 2] = 1, -1
    curve[:, 3:5] = 1 / world.spheres[:, :, 3]
    normal[:, 3:5] = -world.spheres[:, :, :3] * curve[:, 3:5, None]
    for k in range(2):
        c, s = world.boxes[:, k, 6:].T
        for axis, along in enumerate(((c, 0, -s), (0, 1, 0), (s, 0, c))):
            for i, part in enumerate(along):
                normal[:, 5 + 6 * k + 2 * axis, i], normal[:, 6 + 6 * k + 2 * axis, i] = -part, part
    return normal, curve


def albedo_value(hits: Hits) -> Floats:
    """V of HSV of the albedo, (n, 1, size, size): each panel's value, darkened by its material's stripes."""
    x, y, z = hits.point
    depth, wx, wy, wz, phase = (_at(hits.world.texture[:, MATERIAL, i], hits) for i in range(5))
    wave = wx * x + wy * y + wz * z + phase
    wave = np.abs(wave - np.floor(wave) - np.float32(0.5))
    stripes = np.clip(8 * wave - np.float32(1.5), 0, 1)
    return _pixels(_at(hits.world.panels[:, _PANEL], hits) * (1 - depth * stripes), hits.size)


def saturation_field(hits: Hits, saturation: Floats) -> Floats:
    """The saturation of each material (n, 6) as a field (n, 1, size, size)."""
    return np.minimum(_pixels(_at(saturation[:, MATERIAL], hits), hits.size), 1)


def tint(world: World) -> Floats:
    """How much each material's hue takes from R, G, B at full saturation, (n, 6, 3): R, G, B = V (1 - S tint)."""
    k = (np.array([5, 3, 1], np.float32) + 6 * world.hue[..., None]) % 6
    return np.clip(np.minimum(k, 4 - k), 0, 1)


def first_ray(hits: Hits, materials: Floats) -> Floats:
    """A number of each material (n, 6) at the first ray of each pixel, (n, 1, size, size).

    Hues are taken so: they do not mix within a pixel, and V never depends on S.
    """
    rays = hits.surface.shape[1] // 4
    return materials[:, MATERIAL].ravel().take(hits.surface[:, :rays]).reshape(-1, 1, hits.size, hits.size)


def flow_field(hits: Hits, velocity: Floats) -> Floats:
    """The motion field (n, 2, size, size) of scenes whose movers have ``velocity`` (n, 5, 3).

    How far the picture of each point that is seen now is from here one second later, seen or hidden then: to the right and
    downwards, in pixels of the field. Exact, from the points that the rays hit; a pixel has the mean of its four rays.
    """
    relative = velocity[:, MOVER] - velocity[:, :1]
    relative[:, :3] = -velocity[:, :1]
    dx, dy, dz = (_at(np.ascontiguousarray(relative[..., i]), hits) for i in range(3))
    px, py, pz = (place - hits.world.camera[:, i, None] for i, place in enumerate(hits.point))
    later, now = np.float32(1) / (pz + dz), np.float32(1) / pz
    flow = np.stack([(px + dx) * later - px * now, py * now - (py + dy) * later], 1) * np.float32(hits.size)
    return flow.reshape(len(hits.world), 2, 4, hits.size, hits.size).sum(2) * np.float32(0.25)


def _at(table: Floats, hits: Hits) -> Floats:
    return table.ravel().take(hits.surface)


def _pixels(rays: Floats, size: int) -> Floats:
    """The mean of the four rays of each pixel, (n, 1, size, size)."""
    return rays.reshape(len(rays), 4, size, size).sum(1, keepdims=True) * np.float32(0.25)
