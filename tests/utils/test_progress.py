"""Progress and devices: what a user sees, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from zoo.utils import progress as module
from zoo.utils.device import pick
from zoo.utils.errors import RequestError
from zoo.utils.progress import progress


def test_plain_lines_come_seldom_and_the_last_always(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    with progress(40, "fit") as bar:
        for done in range(1, 41):
            bar.update(done, loss=torch.tensor(1 / done), phase="tie")
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert 5 < len(lines) < 20, "a line every ten seconds, not one a step"
    assert lines[-1].startswith("fit: 40/40  loss=0.025 phase=tie")


def test_no_progress_where_none_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(2, "fit", show=False) as bar:
        bar.update(2, loss=1.0)
    assert capsys.readouterr().err == ""
    assert bar.done == 2


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress(5, "sampling") as bar:
        bar.update(5, error=0.123456)
    err = capsys.readouterr().err
    assert "sampling" in err
    assert "5/5" in err
    assert "error=0.1235" in err


def test_plain_lines_do_not_import_a_bar() -> None:
    code = "import sys; from zoo.utils.progress import progress\nwith progress(1, 'a') as bar: bar.update(1)\n"
    code += "assert 'tqdm' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("device", ["gpu0", "cuda:99", "", "meta", 3.5])
def test_unknown_and_absent_devices_are_refused(device: str) -> None:
    with pytest.raises(RequestError, match="device"):
        pick(device)


def test_auto_and_cpu() -> None:
    assert pick("cpu") == torch.device("cpu")
    assert pick(torch.device("cpu")) == torch.device("cpu")
    assert pick("auto").type in ("cpu", "cuda", "mps")
