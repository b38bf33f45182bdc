"""The gallery of the documentation: one page a kind, made from the registry whenever the pages are built.

``mkdocs.yml`` names this file as a hook. Whatever is installed is in the gallery, and nothing in it is written by hand: words
come from docstrings, settings from configs, scores from the registry, pictures from the models and the data themselves.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry
from zoo.catalog import checkpoints
from zoo.catalog.samples import GAP
from zoo.contracts import make
from zoo.contracts.describe import Description, describe
from zoo.reporting.pictures import conditioning_image, true_picture
from zoo.utils.sheet import Row, Tile, contact_sheet

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from numpy.typing import NDArray
    from PIL.Image import Image as PILImage

    from zoo.contracts.task import Task
    from zoo.data.records import Data

INTRO = {
    "models": "Every model by its entry-point name. `zoo run --model NAME --task TASK` fits it.",
    "tasks": "Every task by its entry-point name. A row of a picture is a test item of its embedded data, as it is and with "
    "true draws of p(y | x), where the data knows them; else the upper row is what models see of a few items, the lower the "
    "truth.",
    "metrics": "Every metric by its entry-point name; [what the numbers say](../metrics.md) tells how to read them.",
    "data": "Every kind of data, named on the command line as `KIND` or `KIND:PATH`.",
}
INTRO_OF_CHECKPOINTS = (
    "Every registered checkpoint. A row is a photo, as it is and with samples, not chosen. `zoo verify NAME` checks that a "
    "checkpoint has not changed."
)
COLUMNS, WIDTH, SEED = 5, 1000, 3


def pages() -> dict[str, str]:
    """Markdown by path, for every kind of entry and for the checkpoints."""
    kinds = {f"gallery/{kind}.md": _page(kind, intro) for kind, intro in INTRO.items()}
    return {**kinds, "gallery/checkpoints.md": _checkpoints_page()}


def pictures() -> dict[str, bytes]:
    """PNG files by path: samples of every checkpoint that is here, and items of every task."""
    samples = {f"gallery/{_file(checkpoint.name)}": _png(_samples(checkpoint.name)) for checkpoint in _here()}
    return samples | {f"gallery/task-{name}.png": _png(_items(name)) for name in registry.names("tasks")}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """MkDocs' own hook: the pages and pictures join the files of the site."""
    from mkdocs.structure.files import File

    for path, content in {**pages(), **pictures()}.items():
        files.append(File.generated(config, path, content=content))
    return files


def _page(kind: str, intro: str) -> str:
    lines = [f"# {kind.capitalize()}", "", intro, ""]
    for name, claims in registry.entries(kind).items():
        if len(claims) == 1:
            lines += _section(describe(kind, name))
    return "\n".join(lines)


def _section(entry: Description) -> list[str]:
    lines = [f"## {entry.name}", "", _prose(entry.text), ""]
    lines += [f"- **{label}**: {value}" for label, value in entry.facts]
    fitted = [c for c in _single() if entry.name in (c.model, c.task)] if entry.kind in ("models", "tasks") else []
    if fitted:
        links = ", ".join(f"[{c.name}](checkpoints.md#{_anchor(c.name)})" for c in fitted)
        lines += [f"- **checkpoints**: {links}"]
    lines += [""]
    if entry.kind == "tasks":
        lines += [f"![{_words(entry.name)}](task-{entry.name}.png)", ""]
    if entry.settings:
        lines += ['??? note "Settings"', "", "    | setting | default | type | what it is |", "    |---|---|---|---|"]
        for s in entry.settings:
            note = " (set by this preset)" * s.preset + " (of sampling alone)" * s.sampling
            lines += [f"    | `{s.name}` | `{_cell(s.default)}`{note} | {_cell(s.kind)} | {_cell(s.says)} |"]
        lines += [""]
    return lines


