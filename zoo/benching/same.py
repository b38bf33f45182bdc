"""Whether another machine is fit to do a cell: the same packages and, by digest, the same data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo import registry
from zoo.benching.cells import Cell
from zoo.contracts import make
from zoo.utils.errors import cause
from zoo.utils.version import own_version


def proof_of(cell: Cell) -> dict[str, Any]:
    """All that has to be so on another machine for the cell to be the same there, as plain values."""
    data = {"data": cell.request.data, "split_seed": cell.request.split_seed, "digests": cell.numbers["digests"]}
    return {
        **data,
        "seed": cell.seed,
        "packages": _packages([["models", str(cell.request.model)], ["tasks", str(cell.request.task)]]),
    }


def _packages(plugins: Sequence[Sequence[str]]) -> list[list[str]]:
    """Kind, name, package and version of what decides numbers; this one and torch have no name."""
    import torch

    found = [["", "", "cond-zoo", own_version()], ["", "", "torch", str(torch.__version__)]]
    for kind, name in plugins:
        entry = registry.entry(kind, name)
        found.append([kind, name, entry.distribution, entry.version])
    return found


def difference(proof: Mapping[str, Any]) -> str:
    """The first thing that is not the same here as where the proof was written, in a line; "" for none."""
    try:
        theirs = proof["packages"]
        mine = _packages([one[:2] for one in theirs if one[0]])
        for (*_, package, version), (*_, own, found) in zip(theirs, mine, strict=True):
            if (package, version) != (own, found):
                return f"it has {own} {found}, and not {package} {version}"
        for split, digest in proof["digests"].items():
            found = make.data(proof["data"], proof["split_seed"]).read(split, seed=proof["seed"]).digest
            if found != digest:
                return f"{proof['data']} is other data there ({split} has sha256 {found[:12]}, and not {digest[:12]})"
    except Exception as error:
        return cause(error)
    return ""
