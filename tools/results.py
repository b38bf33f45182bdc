"""Write the pages of results, ``docs/results/PAGE.md``, and what they say together, ``docs/results.md``: no number is typed.

    python tools/results.py                                          # every page anew, from docs/results/*.json
    python tools/results.py add PAGE NAME FOLDER [--title "Photos"]  # first keep what a page needs of the bench in FOLDER

``add`` leaves ``docs/results/NAME.json``: the rows of the bench in the columns of the page, how long each model was fitted,
the faults that its verdicts found, and every claim of ``claims.toml`` tested on the values of the test items, which stay in
the folder of the bench. Claims are tested in pairs, by item, over seeds; p-values are corrected (Holm) for all of one bench.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from result_pages import page_text
from result_summary import summary_text

from zoo.reporting.pages import at_largest
from zoo.saving.strict import SCHEMA, Schema, Strict, read
from zoo.utils.errors import RequestError
from zoo.utils.files import write_text
from zoo.utils.words import visible

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.measuring.compare import Difference
    from zoo.measuring.values import Values

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "results"
CLAIMS = "claims.toml"
LEVEL = 0.05
BESIDE = ("task", "model", "seed", "status", "reason", "test_items", "fit_seconds", "steps", "pairs", "chosen")
WHOLE = ("title", "started", "commit", "device", "quick", "fair", "tune", "references", "n", "items")

app = typer.Typer(add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False)


class Claim(Strict, frozen=True):
    """That one model is better than another by a metric (NAME, or NAME@K; NAME alone is at its largest K), and who says so."""

    says: str
    better: str
    than: str
    metric: str
    tasks: tuple[str, ...] = ()


class Page(Strict, frozen=True):
    """One paper: the columns of its tables and what it claims."""

    title: str
    about: str
    columns: tuple[str, ...]
    claims: tuple[Claim, ...] = ()


class Claims(Strict, frozen=True):
    """The whole ``claims.toml``."""

    schema: Schema
    pages: dict[str, Page]
    purposes: dict[str, str] = msgspec.field(default_factory=dict)
    """What each metric that models are ranked by is good for; the first two are the columns of the summary."""


def stated(folder: Path) -> Claims:
    """What ``claims.toml`` in the folder says."""
    return read(folder / CLAIMS, Claims)


def pages(folder: Path) -> dict[str, Page]:
    """The pages that ``claims.toml`` in the folder names."""
    return stated(folder).pages


# What is kept of a bench


def summary(out: Path, page: Page, name: str, title: str | None = None) -> dict[str, Any]:
    """What the ``page`` needs of the bench in ``out``, with its claims tested on the values of the test items there."""
    path = out / "bench.json"
    if not path.is_file():
        raise RequestError(f"{out} holds no bench.json; name the folder that a zoo bench left, finished")
    bench = json.loads(path.read_text(encoding="utf-8"))
    kept: dict[str, Any] = {"schema": SCHEMA, "page": name, "heading": title, "suite": bench["suite"]}
    kept |= {key: bench[key] for key in WHOLE if bench.get(key) is not None}
    kept["command"] = re.sub(r" --out \S+", "", here(bench["command"]))
    kept["seeds"] = len(bench["seeds"])
    kept["data"] = {task: _data(of) for task, of in bench["data"].items()}
    columns = {task: _columns(bench, task, page.columns) for task in bench["tasks"]}
    kept["columns"], kept["models"], kept["left_out"] = columns, bench["models"], bench["left_out"]
    kept["ranked"] = sorted({name for names in columns.values() for name in names if _ranked(name)})
    kept["ranks"] = {metric: ranks for metric, ranks in (bench.get("ranks") or {}).items() if metric in kept["ranked"]}
    row_keys = ("task", "model", "metric", "unit", "better", "mean", "low", "high", "interval", "tied")
    rows = [row for row in bench["table"] if row["metric"] in columns[row["task"]]]
    kept["table"] = [{key: row.get(key) for key in row_keys} for row in rows]
    kept["cells"] = [_cell(cell) for cell in bench["cells"]]
    kept["claims"] = tested(bench, out, page.claims)
    plain: dict[str, Any] = _everywhere(kept)
    return plain


def _everywhere(told: Any) -> Any:
    """All words in what is told as :func:`here` leaves them."""
    if isinstance(told, dict):
        return {key: _everywhere(value) for key, value in told.items()}
    if isinstance(told, (list, tuple)):
        return [_everywhere(value) for value in told]
    return here(told) if isinstance(told, str) else told


def _ranked(metric: str) -> bool:
    """Whether a model is better for being better by this metric; not by variance, which noise raises."""
    from zoo import registry
    from zoo.measuring.standing import standing

    return metric.partition("@")[0] in registry.names("metrics") and standing(metric).ranked


def _data(of: Mapping[str, Any]) -> dict[str, Any]:
    first = next(iter(of["seeds"].values()), None) or {}
    splits = {split: {"items": own["items"], "digest": own["digest"][:12]} for split, own in first.items() if own}
    return {"name": here(of["name"]), **splits}


def here(words: str) -> str:
    """Words with KIND:NAME for each KIND:PATH/NAME: where data lie is private."""
    return re.sub(r"(\w+):[^\s:]*/([^\s/:'\"]+)/?(?=[\s'\"]|$)", r"\1:\2", words)


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    """A cell without what the page does not show; its verdict as the faults that were found, and the words."""
    kept = {key: cell[key] for key in BESIDE if cell.get(key)} | {"seed": cell["seed"]}
    if (verdict := cell.get("verdict")) is not None:
        found = dict.fromkeys(finding["fault"] for finding in verdict.get("findings", ()) if finding.get("fault"))
        kept["verdict"] = {"word": verdict.get("word", ""), "faults": list(found), "text": verdict["text"]}
    return kept


def _columns(bench: Mapping[str, Any], task: str, wanted: Sequence[str]) -> list[str]:
    measured = dict.fromkeys(row["metric"] for row in bench["table"] if row["task"] == task)
    found = (at_largest(list(measured), name) for name in wanted)
    return list(dict.fromkeys(name for name in found if name is not None))


def tested(bench: Mapping[str, Any], out: Path, claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """Each claim on each task that has both models: the difference, its interval, p corrected, and what is to be said."""
    from zoo.measuring.compare import holm

    found: list[dict[str, Any]] = []
    for task in bench["tasks"]:
        rows = {(row["model"], row["metric"]): row for row in bench["table"] if row["task"] == task}
        for claim in claims:
            metric = at_largest([name for model, name in rows if model == claim.better], claim.metric)
            both = [(model, metric) for model in (claim.better, claim.than)]
            if metric is None or (claim.tasks and task not in claim.tasks) or not all(each in rows for each in both):
                continue
            means = [rows[each]["mean"] for each in both]
            told = {"task": task, "says": claim.says, "better": claim.better, "than": claim.than, "metric": metric}
            told |= {"direction": rows[both[0]]["better"], "means": means}
            difference = _difference(bench, out, task, metric, (claim.better, claim.than))
            if isinstance(difference, str):
                told |= {"word": "open", "why": difference}
            else:
                ends = {"low": difference.low, "high": difference.high}
                told |= {"value": difference.value, "p": difference.p, **ends}
            found.append(told)
    sure = [told for told in found if "p" in told]
    for told, p in zip(sure, holm([told["p"] for told in sure]), strict=True):
        right = (told["value"] < 0) == (told["direction"] == "lower")
        told |= {"p": p, "word": "open" if p > LEVEL else "holds" if right else "not"}
        told |= {end: None for end in ("low", "high") if abs(told[end]) == float("inf")}
    return found


def _difference(bench: Mapping[str, Any], out: Path, task: str, metric: str, both: Sequence[str]) -> Difference | str:
    """The paired difference of two models by a metric, among the models of its table; or why there is none."""
    import torch

    from zoo.measuring.compare import paired

    first, second, *others = (_values(bench, out, task, model, metric) for model in (*both, *_beside(bench, both)))
    if not first or not second:
        return "it is one number a run, and cannot be compared item by item"
    if _origins(first) != _origins(second):
        return "the two were not measured with the same seeds and items"
    same = [first, second, *(each for each in others if _origins(each) == _origins(first))]
    groups = [torch.arange(len(row)) if of.groups is None else of.groups for row, of in first.values()]
    shared = len({digest for _, digest in _origins(first)}) == 1
    rows = [torch.stack(row) if shared else row for row in ([values for values, _ in each.values()] for each in same)]
    return paired(rows[0], rows[1], groups=groups[0] if shared else groups, among=rows[2:])


def _beside(bench: Mapping[str, Any], both: Sequence[str]) -> list[str]:
    """The other models of a table, from which how much a row varies with the seed is told, as for what is tied in it."""
    return [model for model in bench["models"] if model not in both and model not in (bench.get("references") or ())]


def _values(bench: Mapping[str, Any], out: Path, task: str, model: str, metric: str) -> dict[int, tuple[Tensor, Values]]:
    """A model's values of the test items by a metric, by seed, and whose they are; nothing where a run has none."""
    from zoo.measuring.values import read_values

    cells = [cell for cell in bench["cells"] if (cell["task"], cell["model"], cell["status"]) == (task, model, "done")]
    kept = {cell["seed"]: read_values(out / cell["folder"]) for cell in cells}
    found = {}
    for seed, values in sorted(kept.items()):
        if values is None or visible(metric) not in values.scores:
            return {}
        found[seed] = values.scores[visible(metric)], values
    return found


