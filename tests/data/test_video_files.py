"""Which files are videos: opened by no other name than their own, or left out with what they really are; in silence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from datafiles import noise, records_of, refused, save
from videofiles import element, greys, write_recording, write_video

from zoo_data import capture
from zoo_data.video import Video

read = partial(records_of, "video")
pytestmark = pytest.mark.usefixtures("own_cache")
NAMES = ["a:b.mp4", "concat:x.mp4", "http:..mp4", "file:y.mp4", "%03d.mp4", "-i x|y.mp4", 'it\'s "so".mp4', "two\nlines.mp4"]
"""What FFmpeg would take for a protocol, a pattern, an option or two files."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    return [write_video(folder / f"{k}.mp4", greys(12, k), codec="mp4v") for k in range(len(NAMES))]


def test_a_file_is_opened_by_no_other_name_than_its_own(
    tmp_path: Path, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for split in ("Train", "Validation"):
        for clip, name in zip(clips, NAMES, strict=True):
            (tmp_path / "in" / split).mkdir(parents=True, exist_ok=True)
            shutil.copy(clip, tmp_path / "in" / split / name)
    shutil.copy(clips[0], tmp_path / "in/Train" / os.fsdecode(b"latin\xdf.mp4"))
    monkeypatch.chdir(tmp_path / "in")
    relative, whole = read("."), read(tmp_path / "in")
    assert {name.rpartition("/")[0] for name in relative.names} == {*NAMES, os.fsdecode(b"latin\xdf.mp4")}
    assert relative.digest == whole.digest
    for records in (relative, whole):
        for i, name in enumerate(records.names):
            file, _, frame = name.rpartition("/")
            wanted = greys(12, NAMES.index(file) if file in NAMES else 0)[int(frame)]
            assert np.abs(records.image(i).astype(int) - wanted).mean() < 8
    assert len(read("../in?moments=1")) == 9


def test_a_folder_may_be_called_like_options(tmp_path: Path, clips: list[Path]) -> None:
    for k in range(2):
        (tmp_path / "what?" / "a?fps=3").mkdir(parents=True, exist_ok=True)
        shutil.copy(clips[k], tmp_path / "what?" / "a?fps=3" / f"{k}.mp4")
    assert len(read(tmp_path / "what?" / "a?fps=3")) == len(read(f"{tmp_path / 'what?'}?moments=8"))


def test_what_is_no_video_is_left_out_as_what_it_is(tmp_path: Path, clips: list[Path]) -> None:
    good = clips[0].read_bytes()
    for k in range(2):
        shutil.copy(clips[k], tmp_path / f"GOOD{k}.MP4")
    named = tmp_path / "elsewhere.bin"
    named.write_bytes(good)
    sound = only_sound()
    wrong = {
        "image.mp4": (save(tmp_path / "x.png", noise(0)).read_bytes(), "an image, not a video"),
        "playlist.mp4": (f"#EXTM3U\n#EXTINF:4,\nfile://{named}\n".encode(), "not a video"),
        "list.avi": (b"ffconcat version 1.0\nfile elsewhere.bin\n", "not a video"),
        "empty.mov": (b"", "the file is empty"),
        "zeros.mkv": (bytes(5000), "nothing but zeros"),
        "cut.mp4": (good[: len(good) // 2], "cut off: the index"),
        "odd.avi": (
            write_video(tmp_path / "t.avi", greys(12)).read_bytes().replace(b"MJPG", b"XYZ9"),
            "its codec XYZ9 is unknown",
        ),
        "sound.webm": (sound, "it has sound and no picture"),
        "small.avi": (write_video(tmp_path / "t.avi", greys(12, side=8)).read_bytes(), "8 x 8 pixels"),
    }
    (tmp_path / "t.avi").unlink()
    for name, (content, _) in wrong.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "._GOOD0.mp4").write_bytes(b"resource fork")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "device.mp4").symlink_to("/dev/zero")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    data = Video(str(tmp_path))
    with pytest.warns(UserWarning, match="left out .* videos") as caught:
        records = data.read("train")
    assert len(caught) == 1
    assert {name.rpartition("/")[0] for name in records.names} <= {"GOOD0.MP4", "GOOD1.MP4"}
    for name, (_, reason) in wrong.items():
        assert reason in data.skipped[name], name
    assert "a named pipe" in data.skipped["pipe.mp4"]
    assert "a device" in data.skipped["device.mp4"]
    assert "No such file" in data.skipped["gone.mp4"]


def only_sound() -> bytes:
    """The head of a recording that has a track of sound alone."""
    head = element(0x1A45DFA3, element(0x4282, b"webm"))
    track = element(0xD7, b"\1") + element(0x73C5, b"\1") + element(0x83, b"\2") + element(0x86, b"A_OPUS")
    return head + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + element(0x1654AE6B, element(0xAE, track))


def test_what_could_not_be_opened_once_is_tried_again(
    tmp_path: Path, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(2):
        shutil.copy(clips[k], tmp_path / f"{k}.mp4")
    with monkeypatch.context() as patch, refused("no readable video"):
        patch.setattr(cv2, "VideoCapture", lambda *_: cv2.VideoWriter())
        read(tmp_path)
    assert read(tmp_path).names


def test_a_large_video_is_shown_at_a_part_of_its_size(
    tmp_path: Path, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(2):
        shutil.copy(clips[k], tmp_path / f"{k}.mp4")
    monkeypatch.setattr(capture, "LARGE", 300)
    records = read(tmp_path)
    assert records.image(0).shape == (16, 16, 3)
    assert records.map_moments(lambda clip: {"count": np.array([len(list(clip.frames))], np.float32)}, "n")["count"][0] == 11
    monkeypatch.setattr(capture, "MOST", 1000)
    for k in range(2):
        os.utime(tmp_path / f"{k}.mp4", (0, 0))
    with refused("32 x 32 pixels a frame; at most 1,000 can be read"):
        read(tmp_path)


def test_a_file_that_changed_is_not_read_as_what_it_was(tmp_path: Path, clips: list[Path]) -> None:
    for k in range(2):
        shutil.copy(clips[k], tmp_path / f"{k}.mp4")
    records = read(tmp_path)
    for k in range(2):
        shutil.copy(clips[k + 2], tmp_path / f"{k}.mp4")
    with pytest.raises(Exception, match="it has changed since it was listed"):
        records.image(0)


def test_the_process_of_the_user_stays_as_it_is_and_hears_nothing(tmp_path: Path, clips: list[Path]) -> None:
    """In a process of its own, as FFmpeg learns once how much it may say."""
    for k in range(2):
        shutil.copy(clips[k], tmp_path / f"{k}.mp4")
    whole = write_recording(tmp_path / "cut.webm", greys(40), [40 * i for i in range(40)]).read_bytes()
    (tmp_path / "cut.webm").write_bytes(whole[: len(whole) * 4 // 5])
    (tmp_path / "broken.mp4").write_bytes(clips[0].read_bytes().replace(b"mdat", b"free")[:-700])
    (tmp_path / "noise.webm").write_bytes(whole[:200] + os.urandom(3000))
    code = """
import os, sys, cv2
before = dict(os.environ), cv2.utils.logging.getLogLevel()
from zoo_data.video import Video
records = Video(sys.argv[1]).read("train")
records.image(0)
assert (dict(os.environ), cv2.utils.logging.getLogLevel()) == before
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_open_videos_are_counted_over_threads(clips: list[Path]) -> None:
    level = cv2.utils.logging.getLogLevel()

    def look(path: Path) -> None:
        with capture.opened(path) as opened:
            assert opened.grab()

    threads = [threading.Thread(target=look, args=(clip,)) for clip in clips]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cv2.utils.logging.getLogLevel() == level
