"""A dozen broken packages, each installed as a real distribution: a folder of metadata and a module beside it.

Every module first leaves a mark, a file of its own name in the folder that ``$MARKS`` names: whether it was imported is
seen, not guessed. The marks of packages whose code cannot be compiled come from a package around it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from installed import distribution

MARK = "import os, pathlib\npathlib.Path(os.environ['MARKS'], __name__.partition('.')[0]).touch()\n"
METRIC = """
import zoo
class Metric(zoo.Metric):
    unit, better, source = "none", "lower", "nowhere"
    def __call__(self, samples, y, **known):
        return {"": (samples.mean(1) - y).flatten(1).mean(1).abs()}
"""
NOISE = "import time\nwhile True:\n    print('noise', flush=True)\n    time.sleep(0.01)\n"
MEDDLING = "import random, torch\nrandom.seed(1)\ntorch.manual_seed(1)\ntorch.set_default_dtype(torch.float64)\n"
MEDDLING += "os.environ['MEDDLED'] = '1'\n"
FAILING = METRIC.replace("return", "raise ValueError('it never works'); return") + "print('loud')\n"


class Broken(NamedTuple):
    points: str
    code: str  # of its module, after the mark
    says: str  # what must be said of it, a regular expression
    listed: bool = False  # its metadata alone gives it away
    effect: bool = False  # it is named for what it does to others, and works if it is asked for
    metadata: bytes | None = None  # instead of the right one
    requires: tuple[str, ...] = ()
    package: bool = False  # the code is a module inside a package, since it cannot be compiled


def _model(name: str, module: str | None = None) -> str:
    return f"[zoo.models]\n{name} = {module or 'broken_' + name}:Model\n"


def _metric(name: str) -> str:
    return f"[zoo.metrics]\n{name} = broken_{name}:Metric\n"


PACKAGES = {
    "absent": Broken(_model("absent"), "import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax": Broken(_model("syntax", "broken_syntax.inner"), "def\n", "SyntaxError: invalid syntax", package=True),
    "slow": Broken(_metric("slow"), "import time\ntime.sleep(5.3)\n" + METRIC, r"its import takes 5\.\d s", effect=True),
    "clash1": Broken(_model("twice", "broken_clash1"), "", r"packages bring it, and one is broken-clash2 1\.0", listed=True),
    "clash2": Broken(_model("twice", "broken_clash2"), "", r"packages bring it, and one is broken-clash1 1\.0", listed=True),
    "type": Broken(_model("type"), "class Model: pass\n", "it is neither a zoo.Model nor a zoo.Preset"),
    "metadata": Broken(
        _model("metadata"),
        "",
        r"broken_metadata-1\.0\.dist-info cannot be read: METADATA is no UTF-8 text",
        listed=True,
        metadata=b"\xff\xfe\x00",
    ),
    "needy": Broken(
        _model("needy"),
        "import nowhere_to_be_had\n",
        r"requires nowhere-to-be-had>=3, which is not installed",
        requires=("nowhere-to-be-had>=3",),
    ),
    "noise": Broken(_metric("noise"), NOISE, "its import did not end within 7 s"),
    "exits": Broken(_model("exits"), "raise SystemExit(0)\n", "SystemExit: 0"),
    "thief": Broken("[zoo.metrics]\nvariance = broken_thief:Metric\n", METRIC, "ignored: a built-in name", listed=True),
    "dies": Broken(_metric("dies"), "os._exit(7)\n", r"its import ends the process \(exit code 7\)"),
    "crash": Broken(
        _model("crash"), "import signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", r"its import ends the process \(SIGSEGV\)"
    ),
    "meddler": Broken(
        _metric("meddler"),
        MEDDLING + METRIC,
        "its import changes the random state of Python, the random state of torch, torch's default type, the environment",
        effect=True,
    ),
    "value": Broken("[zoo.tasks]\nvalue = broken_value\n", "", "it must be module:object", listed=True),
    "nowhere": Broken(
        _model("nowhere", "broken_no_such_folder.inner"), "", "there is no module 'broken_no_such_folder'", listed=True
    ),
    "unfinished": Broken(_metric("unfinished"), "import zoo\nclass Metric(zoo.Metric): pass\n", "it lacks __call__"),
    "raises": Broken(_metric("raises"), FAILING, "", effect=True),
}


def install(site: Path) -> None:
    """All of them, in the folder ``site``."""
    for name, package in PACKAGES.items():
        module, files = f"broken_{name}", {}
        if package.package:
            files = {f"{module}/__init__.py": MARK, f"{module}/inner.py": package.code}
        elif name != "nowhere":
            files = {f"{module}.py": MARK + package.code}
        distribution(site, f"broken-{name}", package.points, files, requires=package.requires)
        if package.metadata is not None:
            (site / f"{module}-1.0.dist-info" / "METADATA").write_bytes(package.metadata)
