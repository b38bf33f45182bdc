"""The flow of generated scenes: where each pixel goes, by the renderer, and the pool of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from datafiles import records_of

from zoo_data import scene_render as render
from zoo_data.scene_world import World

read = partial(records_of, "scenes")


def seen(hits: render.Hits) -> tuple[np.ndarray, np.ndarray]:
    """Of the first ray of each pixel, the surface (n, s, s), and x / z, y / z, 1 / z (n, 3, s, s), on a plane all linear."""
    x, y, z = (part - hits.world.camera[:, i, None] for i, part in enumerate(hits.point))
    rays = np.stack([hits.surface % 17, x / z, y / z, 1 / z], 1).reshape(len(x), 4, 4, hits.size, hits.size)[:, :, 0]
    return rays[:, 0].astype(int), rays[:, 1:]


def one_ray(hits: render.Hits) -> render.Hits:
    """The first ray of each pixel in the place of all four."""
    first = np.tile(np.arange(hits.surface.shape[1] // 4), 4)
    x, y, z = (part[:, first] for part in hits.point)
    return render.Hits(hits.world, (x, y, z), hits.surface[:, first], hits.size)


def moved(world: World, step: np.ndarray) -> World:
    """The scenes after each mover's ``step`` (N, 5, 3); floor and wall stay, and so do the stripes on them."""
    spheres, boxes, texture = world.spheres.copy(), world.boxes.copy(), world.texture.copy()
    spheres[..., :3] += step[:, 1:3]
    boxes[..., :3] += step[:, 3:]
    texture[:, 2:, 4] -= (texture[:, 2:, 1:4] * step[:, 1:]).sum(-1)  # the stripes of an object go with it
    return replace(world, camera=world.camera + step[:, 0], spheres=spheres, boxes=boxes, texture=texture)


def test_flow_agrees_with_the_renderer() -> None:
    """In the scene rendered a moment later, the pixel that the flow leads to shows the same point of the same thing."""
    records, size = read(60), 64
    checked = np.zeros(17, int)
    kinds = records.world.objects @ np.array([3, 1])
    for index in (np.flatnonzero(kinds == kind) for kind in np.unique(kinds)):
        world, step = records.world.take(index), np.float32(0.05) * records.drawn["flow"].value[index, 0]
        hits, later = render.trace(world, size), render.trace(moved(world, step), size)
        (surface, now), (after, then) = seen(hits), seen(later)
        flow = render.flow_field(one_ray(hits), step)
        relative = step[:, render.MOVER] - step[:, :1]
        relative[:, :3] = -step[:, :1]
        for n in range(len(index)):
            rows, columns = np.mgrid[:size, :size]
            right, down = columns + flow[n, 0], rows + flow[n, 1]
            c, r = np.floor(right).astype(int).clip(0, size - 2), np.floor(down).astype(int).clip(0, size - 2)
            flat = ~np.isin(surface[n], (3, 4))
            good = flat & (abs(right - c - 0.5) <= 0.5) & (abs(down - r - 0.5) <= 0.5)
            there = np.zeros((3, size, size))
            for dr, dc in ((0, 0), (0, 1), (1, 0), (1, 1)):
                share = abs(1 - dr - (down - r)) * abs(1 - dc - (right - c))
                there += share * then[n][:, r + dr, c + dc]
                good &= after[n][r + dr, c + dc] == surface[n]
            expected = np.stack([*now[n][:2] / now[n][2], 1 / now[n][2]]) + relative[n][surface[n]].transpose(2, 0, 1)
            shown = np.stack([*there[:2] / there[2], 1 / there[2]])
            assert np.abs(shown - expected)[:, good].max() < 5e-3
            checked += np.bincount(surface[n][good], minlength=17)
    assert checked[:3].min() > 5000
    assert checked[5:].sum() > 5000


def test_flow_of_one_sphere_is_that_of_its_centre() -> None:
    """A sphere far below the field's resolution moves as the projection of its centre does."""
    records = read(40)
    alone = np.flatnonzero((records.world.objects == [1, 0]).all(1))
    world = records.world.take(alone)
    world.spheres[:, 0] = [0.2, 1.2, -0.5, 0.12]
    velocity = np.zeros((len(alone), 5, 3), np.float32)
    velocity[:, 0], velocity[:, 1] = [0.3, 0, 0], [-0.8, 0.2, 0.4]
    hits = render.trace(world, 128)
    flow = render.flow_field(hits, velocity)
    for n in range(len(alone)):
        ball = (hits.surface[n].reshape(4, 128, 128) % 17 == 3).all(0)
        place = world.spheres[n, 0, :3] - world.camera[n]
        after = place + velocity[n, 1] - velocity[n, 0]
        moves = 128 * (after[:2] / after[2] - place[:2] / place[2]) * [1, -1]
        np.testing.assert_allclose(flow[n][:, ball].mean(1), moves, rtol=0.06)
        wall = (hits.surface[n].reshape(4, 128, 128) % 17 == 1).all(0)
        if wall.any():  # straight ahead, at one depth
            np.testing.assert_allclose(flow[n, 0][wall], -128 * 0.3 / (world.wall[n, 0] - world.camera[n, 2]), rtol=1e-3)
            assert np.abs(flow[n, 1][wall]).max() < 1e-3


def test_the_pool_of_flow_agrees_with_the_flow_mode_by_mode() -> None:
    """Mean and spread of the flow on the wall, which the camera alone decides, given the camera's mode."""
    records = read(1500)
    flow, pool = records.known("flow", size=32)["flow"], records.pool("flow", 3)
    depth = records.world.wall[:, 0] - records.world.camera[:, 2]
    own = flow[:, 0, 0, 16] * depth / 32  # the top row is wall, or what stands before it
    drawn = pool[:, :, 0, 0, 16] * depth[:, None] / 32
    for mode in range(3):
        fields, draws = own[records.drawn["flow"].mode[:, 0, 0] == mode], drawn[records.pooled("flow", 3).mode[..., 0] == mode]
        assert len(fields) > 200
        assert abs(np.median(fields) - np.median(draws)) < 0.02
        np.testing.assert_allclose(np.quantile(fields, (0.1, 0.9)), np.quantile(draws, (0.1, 0.9)), atol=0.03)
        assert abs(abs(np.median(draws)) - (0 if mode == 1 else 0.35)) < 0.02
