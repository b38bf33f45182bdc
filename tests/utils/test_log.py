"""The log beside long work: all that was said, and the error, whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from zoo.utils import progress as module
from zoo.utils.log import is_log, logged
from zoo.utils.progress import progress


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_what_is_said_is_kept_line_by_line_and_an_error_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, before = tmp_path / "log.txt", sys.stderr

    def work() -> None:
        print("a part of it\x1b[2J is grey\n 10 %\r 20 %", file=sys.stderr)
        print("fit: 1/2", file=sys.stderr)
        assert "fit: 1/2" in log.read_text(), "it is there at once"
        _ = 1 / 0

    with pytest.raises(ZeroDivisionError), logged(log, "zoo run\n--model x"):
        work()
    assert sys.stderr is before
    assert "fit: 1/2\n" in capsys.readouterr().err
    head, *said = lines(log)
    assert head.startswith("# zoo, ")
    assert head.endswith(f"process {os.getpid()}: zoo run --model x")
    text = "\n".join(said)
    for word in (r"a part of it\x1b[2J is grey", "fit: 1/2", "Traceback", "_ = 1 / 0", "ZeroDivisionError: division by zero"):
        assert word in text, word
    assert "\x1b" not in text
    assert "%" not in text, "what draws a bar is no line"
    with logged(log, "again"):
        pass
    assert lines(log)[: len(said) + 1] == [head, *said], "nothing of before is lost"
    assert lines(log)[-1].endswith("again")


def test_a_bar_on_a_terminal_is_lines_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(module, "EVERY", 0.0)
    with logged(tmp_path / "log.txt", "x"), progress(2, "fit") as bar:
        bar.update(1, loss=0.5)
        bar.update(2, loss=0.25)
    said = [line.partition("  0 s")[0] for line in lines(tmp_path / "log.txt")[1:]]
    assert said == ["fit: 1/2  loss=0.5", "fit: 2/2  loss=0.25"]


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
def test_a_log_is_written_to_a_file_of_its_own_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("all of it")
    (tmp_path / "link").symlink_to("thesis.tex")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "folder", "no/such/folder"):
        with logged(tmp_path / name, "x"):
            print("y", file=sys.stderr)
    assert (tmp_path / "thesis.tex").read_text() == "all of it"
    logs = [path.name for path in (*tmp_path.iterdir(), tmp_path / "absent") if is_log(path)]
    assert logs == ["empty"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.utils.log._opened", lambda _: open("/dev/full", "w", buffering=1))  # noqa: SIM115
    with logged(tmp_path / "log.txt", "x"):
        print("y", file=sys.stderr)
