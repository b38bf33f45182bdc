"""What scenes say of the truth: modes and weights of their pools, levels of hardness, and colours on a given lightness."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from datafiles import records_of, refused

from zoo import Pairs
from zoo.contracts import make
from zoo_data.scene_levels import Level, said
from zoo_data.scene_world import draw_light, stream
from zoo_data.scenes import SceneRecords
from zoo_tasks.colorize import to_lab

HARD = "40,modes=3,decides=2,skew=2,arcs=1"
TASKS = {"relight": HARD, "resaturate": HARD, "motion": HARD, "colorize": f"{HARD},paint"}


def pairs_of(task: str, path: str, pool: int = 120) -> Pairs:
    return make.task(task, size=8).pairs(make.data(f"scenes:{path}"), "train", pool=pool)


@pytest.fixture(scope="module", params=TASKS)
def hard(request: pytest.FixtureRequest) -> Pairs:
    return pairs_of(request.param, TASKS[request.param])


def counts(modes: torch.Tensor, k: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(modes, k).double().sum(1)


def test_draws_follow_the_weights(hard: Pairs) -> None:
    assert hard.truth is not None
    expected = 120 * hard.truth.weights.double()
    enough = expected > 5
    misfit = ((counts(hard.truth.modes, 3) - expected)[enough].square() / expected[enough]).sum() / (enough.sum() - 40)
    assert 0.5 < misfit < 1.6
    likely = hard.truth.weights.gather(1, hard.truth.y_mode[:, None]).mean()
    assert abs(likely - hard.truth.weights.square().sum(1).mean()) < 0.2


def test_a_mode_is_of_draws_alike_and_an_arc_is_longer_than_a_point(hard: Pairs) -> None:
    assert hard.truth is not None
    assert hard.pool is not None
    spread = [[], [], []]
    for pool, modes in zip(hard.pool.flatten(2), hard.truth.modes, strict=True):
        for mode, kept in enumerate(spread):
            if (modes == mode).sum() > 2:
                kept.append(pool[modes == mode].var(0).mean().item())
    arc, point, last = (np.mean(kept) for kept in spread)
    assert arc > 1.5 * max(point, last)
    assert hard.pool.var(1).mean() > 1.5 * max(point, last)


@pytest.mark.parametrize("task", TASKS)
def test_true_draws_are_one_more_of_the_pool_and_small_pools_begin_large_ones(task: str) -> None:
    """The energy distance of the draws of a pool to later ones is zero within its noise; that to another scene's is not."""
    pairs, few = pairs_of(task, TASKS[task], 60), pairs_of(task, TASKS[task], 7)
    assert (pairs.pool is not None, few.pool is not None, torch.equal(pairs.y, few.y)) == (True, True, True)
    assert torch.equal(few.pool, pairs.pool[:, :7])
    flat = pairs.pool.flatten(2).double()

    def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        among = [torch.cdist(part, part).sum((1, 2)) / (part.shape[1] * (part.shape[1] - 1)) for part in (a, b)]
        return torch.cdist(a, b).mean((1, 2)) - sum(among) / 2

    same, other = distance(flat[:, :30], flat[:, 30:]), distance(flat[:, :30], flat[:, 30:].roll(1, 0))
    assert abs(same.mean()) < 4 * same.std() / len(same) ** 0.5
    assert other.mean() > 8 * other.std() / len(other) ** 0.5 + same.mean()


