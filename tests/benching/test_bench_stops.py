"""What becomes of cells that fail, of benches that are stopped or killed, and of what is damaged in them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from calls import call_here
from processes import gone, wait
from toybenches import bench, stamps, went_on

import zoo
from zoo.benching import crew
from zoo.running import run as running
from zoo.utils.errors import RequestError

pytestmark = pytest.mark.usefixtures("toys", "no_figures")


def test_a_cell_that_fails_costs_the_others_nothing(tmp_path: Path, weak: Path) -> None:
    weak.write_text("fail 1")
    out = tmp_path / "out"
    words = ["bench", "--models", "sick,weak,random", "--tasks", "toy-shade", "--seeds", "2", "-n", "3", "--out", str(out)]
    words += ["--no-references"]
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


def test_a_cell_that_is_stopped_between_its_pictures_and_its_record_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, write = tmp_path / "out", running.write_json

    def full(path: Path, value: object) -> None:
        if path.name == "run.json":
            raise zoo.ZooError(f"cannot write {path}: No space left on device")
        write(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(running, "write_json", full)
        assert "No space left" in bench(out, models=["random"], seeds=1).failed[0]
    cell = out / "cells" / "toy-shade" / "random-s0"
    assert (cell / "pictures").is_dir()
    assert bench(out, models=["random"], seeds=1).failed == []
    assert (cell / "run.json").is_file()


def test_a_worker_that_can_write_no_log_says_why(tmp_path: Path) -> None:
    (tmp_path / "cells").touch()
    log = tmp_path / "cells" / "weak-s0.log"
    assert crew._answer({"log": str(log)}) == {"reason": f"cannot write {log}: File exists"}


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
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_bench_that_is_stopped_leaves_no_process_and_no_lock(tmp_path: Path, weak: Path, how: signal.Signals) -> None:
    weak.write_text("hang")
    out, note = tmp_path / "out", weak.with_suffix(".pid")
    words = ["bench", "toys", "--models", "weak", "--data", "toy-photos", "--seeds", "1", "--no-references", "--out", str(out)]
    process = subprocess.Popen([sys.executable, "-m", "zoo", *words], stderr=subprocess.PIPE, text=True)
    wait(lambda: note.exists() and note.read_text())
    with pytest.raises(RequestError, match=f"another bench works in .*process {process.pid}"):
        bench(out, models=["weak"], seeds=1)
    process.send_signal(how)
    err = process.communicate(timeout=20)[1]
    if how != signal.SIGKILL:
        assert process.returncode == 143
        assert err.splitlines()[-1].startswith(f"zoo: terminated; what is done is kept in {out}")
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


@pytest.mark.parametrize(
    "name", ["cell.json", "run.json", "metrics.json", "values.safetensors", "pictures/names.json", "pictures/0-x.png"]
)
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
