"""What others wrote reaches a terminal as text: in errors, warnings, logs, tables and lists."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from calls import call_here
from PIL import Image

from zoo.cli import looking
from zoo.cli.app import table
from zoo.registry import Installed
from zoo.utils.progress import progress

OBEYED = "\x1b]0;x\x07\x1b[2J\r\u202e\x9b\udcdf"
SHOWN = r"\x1b]0;x\x07\x1b[2J\x0d\u202e\x9b\xdf"


@pytest.mark.parametrize(
    "words",
    [
        ["run", f"--{OBEYED}x"],
        [f"x{OBEYED}"],
        ["run", "--model", f"x{OBEYED}", "--task", "toy"],
        ["run", "-n", OBEYED],
        ["show", OBEYED],
        ["sample", f"dir:{OBEYED}x", "a.png"],
        ["run", "--model", "nn", "--task", "resaturate", "--data", f"folder:{OBEYED}x"],
        ["verify", f"dir:{OBEYED}x"],
        ["pull", f"{OBEYED}/x"],
        ["new", "plugin", OBEYED],
    ],
)
def test_no_error_obeys_what_was_asked(words: list[str]) -> None:
    code, out, err = call_here(*words)[:3]
    assert code in (1, 2)
    assert not set("\x1b\x07\r\u202e\x9b\udcdf") & set(out + err)
    assert out + err


def test_warnings_and_logs_are_lines_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def lists(kinds: Any) -> str:
        warnings.warn(f"left out {OBEYED}\nzoo: all is well", stacklevel=1)
        warnings.warn("gone soon", FutureWarning, stacklevel=1)
        return ""

    monkeypatch.setattr(looking, "_entries", lists)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        err = call_here("list", "models").err
    words = SHOWN.replace(r"\x0d", " ")
    assert err == f"zoo: Warning: left out {words} zoo: all is well\nzoo: FutureWarning: gone soon\n"
    call_here("run")
    assert logging.lastResort is not None
    record = logging.LogRecord("other", logging.WARNING, "", 0, f"read {OBEYED}", None, None)
    assert logging.lastResort.format(record) == f"read {SHOWN}"


def test_broken_plugins_are_named_visibly(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Installed(f"a{OBEYED}", "1", (), (), "folder", f"it holds {OBEYED}")
    monkeypatch.setattr(looking.registry, "plugins", lambda: (plugin,))
    out, err = call_here("list", "models")[1:3]
    assert f"a{SHOWN} is broken: it holds {SHOWN}\n" in err
    assert "\x1b" not in out


def test_columns_are_as_wide_as_what_is_shown() -> None:
    text = table(("NAME", "KIND"), (f"a{OBEYED}", "x"), ("b\nc", "y"))
    assert [line.rfind(word) for line, word in zip(text.splitlines(), ("KIND", "x", "y"), strict=True)] == [len(SHOWN) + 3] * 3


def test_a_bar_shows_words_visibly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with progress(2, f"fit {OBEYED}") as bar:
        bar.update(2, now=OBEYED)
    assert capsys.readouterr().err.startswith(f"fit {SHOWN}: 2/2  now={SHOWN}")


def test_a_sample_of_any_name_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "\x1b[2Jstra\udcdfe.png"
    try:
        with open(name, "wb") as file:
            Image.new("RGB", (40, 40), "red").save(file, "PNG")
    except OSError:
        pytest.skip("this file system takes no such names")
    code, out, err = call_here("sample", "relight", name, "-n", "1", "--device", "cpu", "--out", "s")[:3]
    assert (code, out) == (0, "\\x1b[2Jstra\\xdfe.png: 1 samples in s/\\x1b[2Jstra\\xdfe\n")
    assert err.startswith("checkpoint flow/relight\n\\x1b[2Jstra\\xdfe.png: it has flat areas, as a screenshot")
    assert (tmp_path / "s" / "\x1b[2Jstra\udcdfe" / "sample-01.png").is_file()
