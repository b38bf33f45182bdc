"""Command lines, fuzzed: every command, with words and values of options in place of good ones."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

from fuzz import Wrong
from hypothesis import strategies as st
from model_targets import Checkpoints
from mutations import WORDS
from targets import Target, photo

import zoo
from zoo import cli


class CommandLines(Target):
    """Words of the command line: every command, with words and values of options in place of good ones."""

    kind = "words"
    weight = 2.0
    checkpoint: Path

    def make(self, folder: Path) -> None:
        self.checkpoint = self.root / "weights"
        Checkpoints.make(self, self.checkpoint)
        folder.mkdir()
        photo().save(folder / "photo.png")

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        few = ("-n", "2", "--items", "2", "--metric", "error_of_best", "--out", "o")
        run = ("run", "--model", "random", "--task", "toy", *few)
        more = ("--seed", "1", "--epochs", "1", "--set", "training.steps=2", "--device", "cpu", "--data", "branches")
        bench = (
            "bench",
            "--no-references",
            "--models",
            "random",
            "--tasks",
            "toy",
            "--seeds",
            "1",
            "-n",
            "2",
            "--items",
            "2",
            "--workers",
            "0",
        )
        good = (
            (*run, *more),
            (*run, "--json"),
            ("run", "--checkpoint", f"dir:{self.checkpoint}", *few),
            (*bench, "--out", "o", "--set", "seed=1"),
            ("sample", f"dir:{self.checkpoint}", "0.5", "-n", "2", "--seed", "3", "--out", "o", "--device", "cpu"),
            ("sample", f"dir:{self.checkpoint}", "0.5", "-n", "2", "--distinct", "1", "--jpeg", "9", "--gif", "--out", "o"),
            (
                "sample",
                "relight",
                "photo.png",
                "-n",
                "1",
                "--strength",
                "0.5",
                "--size",
                "32",
                "--out",
                "o",
                "--device",
                "cpu",
            ),
            ("list", "models", "tasks"),
            ("list", "checkpoints"),
            ("show", "nn"),
            ("show", "cvae/relight"),
            ("verify", f"dir:{self.checkpoint}"),
            ("pull", "org/name@main", "--out", "o"),
            ("push", "photo.png", "org/name", "--licence", "MIT", "-m", "words"),
            ("check", "nothing", "--only", "it_is_described"),
            ("new", "plugin", "zoo-tides", "--out", "o"),
            ("cite", "nn", "relight", "cvae/relight"),
            (*bench, "--out", "o", "--sweep", "seed=1,2", "--metric", "variance"),
        )
        word = st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)
        change = st.tuples(st.sampled_from(("put", "put", "drop", "add")), st.integers(1, 40), word)
        self.cases = st.tuples(st.sampled_from(good), st.lists(change, min_size=1, max_size=2))

    def put(self, folder: Path, case: Any) -> None:
        (folder / "photo.png").write_bytes(self.good["photo.png"])

    def use(self, folder: Path, case: Any) -> None:
        if case is None:
            return
        words = list(case[0])
        for op, at, word in case[1]:
            place = 1 + at % len(words)
            if op != "add" and place == len(words):
                place -= 1
            if words[place - 1 : place] != ["--workers"]:  # nobody is to start a million processes
                words[place : place + (op != "add")] = [] if op == "drop" else [word]
        before, here = sys.argv, Path.cwd()
        sys.argv, code = ["zoo", *words], None
        out, err = io.StringIO(), io.StringIO()
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                cli.main()
        except SystemExit as left:
            code = left.code
        finally:
            os.chdir(here)
            sys.argv = before
        said = [text for text in err.getvalue().splitlines() if not text.startswith("zoo: ") or "Warning" not in text]
        if code not in (0, 1, 2) or "Traceback" in err.getvalue():
            raise Wrong(f"{words} ended with {code}: {err.getvalue()[-200:]}")
        if hidden := re.search(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]", out.getvalue() + err.getvalue()):
            raise Wrong(f"{words} printed {hidden[0]!r}")
        if code and not said:
            raise Wrong(f"{words} ended with {code} without a word")
        if code:
            raise zoo.ZooError(said[-1])
