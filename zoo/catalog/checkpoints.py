"""Checkpoints by name: ``registry.toml`` of the package, of the user and of plugins."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from zoo import registry
from zoo.catalog.claims import USER, Claims, file_in, gather, only
from zoo.catalog.files import Checkpoint, RegistryFile
from zoo.hub.source import PREFIX, parse
from zoo.saving.strict import read
from zoo.utils.errors import RequestError

FILE, WEIGHTS = "registry.toml", "model.safetensors"


def known() -> Claims[Checkpoint]:
    """All checkpoints: the package's first, then the user's, then the plugins'; a name keeps its first owner.

    Raises:
        RequestError: the package's or the user's file is wrong, or the user's takes a name of the package's.
    """
    return gather("checkpoints", _user(), lambda entry: _read(file_in(entry.value, FILE), entry.distribution), _own())


def find(name: str) -> Checkpoint:
    """The checkpoint of that name.

    Raises:
        RequestError: there is none (says the nearest ones), or two plugins claim the name (names both).
    """
    return only("checkpoint", name, known(), " (or dir:PATH for a folder)")


def folder_of(checkpoint: Checkpoint) -> Path:
    """The folder that holds a checkpoint, its weights checked against their sha256.

    Raises:
        RequestError: the folder is not there, or the weights are not the registered ones.
        ZooError: it is on the Hub and cannot be had; see :func:`zoo.hub.pull.pull`.
    """
    from zoo.hub.pull import pull  # not for a list: what it imports takes its time
    from zoo.utils.files import sha256_of

    if checkpoint.source.startswith(PREFIX):
        return pull(parse(checkpoint.source), checkpoint.sha256).folder
    folder = _local(checkpoint)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise RequestError(f"checkpoint {checkpoint.name!r}: {weights} is missing")
    if sha256_of(weights) != checkpoint.sha256:
        raise RequestError(
            f"checkpoint {checkpoint.name!r}: the sha256 of {weights} is not the registered one: "
            "the file is damaged or was exchanged"
        )
    return folder


def place_of(checkpoint: Checkpoint) -> Path | None:
    """The folder of a checkpoint that is here, or in the cache of the Hub; None where it has to be fetched first.

    Nothing is read but names of files, and nothing is checked.
    """
    if checkpoint.source.startswith(PREFIX):
        from zoo.hub.cache import cached_folder

        return cached_folder(parse(checkpoint.source))
    folder = _local(checkpoint)
    return folder if (folder / WEIGHTS).is_file() else None


def largest(scores: Mapping[str, float]) -> dict[str, float]:
    """Of each metric the score with the most samples: ``error_of_best@100`` of all ``error_of_best@...``."""
    best: dict[str, str] = {}
    for name in scores:
        metric, _, count = name.partition("@")
        _, _, most = best.get(metric, "@0").partition("@")
        if metric not in best or (count.isdigit() and int(count) > int(most or 0)):
            best[metric] = name
    return {name: scores[name] for name in best.values()}


def _local(checkpoint: Checkpoint) -> Path:
    """The folder that a source of the kind ``package`` or ``dir`` names."""
    kind, _, rest = checkpoint.source.partition(":")
    if kind == "package":
        return checkpoint.file.parent / "checkpoints" / rest
    folder = Path(rest).expanduser()
    return folder if folder.is_absolute() else checkpoint.file.parent / folder


def user_file() -> Path:
    """The user's own ``registry.toml``: where ``ZOO_REGISTRY`` says, else in the user's configuration folder."""
    if named := os.environ.get("ZOO_REGISTRY"):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA")
    return (Path(home) if home else Path.home() / ".config") / "zoo" / FILE


def _own() -> Iterator[Checkpoint]:
    here = Path(__file__).parents[1]
    path = here / FILE  # as installed; in an editable install both lie next to the package's folder
    return _read(path if path.is_file() else here.parent / FILE, registry.OWN)


def _user() -> Iterator[Checkpoint]:
    path = user_file()
    return _read(path, USER) if path.exists() or "ZOO_REGISTRY" in os.environ else iter(())


def _read(path: Path, owner: str) -> Iterator[Checkpoint]:
    for name, table in read(path, RegistryFile).checkpoints.items():
        fields = {**msgspec.structs.asdict(table), "sha256": table.sha256.lower()}
        yield Checkpoint(**fields, name=name, owner=owner, file=path)
