"""What a run takes for an empty folder, and what it puts on record of its data."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import pytest
from toyruns import LEFT, run

from zoo.utils.errors import RequestError


def test_what_is_left_of_killed_runs_is_as_good_as_nothing(tmp_path: Path) -> None:
    out = tmp_path / "a"
    for name in (".samples.png.abcdefgh.part", "training/.request.json.abcdefgh.part"):
        (out / name).mkdir(parents=True)
    (out / ".lock").touch()
    assert run(out).scores
    assert sorted(path.name for path in out.iterdir()) == LEFT
    (tmp_path / "b" / "training").mkdir(parents=True)
    (tmp_path / "b" / "training" / "photo.png").touch()
    with pytest.raises(RequestError, match="not empty"):
        run(tmp_path / "b", resume=True)


def test_a_log_of_ones_own_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("dear diary")
    with pytest.raises(RequestError, match="not empty"):
        run(tmp_path)
    assert (tmp_path / "log.txt").read_text() == "dear diary"


def test_what_the_data_left_out_is_on_record_and_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_zoo import Photos

    read = Photos.read
    left = {f"{i:02}.png": "the file is empty" for i in range(25)}
    monkeypatch.setattr(Photos, "read", lambda self, *a, **k: (self.skip(left, 60, "photos"), read(self, *a, **k))[1])
    with warnings.catch_warnings():  # pytest's own would keep it from stderr
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: print(message, file=sys.stderr)
        run(tmp_path / "a")
    skipped = json.loads((tmp_path / "a" / "run.json").read_text())["data"]["skipped"]
    assert (skipped["count"], len(skipped["names"])) == (25, 20)
    assert skipped["names"]["00.png"] == "the file is empty"
    assert "left out 25 of 60 photos" in (tmp_path / "a" / "log.txt").read_text()
