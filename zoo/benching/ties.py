"""Which models of a bench are tied with the best: found item by item, where all have values of the same test items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.benching.cells import Cell
from zoo.utils.words import visible

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.measuring.draws import Row


def tied(cells: Sequence[Cell]) -> dict[str, set[str]]:
    """The models that are tied with the best, that one among them, by the score; of the cells of one task that are done.

    A score is left out where that cannot be tested: fewer than two models have it, not all for the same seeds, some cell has
    no values, or those of other items or of no single item (one number for the whole run, such as the size of a model).
    """
    import torch

    from zoo.measuring.compare import tied_with_best

    found = {}
    for metric in dict.fromkeys(name for cell in cells for name in cell.metrics["metrics"]):
        rows: dict[str, dict[int, Cell]] = {}
        for cell in cells:
            if metric in cell.metrics["metrics"]:
                rows.setdefault(cell.model, {})[cell.seed] = cell
        first = next(iter(rows.values()))
        if len(rows) < 2 or any(row.keys() != first.keys() or not _same(row, first) for row in rows.values()):
            continue
        if any(visible(metric) not in _values(cell) for row in rows.values() for cell in row.values()):
            continue
        better = {cell.metrics["metrics"][metric]["better"] for row in rows.values() for cell in row.values()}
        values = {model: [_values(row[seed])[visible(metric)] for seed in sorted(row)] for model, row in rows.items()}
        if len(better) > 1 or any(all(bool((part == part[0]).all()) for part in row) for row in values.values()):
            continue
        shared = len({_digest(cell) for cell in first.values()}) == 1
        groups = [_groups(first[seed]) for seed in sorted(first)]
        given: dict[str, Row] = {model: torch.stack(row) if shared else row for model, row in values.items()}
        found[metric] = tied_with_best(given, better.pop(), groups=groups[0] if shared else groups)
    return found


def _same(row: dict[int, Cell], first: dict[int, Cell]) -> bool:
    """Whether the cells of two models with the same seeds have values of the same items."""
    return all(_digest(cell) is not None and _digest(cell) == _digest(first[seed]) for seed, cell in row.items())


def _digest(cell: Cell) -> str | None:
    return None if cell.values is None else cell.values.origin.digest


def _values(cell: Cell) -> Mapping[str, Tensor]:
    return {} if cell.values is None else cell.values.scores


def _groups(cell: Cell) -> Tensor:
    """The number of what each item is of; each stands alone where nothing is said of that."""
    import torch

    groups = None if cell.values is None else cell.values.groups
    return torch.arange(cell.metrics["test_items"]) if groups is None else groups
