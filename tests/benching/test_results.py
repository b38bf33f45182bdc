"""The pages of results: from a bench to its summary, with the claims tested, and from the summaries to pages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from snippets import ROOT

import zoo
from zoo.reporting.pages import number

CLAIMS = """
schema = 1
[purposes]
toy-best = "one near the truth"
toy-density = "a density"
[pages.toys]
title = "Toys"
about = "Toys of toys."
columns = ["toy-best", "toy-density", "no-such-metric"]
claims = [
  { says = "Narrow is nearer", better = "toy-wide", than = "random", metric = "toy-best" },
  { says = "Wide is nearer", better = "random", than = "toy-wide", metric = "toy-best" },
  { says = "Nobody made it", better = "toy-wide", than = "none", metric = "toy-best" },
]
"""


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import results

    return results


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "claims.toml").write_text(CLAIMS)
    return tmp_path


def told(results: ModuleType, folder: Path, out: Path) -> dict[str, Any]:
    return results.summary(out, results.pages(folder)["toys"], "toys", "Toy photos")


def test_a_bench_becomes_a_page(results: ModuleType, folder: Path, whole: zoo.BenchResult) -> None:
    kept = told(results, folder, whole.out)
    heard = {"metric": "x_gain@toy-best", "better": "higher", "mean": 2.0, "high": 3.0, "interval": "over items", "tied": None}
    kept["table"] += [{"task": "toy-shade", "model": m, "low": low, **heard} for m, low in (("random", -1), ("toy-wide", 1))]
    kept["columns"]["toy-shade"].append("x_gain@toy-best")
    for cell in kept["cells"]:
        if cell["model"] == "toy-wide":
            cell["verdict"] = {"word": "wrong", "faults": ["too narrow"] * (cell["seed"] == 0), "text": "It is too narrow."}
    assert "toy-density" not in kept["ranked"]
    kept["ranked"] = ["toy-best@9"]
    kept["ranks"] = {"toy-best@9": {"means": {"random": 2.0, "toy-wide": 1.0}, "blocks": 2, "critical": 1.386}}
    for row in kept["table"]:
        row["tied"] = row["model"] == "toy-wide" if row["metric"] == "toy-best@9" else True
    (folder / "toy.json").write_text(json.dumps(kept))
    text = results.made(folder)["toys.md"]
    assert "[Toy photos](results/toys.md#toy-photos)" in results.made(folder)[f"../{folder.name}.md"]
    rows = {(row["model"], row["metric"]): row for row in whole.bench["table"]}
    assert kept["columns"] == {"toy-shade": ["toy-best@9", "toy-density", "x_gain@toy-best"]}
    assert "it is shown of `toy-wide` that they listen to x (the interval is above 0); it is not shown of `random`." in text
    assert "\n\nBy toy-best@9 `toy-wide` is better than all others.\n\n" in text
    assert text.count("≈") == 1, "the legend: what models are not ranked by has no best"
    assert "1 the best: `toy-wide` 1, `random` 2. Two models differ where these do by more than 1.4 (" in text
    assert "The verdict on `toy-wide`, seed 0: It is too narrow." in text
    assert "- `toy-wide`: too narrow (1 of 2)" in text
    assert number(rows["toy-wide", "toy-best@9"]["mean"]) in text
    assert whole.bench["commit"] in text
    assert "## Toy photos" in text
    assert not [word for word in (str(whole.out), str(ROOT)) if word in json.dumps(kept) + text]


def test_a_claim_is_what_the_paired_test_says(results: ModuleType, folder: Path, whole: zoo.BenchResult) -> None:
    """Once with the bench's own values, once with those in which one model is better at every item."""
    import result_pages
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    own = told(results, folder, whole.out)["claims"]
    assert [(claim["better"], claim["metric"]) for claim in own] == [("toy-wide", "toy-best@9"), ("random", "toy-best@9")]
    assert own[0]["value"] == pytest.approx(-own[1]["value"])
    out = folder / "out"
    shutil.copytree(whole.out, out)
    for seed in range(2):
        ours, theirs = (
            out / "cells" / "toy-shade" / f"{name}-s{seed}" / "values.safetensors" for name in ("toy-wide", "random")
        )
        with safe_open(theirs, "pt") as file:
            metadata = file.metadata()
        values, less = load_file(theirs), load_file(ours)
        save_file({name: less[name] + (1 if "best" in name else 0) for name in values}, theirs, metadata)
    first, second = told(results, folder, out)["claims"]
    assert (first["word"], second["word"]) == ("holds", "not")
    assert first["value"] == pytest.approx(-1)
    assert "**holds**; the difference is -1 " in result_pages.sentence(first)
    for path in out.rglob("values.safetensors"):
        path.unlink()
    assert [claim["word"] for claim in told(results, folder, out)["claims"]] == ["open", "open"]


def test_how_much_fits_vary_is_told_from_all_models_of_the_table(
    results: ModuleType, folder: Path, whole: zoo.BenchResult
) -> None:
    """Two seeds of two models say next to nothing of it; those of six do, as for what is tied in the table."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    out = folder / "out"
    shutil.copytree(whole.out, out)
    bench = json.loads((out / "bench.json").read_text())
    metadata, values = {}, {}
    for seed in range(2):
        file = out / "cells" / "toy-shade" / f"toy-wide-s{seed}" / "values.safetensors"
        with safe_open(file, "pt") as opened:
            metadata[seed], values[seed] = opened.metadata(), load_file(file)
    draw = torch.Generator().manual_seed(0)
    names = ("toy-wide", "random", "a", "b", "c", "d")
    bench["cells"] = []
    for name in names:
        for seed in range(2):
            cell = out / f"{name}-{seed}"
            cell.mkdir()
            own = {key: value + 0.02 * torch.randn((), generator=draw).item() for key, value in values[seed].items()}
            own = {key: value + (0.4 if name == "random" else 0.0) for key, value in own.items()}
            save_file(own, cell / "values.safetensors", metadata[seed])
            bench["cells"].append({"task": "toy-shade", "model": name, "seed": seed, "status": "done", "folder": cell.name})
    claims = results.pages(folder)["toys"].claims

    def p(models: tuple[str, ...]) -> float:
        return float(results.tested(bench | {"models": models, "references": []}, out, claims)[0]["p"])

    assert p(names) < 0.05 < p(names[:2])


def bench(name: str, scores: dict[str, float], tied: str, deaf: str = "", **more: Any) -> dict[str, Any]:
    """What is kept of a bench of one task and one score; models by one letter, ``r`` is a reference answer."""
    rows = [
        {
            "task": "t",
            "model": m,
            "metric": "best@9",
            "better": "lower",
            "mean": value,
            "tied": m in tied if m != "r" else None,
        }
        for m, value in scores.items()
    ]
    rows += [{"task": "t", "model": m, "metric": "x_gain@best@9", "low": -1 if m in deaf else 1} for m in scores]
    cells = [{"task": "t", "model": m, "verdict": {"word": "", "faults": ["off"] * (m == "b")}} for m in scores]
    claims = [{"task": "t", "says": "A is nearer", "better": "a", "than": "b", "word": more.pop("word", "open")}]
    kept = {
        "page": "toys",
        "heading": name,
        "columns": {"t": ["best@9"]},
        "ranked": ["best@9"],
        "references": ["r"],
        "seeds": 1,
    }
    return kept | {"table": rows, "cells": cells, "claims": claims} | more


def test_the_summary_says_what_all_benches_say(results: ModuleType) -> None:
    kept = [
        bench("First", {"a": 1.0, "b": 2.0, "c": 3.0, "r": 9.0}, "a", word="holds", fair=40),
        bench("Second", {"a": 2.0, "b": 1.0, "c": 3.0, "r": 0.5}, "ab", deaf="b", word="not"),
        bench("All alike", {"a": 1.0, "b": 1.0, "c": 1.0, "r": 9.0}, "abc"),
        bench("Only quick", {"a": 9.0, "b": 1.0, "c": 9.0, "r": 9.0}, "b", quick=True),
    ]
    text = results.summary_text({"toys": "Results: toys"}, {"best": "near the truth", "other": "else"}, kept)
    assert "take `a`: by `best` it is the best, or cannot be told from the best, in 2 of the 2 tables" in text
    assert (
        "| [First](results/toys.md#first): t, 40 s a fit, 1 seed | **a** |  | 3 of 3 models | 1 hold, 0 not, 0 open |" in text
    )
    assert "| [Second](results/toys.md#second): t, fits as long as each model asks for, 1 seed | b *and 1 other* † |" in text
    assert "- **Near the truth** (`best`), 2 tables: `a` (alone in 1) in 2." in text
    assert "- **Holds in one table and not in another**, 1 of 1:\n    - A is nearer" in text
    assert "holds in 1 of 3; does not in 1 of 3)" in text
    assert "on 9 runs of models find, and in how many:\n\n- off: 3\n- nothing is found wrong: 6\n" in text
    assert "quick" not in text
    assert "No bench is kept" in results.summary_text({"toys": "Toys"}, {}, [])


def test_rows_of_one_model_count_once_in_the_summary(results: ModuleType) -> None:
    """Its settings name them; a model that is the best with any is the best, and alone where no other is tied with it."""
    kept = [
        bench("First", {"a": 1.0, "b": 2.0, "c": 3.0}, "a"),
        bench("Second", {"a size=1": 1.0, "a size=2 rate=3": 1.0, "b": 2.0}, "a size=1, a size=2 rate=3"),
        bench("Settings of one model", {"size=1": 1.0, "size=2": 2.0}, "size=1"),
    ]
    text = results.summary_text({"toys": "Results: toys"}, {"best": "near the truth"}, kept)
    assert "- **Near the truth** (`best`), 2 tables: `a` (alone in 2) in 2." in text
    assert "take `a`: by `best` it is the best, or cannot be told from the best, in 2 of the 2 tables" in text


def test_one_line_says_what_is_no_bench(results: ModuleType, folder: Path) -> None:
    with pytest.raises(zoo.RequestError, match=r"holds no bench\.json; name the folder"):
        told(results, folder, folder)


def test_words_have_no_paths(results: ModuleType) -> None:
    assert (
        results.here("zoo bench x --data folder:../shared/data/photos/ --seeds 1")
        == "zoo bench x --data folder:photos --seeds 1"
    )
    assert results.here("multi:views") == "multi:views"
    assert results.here("--data 'folder:a/photos -> multi:b/views'") == "--data 'folder:photos -> multi:views'"


def test_the_pages_are_what_the_command_makes_of_the_files(results: ModuleType) -> None:
    """No number in them is typed."""
    for name, text in results.made().items():
        assert (results.FOLDER / name).read_text(encoding="utf-8") == text, f"write {name} by python tools/results.py"
