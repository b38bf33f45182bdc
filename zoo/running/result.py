"""A finished run at hand: its scores as a table, in a line, and as a notebook shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from zoo.contracts.metric import Score
from zoo.measuring.standing import in_order
from zoo.measuring.verdict import Verdict
from zoo.reporting.pages import number, text_of
from zoo.reporting.pictures import Picture
from zoo.utils.errors import border
from zoo.utils.extras import extra
from zoo.utils.files import regular
from zoo.utils.thumbs import address, thumbnail

if TYPE_CHECKING:
    import pandas

    from zoo.contracts.model import Model
    from zoo.contracts.task import Task
    from zoo.data.pairs import Pairs

WIDE = 900
"""Pixels: the width of the picture of samples in a notebook."""
FIRST = 8
"""Scores that a notebook shows at once, at most; the others are there to be unfolded."""


@dataclass(repr=False)
class RunResult:
    """A finished run: its folder, what was fitted and how good it is.

    Examples:
        >>> result = zoo.run("nn", "toy", items=4, n=3, metrics=["error_of_best"], out="a", progress=False)
        >>> sorted(path.name for path in result.out.iterdir())
        ['checkpoint', 'log.txt', 'metrics.json', 'report.html', 'run.json', 'samples.png', 'values.safetensors']

    Attributes:
        out: the folder with ``run.json``, ``metrics.json``, ``values.safetensors``, ``samples.png``, ``report.html``,
            ``checkpoint/`` and ``log.txt``.
        model: fitted, on the device of the run.
        task: what it was fitted to.
        scores: by name, each with its bootstrap interval.
        values: by the same name, those of the N test items, (N,) float64, of which a score is the mean; none where the run was
            finished by a version that did not keep them.
        verdict: what the scores say together, in words; None where the run was finished by a version that did not say.
        skipped: the metrics that could not be had, with the reason.
        metrics: the content of ``metrics.json``.
        history: what training left on record, as the model's ``fit`` gave it, or, where that was done before the run was
            stopped and gone on with, what is kept of it; None where nothing was fitted.
        pairs: the test pairs that were scored; None where the run was finished before.
        pictures: test items spread over all, not chosen; none where the run was finished before.
        seconds: by part of the work.
    """

    out: Path
    model: Model
    task: Task
    scores: dict[str, Score] = field(default_factory=dict)
    values: dict[str, Tensor] = field(default_factory=dict)
    verdict: Verdict | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    history: Any = None
    pairs: Pairs | None = None
    pictures: list[Picture] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        of = f"model {self.model.name!r}"
        if not self.metrics:
            return f"RunResult({str(self.out)!r}: {of}, not measured in this process)"
        of += f" on task {self.metrics['task']!r}, {self.metrics['test_items']} items, n={self.metrics['n']}"
        for name in in_order(self.scores)[:1]:
            score = self.scores[name]
            of += f"; {name} {number(score.value)} ({number(score.low)} to {number(score.high)})"
        return f"RunResult({str(self.out)!r}: {of}{'' if self.verdict is None else f'; {self.verdict.word}'})"

    def to_pandas(self, items: bool = False) -> pandas.DataFrame:
        """The scores as a table, a row a score, the main ones first.

        It takes pandas (``pip install 'cond-zoo[pandas]'``).

        Args:
            items: give the values of the single test items instead, a row an item, a column a score.

        Raises:
            ZooError: pandas is not there.
        """
        pandas = extra("pandas", "pandas", "to_pandas")
        if items:
            table = pandas.DataFrame({name: self.values[name].numpy() for name in in_order(self.values)})
            return table.rename_axis("item")
        columns = ["value", "low", "high", "better", "unit", "p", "departure"]
        rows = [[getattr(self.scores[name], column) for column in columns] for name in in_order(self.scores)]
        return pandas.DataFrame(rows, pandas.Index(in_order(self.scores), name="metric"), columns)

    def _repr_html_(self) -> str:
        from PIL import Image

        samples, shown = self.out / "samples.png", None
        if samples.exists():
            with border(f"cannot read {samples}"):
                shown = address("jpeg", thumbnail(Image.open(regular(samples)), WIDE))
        order = [(name, self.scores[name]) for name in in_order(self.scores)]
        return text_of("run_cell.html", result=self, scores=order[:FIRST], more=order[FIRST:], picture=shown)