def _origins(found: Mapping[int, tuple[Tensor, Values]]) -> list[tuple[int, str]]:
    """The seeds, and which items each was measured on."""
    return [(seed, values.origin.digest) for seed, (_, values) in found.items()]


def made(folder: Path = FOLDER) -> dict[str, str]:
    """The text of every page by the path of its file from the folder; that of all together stands beside the folder."""
    known = stated(folder)
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    of = {name: [bench for bench in kept if bench["page"] == name] for name in known.pages}
    texts = {f"{name}.md": page_text(page.title, page.about, of[name]) for name, page in known.pages.items()}
    titles = {name: page.title for name, page in known.pages.items()}
    return texts | {f"../{folder.name}.md": summary_text(titles, known.purposes, [b for name in of for b in of[name]])}


@app.callback(invoke_without_command=True)
def write(context: typer.Context, folder: Path = FOLDER) -> None:
    """Write every page anew."""
    if context.invoked_subcommand is None:
        for name, text in made(folder).items():
            write_text(folder / name, text)


@app.command()
def add(page: str, name: str, bench: Path, title: Annotated[str | None, typer.Option()] = None, folder: Path = FOLDER) -> None:
    """Keep what PAGE needs of the bench in the folder BENCH as NAME.json, and write every page anew."""
    if (known := pages(folder).get(page)) is None:
        raise RequestError(f"no page {page!r} in {folder / CLAIMS}; known: {', '.join(pages(folder))}")
    kept = summary(bench, known, page, title)
    text = json.dumps(kept, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / f"{name}.json", text + "\n")
    for path, content in made(folder).items():
        write_text(folder / path, content)


if __name__ == "__main__":
    try:
        app()
    except RequestError as error:
        raise SystemExit(str(error)) from None
