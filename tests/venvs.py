"""Virtual environments of their own for tests of packages, made in a second."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from calls import call


class Environment:
    """A virtual environment that sees all that the running one has installed, and in which more can be.

    Nothing is downloaded, and torch is not installed a second time: a ``.pth`` file adds the running environment's
    site-packages behind its own, as ``--system-site-packages`` would for the base interpreter's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        asked = [str(self.python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        own = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
        places = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
        # addsitedir, not the bare path: only so the .pth files there count, by which editable installs are found.
        lines = [f"import site; site.addsitedir({place!r})" for place in dict.fromkeys(places)]
        (own / "the-running-environment.pth").write_text("\n".join(lines) + "\n")
        self.env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "ZOO_PLUGINS")}
        self.env |= {"ZOO_CACHE": str(folder / "cache"), "ZOO_REGISTRY": str(folder / "registry.toml")}
        (folder / "registry.toml").write_text("schema = 1\n")

    def run(self, *words: str) -> str:
        """What ``python`` with these words prints; it must leave with 0."""
        done = subprocess.run([str(self.python), *words], capture_output=True, text=True, env=self.env, cwd=self.folder)
        assert done.returncode == 0, f"{' '.join(words)} left with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def zoo(self, *commands: list[str]) -> list[str]:
        """What these commands of the zoo print, done one after another in one process; each must leave with 0."""
        called = call(self.python, commands, self.env, self.folder)
        for words, one in zip(commands, called, strict=True):
            assert one.code == 0, (words, one.err)
        return [one.out for one in called]

    def install(self, *words: str) -> None:
        """``pip install`` without any download: what is installed needs nothing that is not there."""
        self.run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", *words)


def build_wheel(source: Path, out: Path) -> Path:
    """The wheel of the package in ``source``; the test is skipped, with the reason, where nothing can be built here."""
    for needed in ("hatchling", "hatch_vcs", "pip"):
        pytest.importorskip(needed, reason=f"{needed} is not installed: pip install -e '.[dev]'")
    words = ["wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(out), str(source)]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel
