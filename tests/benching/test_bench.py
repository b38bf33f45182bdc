"""A whole bench: what it leaves, what it takes as done, and what becomes of cells that fail, are killed or are asked anew."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy
from calls import call_here
from installed import distribution
from PIL import Image
from processes import gone, wait

import zoo
from zoo.utils.errors import RequestError

SUITE = """
schema = 1
title = "Toys | beside each other"
models = ["random", "toy-wide", "weak"]
metrics = ["toy-best@1", "toy-best@3", "toy-best@9", "toy-density"]
seeds = 2
n = 9
items = 5
scatter = { x = "toy-best@1", y = "toy-best" }
tasks = { toy-shade = ["toy-photos"], relight = ["scenes"] }
quick = { seeds = 1, n = 3, items = 2, settings = { "toy-wide.spread" = 0.05 } }
"""

WEAK = '''
"""A model that does what the file named by WEAK says: fail, die, or hang; else what toy does."""
import os, signal, time
from pathlib import Path
from toy_zoo import Toy
from zoo.utils.errors import ZooError

class Weak(Toy):
    def fit(self, pairs, *, resume, seed, **more):
        again = (resume / "state").exists()
        super().fit(pairs, resume=resume, **more)
        path = Path(os.environ.get("WEAK", ""))
        what, only = (path.read_text().split() + ["", ""])[:2] if path.is_file() else ("", "")
        if what == "hang":
            path.with_suffix(".pid").write_text(str(os.getpid()))
            try:
                time.sleep(60)
            finally:
                (resume / "last").touch()
        if not only or int(only) == seed:
            if what == "fail":
                raise ZooError("the weak\\nmodel diverged")
            if what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
        return {"again": again}
'''


@pytest.fixture(scope="module", autouse=True)
def _toys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The toy plugin, a weak model beside it, and a suite of them."""
    site = tmp_path_factory.mktemp("site")
    points = "[zoo.models]\nweak = weak_zoo:Weak\nsick = not_there_at_all:Model\n"
    registry = {"registry.toml": "schema = 1\n", "suites/toys.toml": SUITE}
    distribution(site, "weak", points, {"weak_zoo.py": WEAK, **registry})
    with pytest.MonkeyPatch.context() as patch:
        toy.install(patch)
        patch.syspath_prepend(str(site))
        patch.setenv("PYTHONPATH", f"{site}{os.pathsep}{toy.FOLDER}")
        patch.setenv("ZOO_REGISTRY", str(site / "registry.toml"))
        patch.setenv("WEAK", str(site / "weak"))
        yield site
    sys.modules.pop("weak_zoo", None)
    toy.remove()


