"""When frames of a video are: by the stamps in a file, by the names of images; and which one is a second later."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from datafiles import records_of, refused
from videofiles import greys, write_recording, write_video

from zoo_data.footage import VideoFile, judge_video
from zoo_data.times import times_of_names

read = partial(records_of, "video")
pytestmark = pytest.mark.usefixtures("own_cache")
STEPS = np.random.default_rng(0).integers(25, 45, 130)
JITTER = [int(stamp) for stamp in np.cumsum(STEPS)]
"""Milliseconds: four and a half seconds of a recording, of which no two steps are the same for long."""


def recorded(tmp_path: Path, stamps: list[int]) -> VideoFile:
    path = write_recording(tmp_path / "v.webm", greys(len(stamps)), stamps)
    return VideoFile(path, "v.webm", judge_video(path))


def test_a_recording_of_a_browser_is_timed_by_its_stamps(tmp_path: Path) -> None:
    for k, split in enumerate(("train", "VAL")):
        write_recording(tmp_path / split / "rec.webm", greys(130, k), JITTER)
    for split in ("train", "test"):
        records = read(tmp_path, split)
        assert len(records) == 8
        for i, (video, first, last) in enumerate(records._moments):
            assert (JITTER[last] - JITTER[first]) / 1000 == pytest.approx(1, abs=0.03)
            assert video.path.name == "rec.webm"
            clip = records.clip(i)
            assert clip.seconds == pytest.approx((JITTER[last] - JITTER[first]) / 1000)
            frames = list(clip.frames)
            assert len(frames) == last - first + 1
            np.testing.assert_allclose(frames[-1].mean() - greys(last + 1, split == "test")[last].mean(), 0, atol=2)


@pytest.mark.parametrize(
    "stamps",
    [
        [stamp + 3_600_000 for stamp in JITTER],
        [stamp - 60 * (i % 10 == 9) for i, stamp in enumerate(JITTER)],
        [JITTER[i - i % 3] for i in range(130)],
        [*JITTER[:60], *JITTER[:70]],
        [*JITTER[:40], *(stamp + 9000 for stamp in JITTER[40:])],
        [*JITTER[:60], 10**7, *JITTER[61:]],
    ],
    ids=["late", "back", "repeated", "anew", "gap", "astray"],
)
def test_a_second_is_one_whatever_the_stamps_do(tmp_path: Path, stamps: list[int]) -> None:
    moments = recorded(tmp_path, stamps).moments(99)
    assert len(moments) > 30
    for first, last in moments:
        assert last > first
        assert (stamps[last] - stamps[first]) / 1000 == pytest.approx(1, abs=0.06)
        assert np.ptp(stamps[first : last + 1]) < 1200  # nothing of another time in between


@pytest.mark.parametrize(
    ("stamps", "said"),
    [
        ([0], "a single frame"),
        ([5] * 30, "its 30 frames have no time stamps, or all the same"),
        (JITTER[:12], r"12 frames within 0\.\d\d s by their time stamps; a second is needed"),
        ([0, 40, 80, 5000, 5040], "5 frames within 5.04 s by their time stamps, of which none has another one a second later"),
    ],
)
def test_what_is_too_short_is_said_with_its_length(tmp_path: Path, stamps: list[int], said: str) -> None:
    write_recording(tmp_path / "v.webm", greys(len(stamps)), stamps)
    with refused(said):
        read(tmp_path)


@pytest.mark.parametrize("rate", [30000 / 1001, 25, 7.5, 1.5])
def test_a_constant_rate_is_right_to_half_a_step(tmp_path: Path, rate: float) -> None:
    path = write_video(tmp_path / "v.mp4", greys(round(3 * rate) + 1), rate, "mp4v")
    video = VideoFile(path, "v.mp4", judge_video(path))
    moments = video.moments(99)
    assert len(moments) >= rate
    for first, last in moments:
        assert np.diff(video.times[[first, last]]) == pytest.approx(1, abs=0.5 / rate + 1e-3)


def test_a_later_frame_is_sought_by_its_stamp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mp4 = write_video(tmp_path / "v.mp4", greys(130, side=64), 30, "mp4v")
    for video in (recorded(tmp_path, JITTER), VideoFile(mp4, "v.mp4", judge_video(mp4))):
        for first in (60, 100):
            plain = list(video.frames(first, first + 3))
            with monkeypatch.context() as patch:
                patch.setattr("zoo_data.footage._SEEK", 10)
                np.testing.assert_array_equal(plain, list(video.frames(first, first + 3)))


def test_a_phone_that_was_turned_and_a_rate_that_the_track_tells(tmp_path: Path) -> None:
    images = [np.full((48, 64, 3), 20 + 3 * i, np.uint8) for i in range(60)]
    path = write_video(tmp_path / "v.mp4", images, 10, "mp4v")
    data = path.read_bytes()
    one = b"\0\1\0\0"
    upright = one + bytes(12) + one + bytes(12) + b"\x40\0\0\0"
    turned = bytes(4) + one + bytes(4) + b"\xff\xff\0\0" + bytes(16) + b"\x40\0\0\0"
    at = data.index(upright, data.index(b"tkhd"))
    data = data[:at] + turned + data[at + len(upright) :]
    table = data.index(b"stts") + 12  # its one entry: 60 frames of so many ticks each
    ticks = int.from_bytes(data[table + 4 : table + 8], "big")
    path.write_bytes(data[: table + 4] + (ticks // 2).to_bytes(4, "big") + data[table + 8 :])
    video = VideoFile(path, "v.mp4", judge_video(path))
    assert next(video.frames(0, 0)).shape == (64, 48, 3)
    np.testing.assert_allclose(np.diff(video.times), 0.05, atol=1e-4)


@pytest.mark.parametrize(
    ("names", "seconds"),
    [
        (["00012.500", "00013.000", "00014.25"], [0, 0.5, 1.75]),
        (["f_1.0", "f_2.5", "f_3"], [0, 1.5, 2]),
        (["frame_0001_12.5s", "frame_0002_13.75s"], [0, 1.25]),
        (["t500ms", "t1500ms"], [0, 1]),
        (["0m59s", "1m05s"], [0, 6]),
        (["1699999999123", "1699999999623"], [0, 0.5]),
        (["1305031102.175304", "1305031103.200000"], [0, 1.024696]),
        (["1403636579763555584", "1403636580763555584"], [0, 1]),
        (["cam 2024-05-01T12:30:05.250", "cam 2024-05-01T12:30:06.5"], [0, 1.25]),
        (["20240501T123005", "20240501T123107"], [0, 62]),
        (["PXL_20240501_123005250", "PXL_20240501_123006000"], [0, 0.75]),
        (["vlcsnap-2024-05-01-12h59m05s250", "vlcsnap-2024-05-01-13h00m05s500"], [0, 60.25]),
        (["shot 2024-05-01 at 12.30.59", "shot 2024-05-01 at 12.31.00"], [0, 1]),
        (["film-00:00:59.500", "film-00:01:00.250"], [0, 0.75]),
        (["0:59", "1:00", "1:00:01"], [0, 1, 3542]),
        (["a_00-00-59", "a_00-01-00"], [0, 1]),
        (["00_00_59.500", "00_01_00_500"], [0, 1]),
    ],
)
def test_names_that_tell_the_time_are_read(names: list[str], seconds: list[float]) -> None:
    times, known = times_of_names(names)
    np.testing.assert_allclose(times, seconds, atol=1e-9)
    assert known == "by the times in their names"


@pytest.mark.parametrize(
    "names",
    [
        ["shot12.0001", "shot12.0025"],  # as programs for film count
        ["0000000001", "0000000025"],
        ["20240501_000001", "20240501_000025"],  # it may be a clock, or a number
        ["2024-05-01_12-30-05_0001", "2024-05-01_12-30-06_0025"],
        ["2024-05-01_12-30-05_001", "2024-05-01_12-30-05_025"],
        ["2024-13-01_12-30-01", "2024-13-01_12-30-25"],  # no such month
        ["take 1.5 frame 1", "take 1.5 frame 25"],
        ["24-05-01", "24-05-25"],  # days
    ],
)
def test_numbers_that_may_be_no_time_are_numbers(names: list[str]) -> None:
    times, known = times_of_names(names)
    assert (float(np.ptp(times)), known) == (1.0, "at 24 numbers a second")


def test_a_rate_that_is_given_counts_before_names() -> None:
    np.testing.assert_allclose(np.ptp(times_of_names(["1699999999123", "1699999999623"], fps=500)[0]), 1)
    assert times_of_names(["b", "a"], fps=2)[0].tolist() == [0.5, 0]