def _checkpoints_page() -> str:
    lines = ["# Checkpoints", "", INTRO_OF_CHECKPOINTS, ""]
    here = {checkpoint.name for checkpoint in _here()}
    for checkpoint in _single():
        lines += [f"## {checkpoint.name} {{ #{_anchor(checkpoint.name)} }}", ""]
        if checkpoint.name in here:
            task = make.task(checkpoint.task)
            what = f"samples of {checkpoint.name}, each with other {task.y_name}"
            what = (
                f"A photo of a pagoda over a lake, and {COLUMNS - 1} {what}" if task.item == "photo" else f"{COLUMNS} {what}"
            )
            lines += [f"![{what}]({_file(checkpoint.name)})", ""]
        facts = [
            ("model", f"[{checkpoint.model}](models.md#{checkpoint.model})"),
            ("task", f"[{checkpoint.task}](tasks.md#{checkpoint.task})"),
            ("source", f"`{checkpoint.source}`"),
            ("note", checkpoint.note),
            ("recommended", f"for the task {checkpoint.task}" if checkpoint.recommended else ""),
            ("licence", checkpoint.licence),
            ("data", checkpoint.data),
            ("made by", f"`{checkpoint.made_by}`" if checkpoint.made_by else ""),
        ]
        lines += [f"- **{label}**: {value}" for label, value in facts if value]
        lines += ["", "| metric | score |", "|---|---|"] if checkpoint.scores else []
        lines += [f"| `{metric}` | {value:.4g} |" for metric, value in checkpoint.scores.items()]
        lines += [""]
    return "\n".join(lines)


def _prose(docstring: str) -> str:
    """The paragraphs of a docstring, without its lists of arguments; roles are the names they point to."""
    text = re.split(r"\n\s*\n(?:Args|Attributes|Returns|Raises|Example)s?:", docstring)[0]
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)


def _single() -> list[checkpoints.Checkpoint]:
    """The checkpoints that one owner alone brings."""
    return [claims[0] for claims in checkpoints.known().named.values() if len(claims) == 1]


def _here() -> list[checkpoints.Checkpoint]:
    return [checkpoint for checkpoint in _single() if checkpoints.place_of(checkpoint) is not None]


def _samples(name: str) -> PILImage:
    """An item with samples of it: a photo, as it is before them; or, where the task starts from other things, a test item."""
    from sklearn.datasets import load_sample_image

    from zoo.catalog.loading import load
    from zoo.catalog.samples import Samples

    loaded = load(name, "cpu")
    task = loaded.task
    item = load_sample_image("china.jpg") if task.item == "photo" else _an_item(task)
    samples = loaded.sample(item, COLUMNS - (task.item == "photo"), seed=SEED)
    if task.item != "photo" or item.shape != samples.images.shape[1:]:
        return samples.grid(COLUMNS, width=WIDTH)
    fields = samples.fields[[0, *range(len(samples))]]  # the photo before the samples needs a field too
    return Samples(np.concatenate([item[None], samples.images]), fields).grid(COLUMNS, width=WIDTH)


def _an_item(task: Task) -> Any:
    """Something to sample for where the task starts from no photo."""
    if task.item == "attributes":  # those of the checkpoint's own data, which need not be here
        return task.read(task.config.names[0])
    return task.item_of(_own_data(task).read("test", seed=0), 0)


def _own_data(task: Task) -> Data:
    return make.data(task.data)


def _words(name: str) -> str:
    """The picture of a task in words."""
    task = make.task(name)
    return f"Test items of {name}, where models see the {task.x_name} and make the {task.y_name}"


def _items(name: str) -> PILImage:
    """Test items of a task's embedded data: with true draws where the data knows them, else what models see and the truth."""
    task = make.task(name)
    data = _own_data(task)
    pairs, records = task.pairs(data, "test", 0, pool=COLUMNS - 1), data.read("test", seed=0)
    rows: list[list[NDArray[np.uint8]]] = [[], []]
    for index in range(COLUMNS if pairs.pool is None else 3):
        item = task.item_of(records, index)
        _, context = task.condition(item)
        truth = true_picture(task, item, context, pairs.y[index], pairs.vectors)
        if pairs.pool is not None:
            rows.append([truth, *task.compose(context, pairs.pool[index]).numpy()])
            continue
        seen = conditioning_image(pairs.x[index])
        rows[0] += [] if seen is None else [np.asarray(seen.convert("RGB"))]
        rows[1].append(truth)
    return _sheet([row for row in rows if row])


def _sheet(rows: list[list[NDArray[np.uint8]]]) -> PILImage:
    """Pictures side by side, each as wide as the others and as high as the first of its row needs; small ones keep pixels."""
    from PIL import Image

    wide = (WIDTH - (COLUMNS - 1) * GAP) // COLUMNS
    sheet = []
    for row in rows:
        high = round(wide * row[0].shape[0] / row[0].shape[1])
        sheet.append(Row(high, [Tile(Image.fromarray(picture), like=(wide, high)) for picture in row]))
    return contact_sheet(sheet, [wide] * COLUMNS, GAP)


def _png(picture: PILImage) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _file(checkpoint: str) -> str:
    return f"checkpoint-{_anchor(checkpoint)}.png"


def _anchor(name: str) -> str:
    return name.replace("/", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
