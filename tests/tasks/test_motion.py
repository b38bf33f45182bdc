"""The motion task: flow of videos with known motion, in its unit, and samples as arrows and as moved frames."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image as PIL
from shared import shared_data
from videofiles import write_recording

from zoo.data.items import Clip
from zoo.utils.errors import RequestError
from zoo_data.folder import Folder
from zoo_data.scenes import Scenes
from zoo_data.video import Video
from zoo_tasks.fields import resize
from zoo_tasks.flow import fill_holes, move, second_of_flow, warp_back
from zoo_tasks.motion import Motion, draw_arrows, find_arrows, squash_clip

HEIGHT, WIDTH, SIDE = 96, 128, 48
RIGHT, DOWN = 2, -1
"""Pixels a frame that the square moves; at 12 frames a second, 24 and -12 a second."""
Frames = list[NDArray[np.uint8]]
pytestmark = pytest.mark.usefixtures("own_cache")


def texture(height: int, width: int, seed: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    return np.clip(128 + 120 * cv2.GaussianBlur(noise, (0, 0), 2), 0, 255)


def moving_square(count: int = 13, seed: int = 0, right: int = RIGHT, down: int = DOWN) -> Frames:
    """A textured square that moves over a textured ground that stays."""
    ground, square = texture(HEIGHT, WIDTH, seed), texture(SIDE, SIDE, seed + 100)
    frames = [ground.copy() for _ in range(count)]
    for i, frame in enumerate(frames):
        top, left = 30 + down * i, 24 + right * i
        frame[top : top + SIDE, left : left + SIDE] = square
    return [frame.round().astype(np.uint8) for frame in frames]


def write_frames(folder: Path, frames: Frames) -> None:
    folder.mkdir(parents=True)
    for i, frame in enumerate(frames):
        PIL.fromarray(frame).save(folder / f"{i:03d}.png")


def flow_of(frames: Frames, seconds: float = 1.0, chain: bool = True) -> NDArray[np.float32]:
    """The motion (2, 32, 32) that is found in a clip."""
    return squash_clip(Clip(iter(frames), seconds), 32, (32,), chain)["y32"]


def inside(start: int = 4) -> tuple[slice, slice]:
    """The middle of the square of the first frame, in pixels of the field of 32."""
    rows = slice(round((30 + start) / HEIGHT * 32) + 1, round((30 + SIDE - start) / HEIGHT * 32) - 1)
    return rows, slice(round((24 + start) / WIDTH * 32) + 1, round((24 + SIDE - start) / WIDTH * 32) - 1)


def check_square(y: torch.Tensor) -> None:
    rows, columns = inside()
    expected = torch.tensor([12 * RIGHT * 32 / WIDTH, 12 * DOWN * 32 / HEIGHT])
    torch.testing.assert_close(y[:, rows, columns].flatten(1).median(1).values, expected, atol=0.25, rtol=0)
    assert y[:, :, 26:].abs().mean() < 0.3  # the ground beyond the square stays


def test_known_motion_is_found_in_the_unit_of_the_field(tmp_path: Path) -> None:
    for k, split in enumerate(("train", "test")):
        write_frames(tmp_path / split / "v", moving_square(15, seed=k))
    data = Video(f"{tmp_path}?fps=12")
    pairs = Motion().pairs(data, "train")
    assert (pairs.vectors, pairs.x.shape, pairs.wide[0].shape) == (True, (3, 3, 32, 32), (3, 3, 48, 48))
    check_square(pairs.y[0])
    large = torch.nn.functional.interpolate(pairs.wide[1].float(), 32, mode="area")
    check_square(large[0])  # vectors of the larger fields are in pixels of the smaller
    test = Motion().pairs(data, "test")
    assert test.wide is None
    check_square(test.y[0])
    torch.testing.assert_close(test.x[0], Motion().condition(data.read("test").image(0))[0])


def test_motion_is_per_second_of_a_recording_without_a_rate(tmp_path: Path) -> None:
    """The square goes on with the clock; the recorder takes frames when it can."""
    stamps = np.cumsum(np.random.default_rng(0).integers(40, 110, 22))
    ground, square = texture(HEIGHT, WIDTH, 0), texture(SIDE, SIDE, 100)
    for split in ("train", "test"):
        frames = []
        for stamp in stamps:
            frame = ground.copy()
            top, left = 30 + round(12 * DOWN * stamp / 1000), 24 + round(12 * RIGHT * stamp / 1000)
            frame[top : top + SIDE, left : left + SIDE] = square
            frames.append(frame.round().astype(np.uint8))
        write_recording(tmp_path / split / "v.webm", frames, [int(stamp - stamps[0]) for stamp in stamps])
    y = Motion().pairs(Video(f"{tmp_path}?moments=1"), "train").y[0]
    rows, columns = inside()
    found = y[:, rows, columns].flatten(1).median(1).values
    torch.testing.assert_close(found, torch.tensor([12 * RIGHT * 32 / WIDTH, 12 * DOWN * 32 / HEIGHT]), atol=0.4, rtol=0)


@pytest.mark.parametrize("seconds", [0.0, float("nan"), float("inf")])
def test_a_clip_without_time_is_refused(seconds: float) -> None:
    with pytest.raises(RequestError, match="in which nothing can move"):
        flow_of(moving_square(2), seconds)


def test_a_crop_of_a_pair_is_the_pair_of_a_crop() -> None:
    """Scaling and flipping the video itself gives what Pairs.batch does to its flow."""
    frames = moving_square()
    whole, flipped = flow_of(frames), flow_of([f[:, ::-1].copy() for f in frames])
    rows, columns = inside()
    mirrored = flipped[:, :, ::-1] * np.array([-1, 1])[:, None, None]
    assert np.abs(mirrored - whole)[:, rows, columns].mean() < 0.2
    part = flow_of([f[12:84, 12:108].copy() for f in frames])
    found = np.median(part[:, 12:20, 8:14].reshape(2, -1), 1)
    np.testing.assert_allclose(found, [12 * RIGHT * 32 / 96, 12 * DOWN * 32 / 72], atol=0.3)


def test_motion_is_per_second_and_resolution_does_not_matter() -> None:
    frames = moving_square()
    one = flow_of(frames)
    np.testing.assert_allclose(flow_of(frames, seconds=2.0), one / 2, rtol=1e-6)
    same = flow_of([resize(frame, 3 * HEIGHT, 2 * WIDTH) for frame in frames])
    rows, columns = inside()
    assert np.abs(same - one)[:, rows, columns].mean() < 0.4


def test_chain_follows_what_one_jump_loses() -> None:
    frames = moving_square(13, right=4, down=1)[:13]
    rows, columns = inside(8)
    way = np.array([12 * 4 * 32 / WIDTH, 12 * 32 / HEIGHT])[:, None, None]
    chain, jump = (np.abs(flow_of(frames, chain=chain)[:, rows, columns] - way).mean() for chain in (True, False))
    assert chain < min(1, jump / 2)


def test_a_flow_seen_from_the_frame_before_is_exact_for_linear_ones() -> None:
    rows, columns = np.mgrid[:40, :50].astype(np.float32)
    first = np.stack([0.02 * columns + 1, 0.03 * rows - 1], -1)
    second = np.stack([0.05 * rows, -0.04 * columns], -1)
    expected = np.stack([0.05 * (rows + first[..., 1]), -0.04 * (columns + first[..., 0])], -1)
    np.testing.assert_allclose(warp_back(second, first)[3:-3, 3:-3], expected[3:-3, 3:-3], atol=2e-3)


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("shape", [(16, 16), (240, 320), (20, 900)])
def test_flat_frames_have_no_motion(level: int, shape: tuple[int, int]) -> None:
    assert np.abs(flow_of([np.full((*shape, 3), level, np.uint8)] * 5)).max() < 1e-3


@pytest.mark.parametrize("chain", [True, False])
def test_frames_without_anything_in_common_give_finite_flow(chain: bool) -> None:
    frames = [*np.random.default_rng(0).integers(0, 256, (6, 60, 80, 3), dtype=np.uint8), np.zeros((60, 80, 3), np.uint8)]
    assert np.isfinite(second_of_flow(iter(frames), chain)[1]).all()


def test_on_davis_the_flow_explains_the_later_frame() -> None:
    records = Video(f"{shared_data('davis')}?moments=2").read("test")
    none, jump, chain = [], [], []
    for i in range(len(records)):
        frames = list(records.clip(i).frames)
        for way, found in ((True, chain), (False, jump)):
            flow = second_of_flow(iter(frames), way)[1]
            h, w = flow.shape[:2]
            first, last = (resize(f, h, w).mean(-1, dtype=np.float32) for f in (frames[0], frames[-1]))
            found.append(np.abs(warp_back(last, flow * np.array([w, h], np.float32)) - first).mean())
        none.append(np.abs(last - first).mean())
    assert np.mean(chain) < 0.75 * np.mean(none)
    assert np.mean(chain) < np.mean(jump)


def test_scenes_know_their_motion() -> None:
    known = Scenes("20").read("train").known("frame", "flow", size=16) or {}
    pairs = Motion(size=16).pairs(Scenes("20"), "train", pool=3)
    np.testing.assert_array_equal(pairs.x, known["frame"])
    np.testing.assert_array_equal(pairs.y, known["flow"])
    assert (pairs.vectors, pairs.wide) == (True, None)


def test_single_photos_are_refused_in_one_line(tmp_path: Path) -> None:
    write_frames(tmp_path / "photos", moving_square(4))
    with pytest.raises(RequestError, match=r"folder:.*: these are single photos.*video:DIR and scenes") as error:
        Motion().pairs(Folder(str(tmp_path / "photos")), "train")
    assert "\n" not in str(error.value)


def square_flow(right: float, down: float) -> NDArray[np.float32]:
    flow = np.zeros((2, 32, 32), np.float32)
    flow[0, 8:20, 4:16], flow[1, 8:20, 4:16] = right, down
    return flow


def test_one_moving_thing_has_one_arrow_from_its_middle() -> None:
    (arrow,) = find_arrows(square_flow(0.3, -0.1))
    np.testing.assert_allclose(arrow[0], [10 / 32, 14 / 32], atol=1.5 / 32)
    np.testing.assert_allclose(arrow[1], [0.3, -0.1], atol=0.05)


def test_things_with_different_motions_have_different_arrows_and_small_motions_none() -> None:
    flow = square_flow(0.3, 0)
    flow[0, 8:20, 18:30] = -0.3
    flow[:, 24:] = 0.01
    motions = sorted(arrow[1, 0] for arrow in find_arrows(flow))
    assert len(motions) == 2
    np.testing.assert_allclose(motions, [-0.3, 0.3], atol=0.05)
    assert not len(find_arrows(np.full((2, 32, 32), 0.01, np.float32)))
    assert not len(find_arrows(np.zeros((2, 32, 32), np.float32)))


@pytest.mark.parametrize("level", [0, 255])
def test_an_arrow_is_seen_where_it_should_be(level: int) -> None:
    image = np.full((100, 200, 3), level, np.uint8)
    drawn = draw_arrows(image, find_arrows(square_flow(0.3, 0)), np.array([[1.0, 0, 0]], np.float32))
    changed = np.abs(drawn.astype(int) - image).sum(-1) > 200
    rows, columns = np.nonzero(changed)
    assert columns.min() == pytest.approx(200 * 10 / 32, abs=9)
    assert columns.max() == pytest.approx(200 * (10 / 32 + 0.3), abs=9)
    assert abs(rows.mean() - 100 * 14 / 32) < 4
    assert (drawn == [255, 0, 0]).all(-1).any()
    assert (image == level).all()


@pytest.mark.parametrize("show", ["arrows", "warp"])
def test_what_moves_not_at_all_is_as_it_was(show: Literal["arrows", "warp"]) -> None:
    image = moving_square(1)[0]
    y = torch.stack([torch.zeros(2, 32, 32), torch.from_numpy(square_flow(9.6, 0))])
    still, moved = Motion(show=show).compose(image, y).numpy()
    assert np.abs(still.astype(int) - image).mean() < 0.5
    assert not np.array_equal(moved, image)
    with pytest.raises(RequestError, match="not finite"):
        Motion(show=show).compose(image, torch.full((1, 2, 32, 32), torch.nan))


def test_a_moved_thing_is_where_it_goes_and_leaves_no_copy() -> None:
    image = np.full((96, 96, 3), (40, 90, 60), np.uint8)
    image[36:60, 12:36] = (250, 40, 30)
    flow = np.zeros((96, 96, 2), np.float32)
    flow[34:62, 10:38, 0] = 0.4
    moved = move(image, flow)
    assert np.abs(moved[40:56, 16 + 38 : 32 + 38].astype(int) - (250, 40, 30)).mean() < 12
    assert np.abs(moved[40:56, 16:32].astype(int) - (40, 90, 60)).mean() < 12
    everything = move(image, np.full((96, 96, 2), 0.25, np.float32))
    assert np.abs(everything[30:, 30:].astype(int) - image[6:72, 6:72]).mean() < 6


def test_holes_are_filled_from_around() -> None:
    values = np.zeros((33, 20, 2), np.float32)
    values[:, :10], values[:, 10:] = 1, 3
    known = np.ones((33, 20), np.float32)
    known[10:20, 4:16] = 0
    filled = fill_holes(np.where(known[..., None] > 0, values, 99).astype(np.float32), known)
    assert np.array_equal(filled[known > 0], values[known > 0])
    assert 1 <= filled.min() <= filled.max() <= 3
    assert filled[14, 4].mean() < filled[14, 15].mean()
    assert not fill_holes(values, np.zeros((33, 20), np.float32)).any()


def test_a_moved_frame_is_nearer_to_the_later_one() -> None:
    frames = moving_square()
    y = torch.from_numpy(flow_of(frames))[None]
    made = Motion(show="warp").compose(frames[0], y)[0].numpy().astype(int)
    assert np.abs(made - frames[-1]).mean() < 0.8 * np.abs(frames[0].astype(int) - frames[-1]).mean()