@pytest.fixture
def weak(_toys: Path) -> Iterator[Path]:
    """Where it is written how the weak model ends."""
    yield _toys / "weak"
    (_toys / "weak").unlink(missing_ok=True)
    (_toys / "weak.pid").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of this process are left out: drawing takes longer than all the rest, and the other processes do it."""
    monkeypatch.setattr("zoo.reporting.report.sheet", lambda *_: Image.new("RGB", (1, 1)))
    for name in ("reporting.report.curve_svg", "benching.plots.scatter", "benching.plots.curves"):
        monkeypatch.setattr(f"zoo.{name}", lambda *_: "")


def bench(out: Path | None, *, suite: str | None = "toys", **more: Any) -> zoo.BenchResult:
    given: dict[str, Any] = {"data": "toy-photos", "models": ["random", "toy-wide"], "workers": 0, "device": "cpu"}
    return zoo.bench(suite, out=out, **{**given, "progress": False, **more})


@pytest.fixture(scope="module")
def whole(_toys: Path, tmp_path_factory: pytest.TempPathFactory) -> zoo.BenchResult:
    """Two models, one task, two seeds, in two worker processes."""
    return bench(tmp_path_factory.mktemp("whole") / "out", workers=2)


def went_on(cell: Path) -> bool:
    """Whether a weak model found the state of a fit that was stopped."""
    return json.loads((cell / "run.json").read_text())["history"]["again"]


def stamps(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted((out / "cells").rglob("*")) if path.is_file()}


def test_a_bench_leaves_everything(whole: zoo.BenchResult) -> None:
    assert whole.failed == []
    figures = ["curves-toy-shade.png", "grid-toy-shade.png", "scatter-toy-shade.png"]
    names = ["bench.csv", "bench.json", "bench.md", "cells", *figures, "report.html"]
    assert sorted(path.name for path in whole.out.iterdir()) == sorted(names)
    cells = sorted(path.name for path in (whole.out / "cells" / "toy-shade").iterdir())
    assert cells == ["random-s0", "random-s1", "toy-wide-s0", "toy-wide-s1"]
    written = json.loads((whole.out / "bench.json").read_text())
    assert written == whole.bench
    asked = {"suite": "toys", "n": 9, "items": 5, "seeds": [0, 1], "tasks": ["toy-shade"], "models": ["random", "toy-wide"]}
    assert asked.items() <= written.items()
    assert written["quick"] is False
    assert written["data"]["toy-shade"]["seeds"]["0"]["test"] == {"items": 5, "digest": ("test" * 40)[:64]}
    assert written["commit"]
    assert written["versions"]["torch"]
    for cell in written["cells"]:
        assert (cell["status"], cell["test_items"]) == ("done", 5)
        assert {"fit", "evaluate"} <= cell["seconds"].keys()
        assert (whole.out / cell["folder"] / "checkpoint" / "model.safetensors").is_file()
    assert len(written["published"]) == 1


def test_a_cell_is_what_run_gives(whole: zoo.BenchResult, tmp_path: Path) -> None:
    run = zoo.run(
        "toy-wide", "toy-shade", "toy-photos", n=9, items=5, seed=1, device="cpu", out=tmp_path / "a", progress=False,
        metrics=["toy-best", "toy-density"],
    )  # fmt: skip
    assert json.loads((whole.out / "cells/toy-shade/toy-wide-s1/metrics.json").read_text()) == run.metrics
    assert run.metrics["test_items"] == 5


def test_json_csv_and_markdown_say_the_same(whole: zoo.BenchResult) -> None:
    table = {(row["model"], row["metric"]): row for row in whole.bench["table"]}
    assert len(table) == 3 + 4, "random has no density"
    lines = list(csv.DictReader((whole.out / "bench.csv").read_text().splitlines()))
    assert len(lines) == 3 * len(table)
    for line in lines:
        row = table[line["model"], line["metric"]]
        if line["seed"] == "all":
            assert [float(line[key]) for key in ("mean", "low", "high")] == [row[key] for key in ("mean", "low", "high")]
            assert line["published"] == ("" if row["published"] is None else str(row["published"]))
        else:
            assert float(line["mean"]) == row["seeds"][line["seed"]]["value"]
    text = (whole.out / "bench.md").read_text()
    heads, _, random, wide = (line.split(" | ") for line in text.splitlines() if line.startswith("| "))
    assert heads[1:5] == ["toy-best@1", "published", "toy-best@3", "toy-best@9"]
    assert f"{table['toy-wide', 'toy-best@9']['mean']:.4g} ± " in wide[4]
    assert (wide[0], wide[2], wide[5], random[6]) == ("| toy-wide", "0.5 [1]", "0.25 [1]", "–")
    for word in ("[1] The Toy Paper, Table 9 (a toy's data, n = 9).", "toy-photos", "5 test items", whole.bench["commit"]):
        assert word in text, word


def test_the_pictures_show_something(whole: zoo.BenchResult) -> None:
    for kind, width, height in (("scatter", 1500, 600), ("curves", 1000, 600), ("grid", 1900, 400)):
        image = Image.open(whole.out / f"{kind}-toy-shade.png")
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("RGB"))
        assert (pixels.shape[0] > height, pixels.shape[1] > width) == (True, True)
        assert pixels.std() > 8, kind
        assert (pixels == 255).all(2).mean() < 0.97, kind
    columns = np.flatnonzero((pixels[-120:-40] != 255).any((0, 2)))
    assert columns.max() > pixels.shape[1] - 60, "the last sample of the last item is there"


def test_the_report_is_one_page_that_needs_no_network(whole: zoo.BenchResult) -> None:
    page = (whole.out / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,60})', page)
    assert sum(source.startswith("data:image/png") for source in sources) == 3
    links = [source for source in sources if not source.startswith("data:")]
    assert len(links) == 4
    assert all((whole.out / link).is_file() for link in links)
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    for word in ("Toys | beside each other", "zoo bench toys", "toy-best@9", "The Toy Paper", "0.25"):
        assert word in page, word


def test_only_what_was_asked_otherwise_is_done_again(
    whole: zoo.BenchResult, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = Path(shutil.copytree(whole.out, tmp_path / "out"))
    before = stamps(out)
    again = bench(out, progress=True)
    assert stamps(out) == before
    assert (again.reused, again.bench["table"]) == (4, whole.bench["table"])
    assert "4 of 4 runs are done already" in capfd.readouterr().err
    result = bench(out, settings={"spread": 0.2}, progress=True)
    assert "toy-shade toy-wide seed 1: done again, because config spread was 0.4, is 0.2" in capfd.readouterr().err
    assert result.reused == 2, "random has no spread"
    changed = {path for path, stamp in stamps(out).items() if before.get(path) != stamp}
    assert changed
    assert all("toy-wide" in path for path in changed)
    assert result.bench["cells"][1]["config"]["model"]["spread"] == 0.2
    assert bench(out, settings={"spread": 0.2}, items=3).reused == 0


def test_more_seeds_take_those_that_are_done(tmp_path: Path) -> None:
    for seeds, reused, interval in ((1, 0, "bootstrap over items"), (2, 1, "student t over seeds")):
        result = bench(tmp_path / "out", models=["random"], seeds=seeds)
        assert (result.reused, result.bench["table"][0]["interval"]) == (reused, interval)


def test_a_cell_that_fails_costs_the_others_nothing(tmp_path: Path, weak: Path) -> None:
    weak.write_text("fail 1")
    out = tmp_path / "out"
    words = ["bench", "--models", "sick,weak,random", "--tasks", "toy-shade", "--seeds", "2", "-n", "3", "--out", str(out)]
    code, printed, err, _ = call_here(*words, "--workers", "0")
    assert code == 1
    assert "3 of 6 runs failed" in err.splitlines()[-1]
    assert "toy-shade weak seed 1: the weak model diverged" in err
    assert "sick" in err
    rows = {line.split()[0]: line for line in printed.splitlines() if line.strip()}
    assert ["failed" in rows[model] for model in ("sick", "weak", "random")] == [True, True, False]
    assert "weak (1 of 2 seeds failed)" in rows["weak"]
    cells = json.loads((out / "bench.json").read_text())["cells"]
    done = {(cell["model"], cell["seed"]) for cell in cells if cell["status"] == "done"}
    assert done == {("weak", 0), ("random", 0), ("random", 1)}
    assert "weak with seed 1 failed: the weak model diverged" in (out / "bench.md").read_text()
    weak.write_text("")
    again = bench(out, suite=None, data=None, models=["weak", "random"], tasks=["toy-shade"], seeds=2, n=3)
    assert (again.failed, again.reused) == ([], 3)


def test_a_stopped_cell_begins_anew_where_the_data_has_changed(
    tmp_path: Path, weak: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    weak.write_text("fail")
    out = tmp_path / "out"
    assert len(bench(out, models=["weak"], seeds=1).failed) == 1
    note = out / "cells/toy-shade/weak-s0.begun.json"
    old = json.loads(note.read_text())
    assert old["digests"]["train"] == ("train" * 40)[:64]
    note.write_text(json.dumps({**old, "digests": {**old["digests"], "train": "other"}}))
    weak.write_text("")
    assert bench(out, models=["weak"], seeds=1, progress=True).failed == []
    assert 'done again, because digests train was "other"' in capfd.readouterr().err
    assert not went_on(out / "cells/toy-shade/weak-s0")
    assert not note.exists()


def test_a_bench_of_which_nothing_could_be_done_says_so(tmp_path: Path) -> None:
    result = bench(tmp_path / "out", suite=None, models=["sick"], tasks=["toy-shade"], seeds=1)
    assert "weak 1.0 is broken" in result.failed[0]
    assert "| sick | failed |" in (tmp_path / "out" / "bench.md").read_text()
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_process_that_is_killed_costs_its_own_cell_and_is_gone_on_with(tmp_path: Path, weak: Path) -> None:
    weak.write_text("die 0")
    out = tmp_path / "out"
    result = bench(out, models=["weak", "random"], seeds=1, workers=1)
    (failed,) = result.failed
    assert "SIGKILL" in failed
    assert {cell["model"]: cell["status"] for cell in result.bench["cells"]} == {"weak": "failed", "random": "done"}
    assert (out / "cells/toy-shade/weak-s0/training/state/state").is_file()
    weak.write_text("")
    again = bench(out, models=["weak", "random"], seeds=1)
    assert (again.failed, again.reused) == ([], 1)
    assert went_on(out / "cells/toy-shade/weak-s0")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_bench_that_is_stopped_leaves_no_process_and_no_lock(tmp_path: Path, weak: Path, how: signal.Signals) -> None:
    weak.write_text("hang")
    out, note = tmp_path / "out", weak.with_suffix(".pid")
    words = ["bench", "toys", "--models", "weak", "--data", "toy-photos", "--seeds", "1", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", *words],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which a background job of a shell ignores
    )
    wait(lambda: note.exists() and note.read_text())
    with pytest.raises(RequestError, match=f"another bench works in .*process {process.pid}"):
        bench(out, models=["weak"], seeds=1)
    process.send_signal(how)
    err = process.communicate(timeout=20)[1]
    if how != signal.SIGKILL:
        code, word = {signal.SIGINT: (130, "stopped"), signal.SIGTERM: (143, "terminated")}[how]
        assert process.returncode == code
        assert err.splitlines()[-1].startswith(f"zoo: {word}; what is done is kept in {out}")
        assert (out / "cells/toy-shade/weak-s0/training/state/last").is_file(), "its fit had no time for the state"
    wait(lambda: gone(int(note.read_text())))
    weak.write_text("")
    assert bench(out, models=["weak"], seeds=1).failed == []
    assert went_on(out / "cells/toy-shade/weak-s0")


def test_a_cell_that_was_killed_at_its_very_end_is_not_done_again(whole: zoo.BenchResult, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole.out, tmp_path / "out"))
    cell = out / "cells/toy-shade/toy-wide-s1"
    begun = cell.with_name("toy-wide-s1.begun.json")
    begun.write_text(json.dumps(json.loads((cell / "cell.json").read_text())["request"]))
    (cell / "cell.json").unlink()
    before = stamps(out)
    result = bench(out)
    assert (result.failed, result.reused, result.bench["table"]) == ([], 3, whole.bench["table"])
    assert (cell / "cell.json").is_file()
    assert not begun.exists()
    after = stamps(out)
    assert {path for path in after if after[path] != before.get(path)} == {str(cell / "cell.json")}


@pytest.mark.parametrize("name", ["cell.json", "run.json", "metrics.json", "pictures/names.json", "pictures/0-x.png"])
@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"metrics": {"toy-best@1": {"value": NaN}}, "items": 3}', None])
def test_what_is_damaged_in_a_cell_stops_no_bench(
    whole: zoo.BenchResult, tmp_path: Path, name: str, content: bytes | None
) -> None:
    out = Path(shutil.copytree(whole.out, tmp_path / "out"))
    path = out / "cells/toy-shade/toy-wide-s0" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    elif hasattr(os, "mkfifo"):
        os.mkfifo(path)
    result = bench(out)
    assert (result.failed, result.bench["table"]) == ([], whole.bench["table"])
    assert result.reused == (4 if name.startswith("pictures") else 3)


def test_the_quick_form_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = bench(None, quick=True)
    assert result.out == Path("runs/bench-toys-toy-photos-quick")
    content = result.bench
    assert (content["seeds"], content["n"], content["items"], content["quick"]) == ([0], 3, 2, True)
    assert "Quick form." in (result.out / "bench.md").read_text()
    assert {cell["model"]: cell["config"]["model"] for cell in content["cells"]}["toy-wide"]["spread"] == 0.05
    assert "--quick" in content["command"]
    assert {row["metric"] for row in content["table"] if row["model"] == "random"} == {"toy-best@1", "toy-best@3"}
    assert bench(None, quick=True, models=["random"]).reused == 1, "the suite's settings of a model that is left out"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"suite": "toyz"}, "did you mean 'toys'"),
        ({"suite": None, "models": None}, "name a suite (attribute-paper, cdvae-paper, cgml-paper, toy-paper, toys), or"),
        ({"models": ["toi"]}, "did you mean 'toy'"),
        ({"models": ["toy", ""]}, "names with commas"),
        ({"tasks": ["toy-shades"]}, "did you mean 'toy-shade'"),
        ({"suite": "plain"}, "names no tasks"),
        ({"data": "toy-photo"}, "did you mean 'toy-photos'"),
        ({"data": "folder:x"}, "no task for data of kind 'folder'; its kinds: scenes, toy-photos"),
        ({"data": "toy-photos:missing"}, "is no folder"),
        ({"n": 0}, "n is 0"),
        ({"seeds": 0}, "seeds is 0"),
        ({"items": -3}, "items is -3"),
        ({"workers": -1}, "workers is -1"),
        ({"device": "tpu"}, "device"),
        ({"settings": {"spred": 1}}, "did you mean 'spread'"),
        ({"settings": {"spread": -1}}, "at least 0"),
        ({"settings": {"toy-wide.spred": 1}}, "did you mean 'spread'"),
        ({"settings": {"nobody.spread": 1}}, "MODEL.KEY"),
        ({"settings": {"task.sise": 1}}, "did you mean 'task.size'"),
        ({"settings": {"training.stepz": 1}}, "did you mean 'steps'"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=re.escape(message)) as caught:
        bench(**{"out": tmp_path / "out", **wrong})
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    cell = tmp_path / "bench/cells/toy-shade/random-s0"
    for folder in (tmp_path / "full", cell):
        folder.mkdir(parents=True)
        (folder / "thesis.tex").touch()
    (tmp_path / "file").touch()
    messages = {"full": "holds no bench", "file": "is a file", "file/in": "cannot be made", "bench": "in the way"}
    for out, message in messages.items():
        with pytest.raises(RequestError, match=message):
            bench(tmp_path / out)
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["file", "thesis.tex", "thesis.tex"]


def test_the_default_folder_is_not_taken_from_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = bench(None, models=["random"], seeds=1)
    before = stamps(first.out)
    with pytest.raises(RequestError, match="holds a bench of other data"):
        bench(None, models=["random"], seeds=1, data="toy-photos:more")
    assert stamps(first.out) == before
    assert not (first.out / ".lock").exists()


def test_names_select_from_a_suite_or_replace_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.benching.plan import BenchRequest, resolve

    def rows(suite: str | None, data: str | None, models: Any, tasks: Any) -> tuple[Any, Any, Any]:
        plan = resolve(BenchRequest(suite, data, models, tasks))
        return plan.models, plan.tasks, str(plan.out)

    monkeypatch.chdir(tmp_path)
    own = ("random", "toy-wide", "weak")
    assert rows("toys", "toy-photos", None, None) == (own, ("toy-shade",), "runs/bench-toys-toy-photos")
    assert rows("toys", "scenes:50", None, None) == (own, ("relight",), "runs/bench-toys-scenes")
    assert rows("toys", None, ["weak", "random"], None)[:2] == (("random", "weak"), ("toy-shade", "relight"))
    assert rows("toys", None, ["toy", "random"], None)[0] == ("toy", "random")
    assert rows("toys", "scenes", None, ["toy-shade"])[1] == ("toy-shade",), "named tasks are done whatever the data"
    assert rows(None, None, ["toy"], ["toy-shade"]) == (("toy",), ("toy-shade",), "runs/bench-plain-toy-photos")
    paper = {kind: rows("cdvae-paper", kind, None, None)[1] for kind in ("scenes", "folder:x", "coco:x")}
    assert paper["folder:x"] == paper["coco:x"] == ("relight", "resaturate")
    assert set(paper["scenes"]) == {"relight", "resaturate", "motion"}
    assert rows("cdvae-paper", "video:x", None, None)[1] == ("motion",)
    assert len(rows("cdvae-paper", None, None, None)[0]) == 11
