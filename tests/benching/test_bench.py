"""A whole bench: what it leaves, and what it takes as done where it is asked anew."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toybenches import bench, stamps

import zoo
from zoo.benching.forms import difference
from zoo.benching.layout import plan_cells
from zoo.benching.plan import BenchRequest, resolve
from zoo.utils.errors import RequestError

pytestmark = pytest.mark.usefixtures("toys", "no_figures")


def test_a_bench_leaves_everything(whole: zoo.BenchResult) -> None:
    assert whole.failed == []
    figures = ["curves-toy-shade.png", "grid-toy-shade.png", "scatter-toy-shade.png"]
    names = ["bench.csv", "bench.json", "bench.md", "cells", *figures, "ranks.png", "report.html"]
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
    heads, _, random, wide, *_ = (line.split(" | ") for line in text.splitlines() if line.startswith("| "))
    assert heads[1:5] == ["toy-best@1", "published", "toy-best@3", "toy-best@9"]
    assert f"{table['toy-wide', 'toy-best@9']['mean']:.4g} ± " in wide[4]
    assert (wide[0], wide[2], wide[5], random[6]) == ("| toy-wide", "0.5 [1]", "0.25 [1]", "–")
    for word in ("[1] The Toy Paper, Table 9 (a toy's data, n = 9).", "toy-photos", "5 test items", whole.bench["commit"]):
        assert word in text, word


def test_a_bench_at_hand_is_a_line_a_table_and_a_small_page(whole: zoo.BenchResult) -> None:
    assert repr(whole) == f"BenchResult({str(whole.out)!r}: 2 models on toy-shade, 4 runs)"
    assert repr(zoo.BenchResult.read(whole.out)) == repr(whole)
    with pytest.raises(RequestError, match="holds no finished bench"):
        zoo.BenchResult.read(whole.out / "cells")
    page = whole._repr_html_()
    assert len(page) < 200_000
    assert all(word in page for word in ("toy-best@", "2 seeds", str(whole.out)))
    pytest.importorskip("pandas", reason="pandas is not installed: pip install -e '.[dev]'")
    table, seeds = whole.to_pandas(), whole.to_pandas(seeds=True)
    assert table["mean"].tolist() == [row["mean"] for row in whole.bench["table"]]
    assert sorted(set(seeds["seed"])) == [0, 1]
    with pytest.raises(RequestError, match="did you mean 'toy-shade'"):
        whole.to_latex("toy-shad")
    with pytest.raises(RequestError, match="no metric 'toy-bes'"):
        whole.to_latex(metrics="toy-bes")


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
    assert sum(source.startswith("data:image/png") for source in sources) == 4
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
    why = "with the fit that is there, because config spread was 0.4, is 0.2"
    assert f"toy-shade toy-wide seed 1: done again, {why}" in capfd.readouterr().err
    assert result.reused == 2, "random has no spread"
    changed = {path for path, stamp in stamps(out).items() if before.get(path) != stamp}
    assert changed
    assert all("toy-wide" in path for path in changed)
    assert result.bench["cells"][1]["config"]["model"]["spread"] == 0.2
    assert bench(out, settings={"spread": 0.2}, items=3).reused == 0


def test_a_setting_that_is_not_given_any_more_makes_a_difference() -> None:
    assert difference({"n": 3, "training": {"steps": 5}}, {"training": {}}) == "training steps was 5, is not given"
    assert difference({"training": {}}, {"training": {"clip": None}}) == "training clip was not given, is null"
    assert difference({"config": {"a": {"b": 1}}}, {"config": {"a": {"b": 2}}}) == "config a b was 1, is 2"
    assert difference({"n": 3, "training": {}}, {"training": {}}) == "", "older records may tell more"


def test_a_setting_that_came_later_was_at_its_default(whole: zoo.BenchResult, tmp_path: Path) -> None:
    def looked() -> list[tuple[str, str]]:
        asked = {"data": "toy-photos", "models": ["random", "toy-wide"], "device": "cpu", "references": False}
        plan_cells(plan := resolve(BenchRequest("toys", out=str(out), **asked)))
        return [(cell.status, cell.reason) for cell in plan.cells]

    def lacks(path: Path, part: str, name: str) -> None:
        record = json.loads(path.read_text())
        del record["request"][part][name]
        path.write_text(json.dumps(record))

    out = Path(shutil.copytree(whole.out, tmp_path / "out"))
    for path in (out / "cells").glob("*/*/cell.json"):
        lacks(path, "task_config", "size")
    assert looked() == [("done", "")] * 4
    lacks(out / "cells/toy-shade/toy-wide-s0/cell.json", "config", "layers")
    assert looked()[1] == ("new", "config layers was 1, is 2"), "a preset sets it, and not to its default"


def test_what_is_tied_is_found_item_by_item_where_all_have_values(whole: zoo.BenchResult, tmp_path: Path) -> None:
    def tied(result: zoo.BenchResult) -> dict[tuple[str, str], bool | None]:
        return {(row["model"], row["metric"]): row["tied"] for row in result.bench["table"]}

    found = tied(whole)
    assert set(found.values()) <= {True, False, None}
    assert all(found["random", name] or found["toy-wide", name] for name in ("toy-best@1", "toy-best@3", "toy-best@9"))
    assert found["toy-wide", "toy-density"] is None, "it alone has one"
    out = Path(shutil.copytree(whole.out, tmp_path / "out"))
    (out / "cells/toy-shade/random-s1/values.safetensors").unlink()  # as left by a version that kept none
    again = bench(out)
    assert again.reused == 4
    assert set(tied(again).values()) == {None}
    assert "≈" not in (out / "bench.md").read_text(encoding="utf-8")


def test_more_seeds_take_those_that_are_done(tmp_path: Path) -> None:
    for seeds, reused, interval in ((1, 0, "bootstrap over items"), (2, 1, "bootstrap over seeds and items")):
        result = bench(tmp_path / "out", models=["random"], seeds=seeds)
        assert (result.reused, result.bench["table"][0]["interval"]) == (reused, interval)


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
