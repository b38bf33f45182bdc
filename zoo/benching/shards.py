"""A bench in shares, for the jobs of an array: each does its cells in a folder of its own, and all are then put together."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from zoo.benching import cells, tuning
from zoo.benching.cells import Cell
from zoo.benching.engines import SHARDS, shard_words
from zoo.benching.forms import difference, read_record
from zoo.benching.plan import HOW, BenchPlan, BenchRequest
from zoo.running.folder import read_json
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import discard, whole_folder, write_json

RECORD = "shard.json"
"""In ``OUT/shards/I-of-N/``: what was asked for."""


class _Form(msgspec.Struct):
    schema: int
    request: dict[str, Any]


class Nobody:
    """An engine that does nothing: what no shard has done has failed."""

    def do(self, todo: Sequence[Cell]) -> Iterator[Cell]:
        for cell in todo:
            cell.fail("no shard has done it")
            yield cell


def share(plan: BenchPlan) -> list[Cell]:
    """The cells of one shard.

    Cells are dealt like cards. Where settings are chosen by fits that several seeds share, those seeds stay together.
    """
    number, count = shard_words(plan.request.shard)
    hands: dict[Any, list[Cell]] = {}
    for cell in plan.cells:
        shared = str(cell.numbers.get("digests", {}).get("train")) if plan.request.tune else cell.seed
        hands.setdefault((cell.task, cell.model, shared), []).append(cell)
    return [cell for hand in list(hands.values())[number - 1 :: count] for cell in hand]


def record(plan: BenchPlan) -> None:
    """Write down what was asked for, for who puts the shards together."""
    write_json(plan.out / RECORD, {"schema": 1, "request": _kept(plan.request)})


def _kept(request: BenchRequest) -> dict[str, Any]:
    """All of a request that decides what its table is of."""
    names = [part.name for part in dataclasses.fields(request)]
    return {name: getattr(request, name) for name in names if name not in (*HOW, "out")}


def folder(plan: BenchPlan) -> Path:
    """The folder of a plan's shard, below that of the bench."""
    number, count = shard_words(plan.request.shard)
    return plan.out / SHARDS / f"{number}-of-{count}"


def _folders(out: Path) -> list[Path]:
    return sorted(path for path in (out / SHARDS).glob("*-of-*") if (path / RECORD).is_file())


def asked(request: BenchRequest) -> BenchRequest:
    """The request that the shards in ``request.collect`` are of; a RequestError where there are none, or they differ."""
    if dataclasses.replace(request, collect=None, progress=True) != BenchRequest():
        raise RequestError("shards have written down what they were asked for: leave out all but --collect OUT")
    out = Path(str(request.collect))
    if not (found := _folders(out)):
        raise RequestError(f"{out} holds no shards of a bench: name the folder of zoo bench --shard I/N (its --out)")
    first: dict[str, Any] = {}
    for path in found:
        told = read_json(path / RECORD)
        if read_record(path / RECORD, _Form) is None or told["schema"] != 1:
            raise ZooError(f"{path / RECORD} is no record of a shard by this version")
        if why := difference(first or told["request"], told["request"]):
            raise RequestError(f"{path} is of another bench than {found[0].name} ({why}): take one of them away")
        first = first or told["request"]
    if unknown := first.keys() - {part.name for part in dataclasses.fields(BenchRequest)}:
        raise ZooError(f"{found[0] / RECORD} is no record of a shard by this version: it has {min(unknown)!r}")
    return BenchRequest(**first, out=str(out), collect=request.collect, progress=request.progress)


def take_in(out: Path) -> None:
    """Bring what shards have done into the folder of the bench: as links to the same files, where the file system has these.

    What is there already stays, unless a shard has done it again by another request.
    """
    for shard in _folders(out):
        for kind, name in (("cells", cells.RECORD), (tuning.FOLDER, tuning.RECORD)):
            for done in sorted(path.parent for path in (shard / kind).glob(f"*/*/{name}")):
                target = out / done.relative_to(shard)
                if (mine := read_record(done / name)) is None or mine == read_record(target / name):
                    continue
                discard(target)
                with whole_folder(target) as part:
                    shutil.copytree(done, part, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