def test_x_decides_as_it_is_said_to() -> None:
    world = SceneRecords("train", 0, 4000).world
    place = said(world)
    assert np.abs(np.sort(place) - (np.arange(4000) + 0.5) / 4000).max() < 0.04  # evenly
    even, skewed, told = (level.probabilities(world) for level in (Level(3, 0), Level(3, 0, 2), Level(4, 3)))
    np.testing.assert_allclose(even, 1 / 3)
    np.testing.assert_allclose(skewed, np.broadcast_to(np.array([4, 2, 1]) / 7, skewed.shape))
    powers = np.exp(3 * np.cos(2 * np.pi * (place[:, None] - np.array([0.125, 0.375, 0.625, 0.875]))))
    np.testing.assert_allclose(told, powers / powers.sum(1, keepdims=True))
    assert np.abs(told.mean(0) - 0.25).max() < 0.02
    entropies = [-(p * np.log(p)).sum(1).mean() for p in (Level(4, d).probabilities(world) for d in (0, 1, 3, 10))]
    assert entropies == sorted(entropies, reverse=True)
    assert entropies[0] == pytest.approx(np.log(4))
    assert entropies[-1] < 0.45


def test_modes_of_materials_and_movers_count_where_they_are_seen() -> None:
    records = records_of("scenes", 30)
    for name, parts in (("saturation", 6), ("flow", 5)):
        truth, pool = records.truth(name, 40, size=16), records.pool(name, 40, size=16)
        assert truth.weights.shape == (30, 3**parts)
        torch.testing.assert_close(truth.weights.sum(1), torch.ones(30))
        assert (truth.weights.gather(1, truth.modes) > 0).all()
        assert torch.equal(truth.modes, records.truth(name, 45, size=16).modes[:, :40])
        most = 0.1401 if name == "saturation" else 4.5  # twice the jitter within a mode; pixels mix what they show
        alike = (truth.modes[:, :1] == truth.modes).numpy()
        assert np.abs(pool - pool[:, :1])[alike].max() < most
        assert np.abs(pool - pool[:, :1])[~alike].max((1, 2, 3)).min() > 0
    relit = records.truth("shading", 3)
    assert relit.weights.shape == (30, 4)
    assert records.truth("albedo", 3) is None


def test_colours_leave_the_lightness() -> None:
    records = records_of("scenes", "9,paint")
    fields = records.known("lightness", "colours", "frame", "albedo", "shading", size=16)
    np.testing.assert_allclose(fields["lightness"], fields["albedo"] * fields["shading"], atol=1e-6)
    records.drawn["colours"] = records.pooled("colours", 1)
    again = records.known("lightness", "colours", "frame", size=16)
    assert np.array_equal(again["lightness"], fields["lightness"])
    assert np.array_equal(again["colours"], records.pool("colours", 1, size=16)[:, 0])
    for these in (fields, again):
        lab = np.stack([to_lab(picture) for picture in these["frame"].transpose(0, 2, 3, 1)]).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(lab[:, :1], these["lightness"], atol=4e-3)
        np.testing.assert_allclose(lab[:, 1:], these["colours"], atol=4e-3)
    assert np.abs(again["colours"] - fields["colours"]).mean() > 0.02
    assert (records.known("value"), records.pool("saturation", 2), records_of("scenes", 9).pool("colours", 2)) == (None,) * 3
    assert records.image(3).shape == (128, 128, 3)


@pytest.mark.parametrize(
    "path", ["modes=0", "modes=2,modes=3", "arcs=5", "skew=0.5", "decides=-1", "paint=1", "modes", "9,", "decides=nan", "hard"]
)
def test_a_level_that_is_none_is_refused(path: str) -> None:
    with refused(f"scenes:{path}: write scenes, or scenes:N for N training scenes"):
        make.data(f"scenes:{path}")


def test_levels_are_scenes_of_their_own_and_the_default_is_as_it_was() -> None:
    plain, leveled = records_of("scenes", 5), records_of("scenes", "5,modes=4")
    assert (len(leveled), len(records_of("scenes", "modes=4", "test"))) == (5, 512)
    assert len({plain.digest, leveled.digest, records_of("scenes", "5,modes=4,skew=2").digest}) == 3
    assert np.array_equal(plain.world.panels, leveled.world.panels)
    as_ever = draw_light(plain.world, 20, stream("light pool", 0, "train"))
    assert np.array_equal(plain.pooled("shading", 20).value, as_ever.value)
