"""Checkpoints and suites by name, and published numbers: ``registry.toml`` of the package, of the user and of plugins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from zoo import registry
from zoo.catalog.suite import Suite
from zoo.catalog.toml import Checkpoint, Published, RegistryFile, read_registry
from zoo.utils.errors import RequestError, ZooError, nearest

__all__ = ["Checkpoint", "Published", "Suite", "find", "find_suite", "folder_of", "known", "published", "suites"]

WEIGHTS = "model.safetensors"
T = TypeVar("T")


class Known(NamedTuple):
    """Every registered checkpoint by name, and the plugins whose list of them could not be read, with the reason."""

    checkpoints: dict[str, tuple[Checkpoint, ...]]
    broken: dict[str, str]


def known() -> Known:
    """All checkpoints: the package's first, then the user's, then the plugins'; a name keeps its first owner.

    More than one checkpoint stands under a name only where two plugins claim it.

    Raises:
        RequestError: the package's or the user's file is wrong, or the user's takes a name of the package's.
    """
    files, broken = _plugins()
    merged = _merged("checkpoint", *((file.path, file.checkpoints) for file in (_package(), _user(), *files)))
    return Known(merged, broken)


def find(name: str) -> Checkpoint:
    """The checkpoint of that name.

    Raises:
        RequestError: there is none (says the nearest ones), or two plugins claim the name (names both).
    """
    everything = known()
    if name not in everything.checkpoints:
        also = "".join(f"; {reason}" for reason in everything.broken.values())
        near = nearest(name, everything.checkpoints)
        raise RequestError(f"no checkpoint is called {name!r}: {near} (or dir:PATH for a folder){also}")
    found = everything.checkpoints[name]
    if len(found) > 1:
        owners = " and ".join(sorted(one.owner for one in found))
        raise RequestError(f"two plugins bring a checkpoint called {name!r}: {owners}; uninstall one")
    return found[0]


def folder_of(checkpoint: Checkpoint) -> Path:
    """The folder that holds a checkpoint, its weights checked against their sha256.

    Raises:
        RequestError: the folder is not there, or the weights are not the registered ones.
        ZooError: it is on the Hub and cannot be had; see :func:`zoo.hub.pull.pull`.
    """
    from zoo.utils.files import sha256_of

    if checkpoint.source.startswith("hf:"):
        from zoo.hub.pull import pull
        from zoo.hub.source import parse

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
    kind, _, rest = checkpoint.source.partition(":")
    if kind == "hf":
        from zoo.hub.cache import cached_folder
        from zoo.hub.source import parse

        return cached_folder(parse(rest))
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
        return checkpoint.base / rest
    folder = Path(rest).expanduser()
    return folder if folder.is_absolute() else checkpoint.file.parent / folder


def published(task: str) -> list[Published]:
    """The published numbers for a task, in the order of the files; raises as :func:`known`."""
    files = [_package(), _user(), *_plugins()[0]]
    return [one for file in files for one in file.published if one.task == task]


def suites() -> dict[str, tuple[Suite, ...]]:
    """All suites by name, as :func:`known` has the checkpoints; more than one where two plugins claim a name.

    Raises:
        RequestError: the package's or the user's file is wrong, or the user's takes a name of the package's.
    """
    return _merged("suite", *((file.path, file.suites) for file in (_package(), _user(), *_plugins()[0])))


def find_suite(name: str) -> Suite:
    """The suite of that name; raises as :func:`find`."""
    everything = suites()
    if name not in everything:
        also = "".join(f"; {reason}" for reason in _plugins()[1].values())
        raise RequestError(f"no suite is called {name!r}: {nearest(name, everything)}{also}")
    if len(everything[name]) > 1:
        owners = " and ".join(sorted(one.owner for one in everything[name]))
        raise RequestError(f"two plugins bring a suite called {name!r}: {owners}; uninstall one")
    return everything[name][0]


def _merged(word: str, *files: tuple[Path, Mapping[str, T]]) -> dict[str, tuple[T, ...]]:
    """What the package's file, the user's and the plugins' name, each file as its path and its entries."""
    (_, package), (path, user), *plugins = files
    found = {name: (one,) for name, one in package.items()}
    for name, one in user.items():
        if name in found:
            raise RequestError(f"{path}: {word} {name!r} is the package's own; choose another name")
        found[name] = (one,)
    extra: dict[str, tuple[T, ...]] = {}
    for _, plugin in plugins:
        for name, one in plugin.items():
            if name not in found:
                extra[name] = (*extra.get(name, ()), one)
    return dict(sorted({**found, **extra}.items()))


def user_file() -> Path:
    """The user's own ``registry.toml``: where ``ZOO_REGISTRY`` says, else in the user's configuration folder."""
    if named := os.environ.get("ZOO_REGISTRY"):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA")
    return (Path(home) if home else Path.home() / ".config") / "zoo" / "registry.toml"


def _package() -> RegistryFile:
    here = Path(__file__).parents[1]
    path = here / "registry.toml"  # as installed; in an editable install both lie next to the package's folder
    if not path.is_file():
        path = here.parent / "registry.toml"
    return _read(path, registry.OWN)


def _user() -> RegistryFile:
    path = user_file()
    if not path.exists() and "ZOO_REGISTRY" not in os.environ:
        return RegistryFile(path, {}, ())
    return _read(path, "the user")


def _plugins() -> tuple[list[RegistryFile], dict[str, str]]:
    """The files that plugins bring: an entry in the group names a package, and ``registry.toml`` lies in its folder.

    The package is found and not imported, so that listing stays free of anybody's code.
    """
    files, broken = [], {}
    for entries in registry.entries("checkpoints").values():
        for entry in entries:
            try:
                files.append(_read(_file_of(entry.value), entry.distribution))
            except (ImportError, ValueError, ZooError) as error:
                owner = f"{entry.distribution} {entry.version}"
                broken[owner] = f"the checkpoints of {owner} are broken: {error}"
    return files, broken


def _file_of(package: str) -> Path:
    from importlib.util import find_spec  # not before a plugin brings checkpoints: it takes its time

    if "." in package or ":" in package:
        raise RequestError(f"{package!r} must be the name of a top-level package that holds a registry.toml")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RequestError(f"there is no package {package!r}")
    return Path(next(iter(spec.submodule_search_locations))) / "registry.toml"


def _read(path: Path, owner: str) -> RegistryFile:
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    return _cached(path, owner, stamp)


@cache
def _cached(path: Path, owner: str, stamp: int) -> RegistryFile:
    return read_registry(path, owner)
