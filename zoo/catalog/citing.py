"""BibTeX of this package and of the papers behind a model, a task, a metric or a checkpoint; no network."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

from zoo import registry
from zoo.catalog import checkpoints
from zoo.catalog.found import facts_of
from zoo.contracts import make
from zoo.utils.errors import RequestError, ZooError, border, nearest
from zoo.utils.files import read_text
from zoo.utils.version import own_version

KINDS = ("models", "tasks", "metrics")
PAPERS, PACKAGE = "references.bib", "CITATION.cff"
_ENTRY = re.compile(r"^@\w+\{([^,\s]+),\n.*?^\}$", re.M | re.S)


def cited(name: str) -> list[str]:
    """The papers behind what is called ``name``, each as an entry of BibTeX: those that its class names in ``cites``.

    Of a checkpoint they are those of its model and its task. A class names the keys of entries in the file
    ``references.bib`` beside the ``__init__`` of its package; ours lie in one file of the whole project.

    Raises:
        RequestError: nothing is called so.
        ZooError: an entry that is named is not there.

    Examples:
        >>> print(cited("energy_score")[0].splitlines()[0])
        @article{gneiting2007proper,
    """
    found = {kind: [name] for kind in KINDS if name in registry.names(kind)}
    known = checkpoints.known().named
    if name.startswith(checkpoints.BY_PLACE):
        facts = facts_of(name)
        found = {"models": [facts.model], "tasks": [facts.task["name"]] if facts.task else []}
    if name in known:
        checkpoint = checkpoints.find(name)
        found = {"models": [checkpoint.model], "tasks": [checkpoint.task]}
    if not found:
        everything = {entry for kind in KINDS for entry in registry.names(kind)} | known.keys()
        raise RequestError(f"nothing to cite is called {name!r}: {nearest(name, everything)}")
    entries = [entry for kind, names in found.items() for each in names for entry in _of_class(kind, each)]
    return list(dict.fromkeys(entries))


def _of_class(kind: str, name: str) -> list[str]:
    made: Any = make.model_class(name)[0] if kind == "models" else make.class_of(kind, name)
    with registry.calling(kind, name, "what it cites cannot be told"):
        keys = [str(key) for key in made.cites]
        papers = _papers(made) if keys else {}
        if lacking := [key for key in keys if key not in papers]:
            raise ZooError(f"{PAPERS} has no entry {lacking[0]!r}: {nearest(lacking[0], papers)}")
    return [papers[key] for key in keys]


def _papers(made: type) -> dict[str, str]:
    """The entries, by key, of the file beside the package of the class that names them; of ours where there is none."""
    named = next(base for base in made.__mro__ if "cites" in vars(base)).__module__
    beside = Path(str(resources.files(named.partition(".")[0]))) / PAPERS
    path = beside if beside.is_file() else _of_ours(PAPERS)
    with border(f"cannot read {path}"):
        return {match[1]: match[0] for match in _ENTRY.finditer(read_text(path))}


def _of_ours(name: str) -> Path:
    here = Path(__file__).parents[1]
    return here / name if (here / name).is_file() else here.parent / name  # an editable install has them beside the package


def own() -> str:
    """This package as an entry of BibTeX, from the CITATION.cff that comes with it.

    Examples:
        >>> print(own().splitlines()[0])
        @software{zoo,
    """
    import yaml

    path = _of_ours(PACKAGE)
    with border(f"cannot read {path}"):
        told = yaml.safe_load(read_text(path))
        people = [
            f"{who['family-names']}, {who['given-names']}" if "family-names" in who else f"{{{who['name']}}}"
            for who in told["authors"]
        ]
        parts = {
            "title": told["title"],
            "author": " and ".join(people),
            "year": str(told.get("date-released", ""))[:4],
            "version": own_version(),
            "license": told["license"],
            "url": told.get("url") or told.get("repository-code") or "",
        }
    lines = [f"  {key} = {{{value}}}," for key, value in parts.items() if value]
    return "\n".join(["@software{zoo,", *lines, "}"])
