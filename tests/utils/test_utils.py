"""Configs, progress, devices and contact sheets: what a user sees, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.utils import progress as module
from zoo.utils.config import make_config
from zoo.utils.device import pick
from zoo.utils.errors import RequestError
from zoo.utils.files import user_path
from zoo.utils.progress import progress
from zoo.utils.sheet import Row, Tile, contact_sheet


@dataclass(frozen=True)
class Config:
    widths: tuple[int, ...] = (4, 2)
    rate: float = 0.1
    steps: int | None = None
    ema: bool = False
    kind: Literal["a", "b"] = "a"


def nested(depth: int) -> Any:
    """A list in a list, and so on: deeper than Python's stack."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"widths": "8,4"}, Config(widths=(8, 4))),
        ({"widths": [8, 4]}, Config(widths=(8, 4))),
        ({"rate": "1e-3", "steps": "7"}, Config(rate=0.001, steps=7)),
        ({"steps": "none", "ema": "true", "kind": "b"}, Config(ema=True, kind="b")),
        ({"steps": np.int32(7), "rate": np.float32(0.5), "ema": np.bool_(True)}, Config(steps=7, rate=0.5, ema=True)),
        ({"steps": 4.0, "widths": (np.int64(3),)}, Config(steps=4, widths=(3,))),
        ({"steps": "9007199254740993"}, Config(steps=2**53 + 1)),
        ({"steps": "1e3"}, Config(steps=1000)),
    ],
)
def test_values_are_read_as_the_fields_type(given: dict[str, Any], made: Config) -> None:
    assert make_config(Config, given, "model x") == made


@pytest.mark.parametrize(
    "given",
    [
        *({"widths": 8.0}, {"widths": "8,x"}, {"rate": "fast"}, {"rate": "nan"}, {"steps": 1.5}, {"steps": "inf"}),
        *({"steps": True}, {"ema": "yes"}, {"kind": "c"}, {"width": 1}, {"steps": np.bool_(True)}, {"ema": 1}),
        *({"steps": "1e400"}, {"steps": float("inf")}, {"steps": 10**400}, {"steps": "1" * 5000}, {"steps": 2**63}),
        *({"rate": 10**400}, {"rate": float("-inf")}, {"rate": None}, {"kind": np.zeros(2)}, {"steps": np.zeros(2)}),
        *({"widths": nested(10_000)}, {"kind": nested(10_000)}, {"self": 1}, {"cls": 1}, {"": 1}, {"__class__": 1}),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=f"model x.*{next(iter(given))}") as caught:
        make_config(Config, given, "model x")
    assert len(str(caught.value)) < 200


def test_a_mistake_in_a_config_is_named_with_its_place() -> None:
    @dataclass(frozen=True)
    class Odd:
        width: int = 3

        def __post_init__(self) -> None:
            self.width.no_such_thing  # type: ignore[attr-defined]  # noqa: B018

    with pytest.raises(RequestError, match=r"model odd: 'int' object has no .* \(.*test_utils\.py:\d+ in __post_init__\)"):
        make_config(Odd, {}, "model odd")


@pytest.mark.parametrize("path", ["", "a\0b", 3, None])
def test_what_can_be_no_path_is_refused_in_a_line(path: Any) -> None:
    with pytest.raises(RequestError, match=r"the path is .*: "):
        user_path(path)


def test_plain_lines_come_seldom_and_the_last_always(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 3))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    with progress(40, "fit") as bar:
        for done in range(1, 41):
            bar.update(done, loss=torch.tensor(1 / done), phase="tie")
    with progress(2, "not shown", show=False) as bar:
        bar.update(2, loss=1.0)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert 5 < len(lines) < 20, "a line every ten seconds, not one a step"
    assert lines[-1].startswith("fit: 40/40  loss=0.025 phase=tie")


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress(5, "sampling") as bar:
        bar.update(5, error=0.123456)
    err = capsys.readouterr().err
    assert ["sampling" in err, "5/5" in err, "error=0.1235" in err] == [True] * 3


def test_plain_lines_do_not_import_a_bar() -> None:
    code = "import sys; from zoo.utils.progress import progress\nwith progress(1, 'a') as bar: bar.update(1)\n"
    code += "assert 'tqdm' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("device", ["gpu0", "cuda:99", "", "meta", 3.5])
def test_unknown_and_absent_devices_are_refused(device: str) -> None:
    with pytest.raises(RequestError, match="device"):
        pick(device)


def test_auto_and_cpu() -> None:
    assert pick("cpu") == pick(torch.device("cpu")) == torch.device("cpu")
    assert pick("auto").type in ("cpu", "cuda", "mps")


def test_pictures_are_as_large_as_fits_in_the_middle_of_their_place() -> None:
    red, wide = Image.new("RGB", (3, 3), "red"), Image.new("L", (40, 20))
    rows = [Row(30, [Tile(red), Tile(wide, like=(10, 30))]), Row(0, rule=True), Row(20, [Tile(None), Tile("words")])]
    rows.append(Row(16, [Tile(wide, span=2)]))
    pixels = np.asarray(contact_sheet(rows, [30, 50], gap=4, margin=10))
    assert pixels.shape == (98, 104, 3)

    def box(top: int, height: int, left: int, width: int) -> tuple[int, ...]:
        """Where the place is not white: top, bottom, left, right."""
        rows, columns = (pixels[top : top + height, left : left + width] != 255).any(2).nonzero()
        return (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)

    assert box(10, 30, 10, 30) == (0, 30, 0, 30), "a small one is magnified"
    assert set(map(tuple, pixels[10:40, 10:40].reshape(-1, 3))) == {(255, 0, 0)}, "and its pixels stay visible"
    assert box(10, 30, 44, 50) == (0, 30, 20, 30), "in the proportions that are asked for"
    assert box(44, 1, 0, 104) == (0, 1, 10, 95), "a rule from margin to margin"
    assert (pixels[48:68, 10:40] == 255).all()
    top, bottom, left, right = box(48, 20, 44, 50)
    assert abs(top + bottom - 20) <= 4
    assert abs(left + right - 50) <= 2
    assert box(72, 16, 10, 84) == (0, 16, 26, 58), "across columns"
