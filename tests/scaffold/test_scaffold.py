"""``zoo new plugin``: what it writes works untouched, and a name that cannot be used is refused before anything is written."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from venvs import build_wheel

from zoo.scaffold import plugin
from zoo.scaffold.plugin import Names, names_of, write_plugin
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import write_text

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("zoo-rain", Names("zoo-rain", "zoo_rain", "rain", "Rain")),
        ("Zoo_Heavy.rain", Names("zoo-heavy-rain", "zoo_heavy_rain", "heavy-rain", "HeavyRain")),
        ("rain2", Names("rain2", "rain2", "rain2", "Rain2")),
    ],
)
def test_names_follow_from_one(name: str, names: Names) -> None:
    assert names_of(name) == names
    assert (names.task, names.metric) == (f"{names.stem}-task", f"{names.stem.replace('-', '_')}_error")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "no name of a distribution"),
        ("-rain", "no name of a distribution"),
        ("../rain", "no name of a distribution"),
        ("rain fall", "no name of a distribution"),
        ("r\u00e4in", "no name of a distribution"),
        ("9rain", "cannot be imported"),
        ("zoo-9", "cannot be imported"),
        ("class", "cannot be imported"),
        ("json", "cannot be imported"),
        ("zoo", "cannot be imported"),
        ("zoo-nn", "a model called 'nn', and cond-zoo"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str) -> None:
    from zoo.cli.writing import new

    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=re.escape(says)):
        new("plugin", name, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("toy_plugin")
def test_a_name_that_somebody_has_is_refused() -> None:
    with pytest.raises(RequestError, match=r"a model called 'toy', and toy-zoo 0\.1\.0 has that name"):
        names_of("zoo-toy")
    with pytest.raises(RequestError, match="a plugin called 'toy-zoo' is installed"):
        names_of("toy-zoo")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for folder in (tmp_path, tmp_path / "mine"):
        with pytest.raises(RequestError, match="already holds something"):
            write_plugin(names_of("zoo-rain"), folder)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_it_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        if path.name == "task.py":
            raise ZooError(f"cannot write {path}: No space left on device")
        write_text(path, text)

    monkeypatch.setattr(plugin, "write_text", full)
    with pytest.raises(ZooError, match="No space left"):
        write_plugin(names_of("zoo-rain"), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_what_it_prints_is_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zoo.cli.writing import new

    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match="did you mean 'plugin'"):
        new("plug", "zoo-rain", None)
    new("plugin", "zoo-rain", None)
    out = capsys.readouterr().out
    assert "pip install -e zoo-rain" in out
    assert "zoo check model:rain task:rain-task metric:rain_error" in out
    files = {str(path.relative_to(tmp_path / "zoo-rain")) for path in (tmp_path / "zoo-rain").rglob("*") if path.is_file()}
    assert {line.strip() for line in out.splitlines() if line.strip() in files} == files
    for path in (tmp_path / "zoo-rain").rglob("*.*"):
        assert not re.search(r"@[A-Z]+@", path.read_text()), path


def test_what_it_writes_is_in_style(tmp_path: Path) -> None:
    """That it can be installed, is sound, and passes its tests, tests/test_plugin_page.py shows in the environment there."""
    folder = tmp_path / "zoo-rain"
    write_plugin(names_of("zoo-rain"), folder)
    for words in (["check", "--no-cache"], ["format", "--check", "--no-cache", "--line-length", "127"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *words], capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stdout


def test_the_wheel_of_the_zoo_brings_the_templates(tmp_path: Path) -> None:
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("this is no checkout")
    names = set(zipfile.ZipFile(build_wheel(ROOT, tmp_path)).namelist())
    here = plugin.TEMPLATES.parent
    wanted = {f"zoo/scaffold/{path.relative_to(here).as_posix()}" for path in here.rglob("*.template")}
    assert len(wanted) == 8
    assert wanted <= names
    assert not [name for name in names if "toning" in name]
