"""video:DIR: frames and seconds of videos from files, folders of frames and UCF101's layout, and their splits."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from datafiles import mean, records_of, refused, save
from shared import shared_data
from videofiles import greys, write_video

from zoo import Clip, Fields, Image
from zoo.contracts import make

read = partial(records_of, "video")
pytestmark = pytest.mark.usefixtures("own_cache")


def ends_of(path: Path | str, split: str = "train") -> np.ndarray:
    return read(path, split).map_moments(ends, "ends")["ends"]


def write_frames(folder: Path, images: list[Image], step: int = 1) -> None:
    for i, image in enumerate(images):
        save(folder / f"{i * step:05d}.png", image)


def ends(clip: Clip) -> Fields:
    """The mean of the first and of the last frame, how many there were, and the seconds."""
    means = [frame.mean() for frame in clip.frames]
    return {"ends": np.array([means[0], means[-1], len(means), clip.seconds], np.float32)}


def test_frames_are_timed_by_their_numbers(tmp_path: Path) -> None:
    for k in range(5):
        write_frames(tmp_path / f"v{k}", greys(30, k), step=2)
    train = read(tmp_path)
    assert len(train) == 3 * 8
    of_one = [int(name.split("/")[1]) for name in train.names[:8]]
    assert (of_one[0], of_one[-1]) == (0, 2 * 17)  # frame 17 of 30 is the last with one 12 frames later
    assert {b - a for a, b in pairwise(of_one)} <= {4, 6}
    clips = ends_of(tmp_path)
    np.testing.assert_allclose(clips[:, 1] - clips[:, 0], 4 * 12, atol=1e-3)
    assert (clips[:, 2] == 13).all()
    np.testing.assert_allclose(clips[:, 3], 1)
    fast = ends_of(f"{tmp_path}?fps=10&moments=2")
    assert len(fast) == 3 * 2
    assert (fast[:, 2] == 6).all()
    test = read(f"{tmp_path}?moments=40", "test")
    assert test.names[0].endswith("/00000")
    assert len(test) == 2 * 18


def test_names_and_images_are_those_of_the_frames(tmp_path: Path) -> None:
    images = greys(30, 1)
    write_frames(tmp_path / "train/bear", images)
    write_frames(tmp_path / "test/camel", greys(26, 2))
    train = read(tmp_path)
    assert train.names == [f"bear/{i:05d}" for i in range(6)]
    assert train.groups == ["bear"] * 6
    for i in range(6):
        np.testing.assert_array_equal(train.image(i), images[i])
    np.testing.assert_allclose(train.map(mean, "m")["mean"], [image.mean((0, 1)) for image in images[:6]], rtol=1e-5)
    assert {name.split("/")[0] for name in read(tmp_path, "test").names} == {"camel"}


def test_frames_without_numbers_go_by_their_names(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for i, image in enumerate(greys(25, 0)):
            save(tmp_path / split / f"v/{chr(97 + i)}.png", image)
    assert read(tmp_path).names == ["v/a"]
    assert ends_of(tmp_path)[0, 2] == 25


def test_files_know_their_own_rate(tmp_path: Path) -> None:
    for split, k, fps in (("train", 0, 10), ("test", 1, 12.5)):
        write_video(tmp_path / split / "v.avi", greys(30, k, 64), fps)
    train, clips = read(f"{tmp_path}?moments=3"), ends_of(f"{tmp_path}?moments=3")
    assert train.names == ["v.avi/00000", "v.avi/00010", "v.avi/00019"]
    np.testing.assert_allclose(clips[:, 2:], [[11, 1]] * 3)
    np.testing.assert_allclose(clips[:, 1] - clips[:, 0], 40, atol=2)
    for i, at in enumerate((0, 10, 19)):
        assert np.abs(train.image(i).astype(int) - greys(30, 0, 64)[at]).mean() < 4  # R, G, B; JPEG inside
    near = ends_of(f"{tmp_path}?moments=1", "test")
    assert near[0, 2] in (13, 14)
    assert near[0, 3] == pytest.approx((near[0, 2] - 1) / 12.5)


def test_a_later_frame_of_a_long_file_is_the_right_one(tmp_path: Path) -> None:
    images = [np.full((32, 32, 3), 20 + 200 * (i % 40) // 40, np.uint8) for i in range(620)]
    for split in ("train", "test"):
        write_video(tmp_path / split / "v.avi", images)
    records = read(f"{tmp_path}?moments=4")
    for i, name in enumerate(records.names):
        assert abs(records.image(i).mean() - images[int(name.split("/")[1])].mean()) < 2


def test_ucf101_goes_by_its_first_lists(tmp_path: Path) -> None:
    names = [f"Archery/v_Archery_g0{g}_c01.avi" for g in range(1, 5)] + ["Bowling/v_Bowling_g01_c01.avi"]
    for k, name in enumerate(names):
        write_video(tmp_path / "UCF-101" / name, greys(14, k))
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "trainlist01.txt").write_text("\n".join(f"{name} 1" for name in names[1:]) + "\nGone/v_g01.avi 2\n")
    (lists / "testlist01.txt").write_text(names[0] + "\r\n")
    for root in (tmp_path / "UCF-101", tmp_path):  # lists beside the classes, or both inside
        with pytest.warns(UserWarning, match="left out 1 of 5 videos in trainlist01.txt of "):
            train = read(root, seed=3)
        assert {name.rpartition("/")[0] for name in train.names} == set(names[1:])
        assert {name.rpartition("/")[0] for name in read(root, "test").names} == {names[0]}
        assert len(read(root, "test")) == 4
    (lists / "testlist01.txt").write_text("Gone/v_g01.avi\n")
    with refused("names 1 videos, of which not one is in the folder"):
        read(tmp_path, "test")


def test_seeded_split_is_by_whole_videos(tmp_path: Path) -> None:
    for k in range(10):
        write_frames(tmp_path / f"v{k}", greys(26, k % 9))  # the last is a copy of the first
    sides = []
    for seed in range(6):
        data = make.data(f"video:{tmp_path}", seed)
        train, test = ({n.split("/")[0] for n in data.read(split).names} for split in ("train", "test"))
        assert not train & test
        assert train | test == {f"v{k}" for k in range(10)}
        assert len(test) >= 2
        assert ("v0" in test) == ("v9" in test)
        assert data.read("test", seed=3).digest == data.read("test").digest
        sides.append(frozenset(test))
    assert len(set(sides)) > 1


def test_masks_of_davis_are_no_frames(tmp_path: Path) -> None:
    for k, name in enumerate(("bear", "camel")):
        write_frames(tmp_path / "JPEGImages/480p" / name, greys(25, k))
        write_frames(tmp_path / "JPEGImages/1080p" / name, greys(25, k, 64))
        write_frames(tmp_path / "Annotations/480p" / name, greys(25, k + 5))
    records = [read(tmp_path, split) for split in ("train", "test")]
    assert sorted(name for r in records for name in r.names) == ["bear/00000", "camel/00000"]
    assert all(r.image(0).shape == (32, 32, 3) for r in records)


def test_short_and_broken_videos_are_left_out_with_one_line(tmp_path: Path) -> None:
    for k in range(2):
        write_frames(tmp_path / f"d/good{k}", greys(25, k))
    write_frames(tmp_path / "d/short", greys(10, 3))
    (tmp_path / "d/broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 8)
    (tmp_path / "d/empty.avi").write_bytes(b"")
    with pytest.warns(UserWarning, match="left out 3 of 5 videos") as caught:
        read(tmp_path / "d")
    line = str(caught[0].message)
    assert "short (10 frames within 0.38 s at 24 numbers a second; a second is needed)" in line
    assert "broken.mp4 (it was cut off: the index (moov), which is written last, is missing)" in line
    assert "\n" not in line


def test_a_cut_file_is_used_up_to_where_it_is_cut(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_video(tmp_path / split / "v.avi", greys(40, 0, 64))
    file = tmp_path / "train/v.avi"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    clips = ends_of(f"{tmp_path}?moments=99")
    assert 1 <= len(clips) < 20
    assert np.isfinite(clips).all()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("?fps=3", "write video:DIR"),
        ("{}", "neither files .* nor folders of numbered images"),
        ("{}/short", r"no readable video of at least one second: v \(10 frames within 0.38 s at 24 numbers"),
        ("{}/single", "a single video cannot be split"),
        ("{}?fpd=3", "did you mean 'fps'"),
        ("{}?fps=0", "fps is '0'; it must be a number from 1 to 1000"),
        ("{}?moments=2.5", "moments is '2.5'; it must be a whole number of at least 1"),
        ("{}?moments=inf", "moments is 'inf'; it must be a whole number of at least 1"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, path: str, said: str) -> None:
    inner = path.partition("/")[2]
    if inner:
        write_frames(tmp_path / inner / "v", greys({"short": 10, "single": 30}[inner], 0))
    with refused(said):
        read(path.format(tmp_path))


def test_davis() -> None:
    records = [read(shared_data("davis"), split) for split in ("train", "test")]
    videos = [{name.split("/")[0] for name in r.names} for r in records]
    assert not videos[0] & videos[1]
    assert len(videos[0] | videos[1]) == 14
    assert len(records[0]) + len(records[1]) == 14 * 8
    clip = records[1].clip(0)
    assert (len(list(clip.frames)), clip.seconds) == (13, 1.0)
