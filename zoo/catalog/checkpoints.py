"""Checkpoints by name: ``registry.toml`` of the package, of the user and of plugins; and whose a name is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from zoo import registry
from zoo.catalog.files import Checkpoint, RegistryFile, Suite
from zoo.hub.source import PREFIX, parse
from zoo.saving.strict import read
from zoo.utils.errors import RequestError, border, cause, nearest
from zoo.utils.files import user_path

C = TypeVar("C", bound=Checkpoint | Suite)
FILE, WEIGHTS = "registry.toml", "model.safetensors"
USER = "the user"
BY_PLACE = ("dir:", PREFIX)
"""The beginnings of names that say where a checkpoint lies."""


class Claims(msgspec.Struct, Generic[C], frozen=True):
    """All of a kind by name, and the plugins whose own could not be read, with the reason.

    More than one stands under a name only where two plugins claim it.
    """

    named: dict[str, tuple[C, ...]]
    broken: dict[str, str]


def gather(kind: str, user: Iterable[C], read: Callable[[registry.Entry], Iterable[C]], own: Iterable[C] = ()) -> Claims[C]:
    """The package's, the user's and the plugins', by name; a name keeps its first owner.

    ``read`` gives those that an entry point of this kind brings; ``own`` are the package's that none brings.
    """
    named, others, broken = {claim.name: (claim,) for claim in own}, list[C](), dict[str, str]()
    for entry in (entry for entries in registry.entries(kind).values() for entry in entries):
        try:
            claims = list(read(entry))
        except Exception as error:  # whatever looking for a package brings about, its own code among it
            before = f"{broken[entry.owner]}; " if entry.owner in broken else f"the {kind} of {entry.owner} are broken: "
            broken[entry.owner] = f"{before}{cause(error)}"
            continue
        if entry.distribution == registry.OWN:
            named |= {claim.name: (claim,) for claim in claims}
        else:
            others += claims
    for claim in user:
        if claim.name in named:
            word = registry.singular(kind)
            raise RequestError(f"{claim.file}: {word} {claim.name!r} is the package's own; choose another name")
        named[claim.name] = (claim,)
    extra: dict[str, tuple[C, ...]] = {}
    for claim in others:
        if claim.name not in named:
            extra[claim.name] = (*extra.get(claim.name, ()), claim)
    return Claims(dict(sorted((named | extra).items())), broken)


def only(word: str, name: str, claims: Claims[C], also: str = "") -> C:
    """The one of that name; a RequestError names the nearest ones, or both plugins that claim the name."""
    if name not in claims.named:
        broken = "".join(f"; {reason}" for reason in claims.broken.values())
        raise RequestError(f"no {word} is called {name!r}: {nearest(name, claims.named)}{also}{broken}")
    if len(claims.named[name]) > 1:
        owners = " and ".join(sorted(claim.owner for claim in claims.named[name]))
        raise RequestError(f"two plugins bring a {word} called {name!r}: {owners}; uninstall one")
    return claims.named[name][0]


def file_in(package: str, name: str) -> Path:
    """Where ``name`` lies in an installed package, which is found and not imported: listing stays free of anybody's code."""
    if "." in package or ":" in package:
        raise RequestError(f"{package!r} must be the name of a top-level package that holds a {name}")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RequestError(f"there is no package {package!r}")
    return Path(next(iter(spec.submodule_search_locations))) / name


def known() -> Claims[Checkpoint]:
    """All checkpoints; a RequestError if the package's or the user's file is wrong, or takes a name of the package's."""
    path = user_file()
    user = _read(path, USER) if path.exists() or "ZOO_REGISTRY" in os.environ else ()
    return gather("checkpoints", user, lambda entry: _read(file_in(entry.value, FILE), entry.distribution), _own())


def find(name: str) -> Checkpoint:
    """The checkpoint of that name; raises as :func:`only`."""
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
    with border(f"checkpoint {checkpoint.name!r}: {weights} cannot be read", RequestError):
        digest = sha256_of(weights)
    if digest != checkpoint.sha256:
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
    kind, _, rest = checkpoint.source.partition(":")
    if kind == "package":
        return checkpoint.file.parent / "checkpoints" / rest
    folder = user_path(rest)
    return folder if folder.is_absolute() else checkpoint.file.parent / folder


def user_file() -> Path:
    """The user's own ``registry.toml``: where ``ZOO_REGISTRY`` says, else in the user's configuration folder."""
    if named := os.environ.get("ZOO_REGISTRY"):
        return user_path(named)
    home = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA")
    return (Path(home) if home else Path.home() / ".config") / "zoo" / FILE


def _own() -> Iterator[Checkpoint]:
    here = Path(__file__).parents[1]
    path = here / FILE  # as installed; in an editable install both lie next to the package's folder
    return _read(path if path.is_file() else here.parent / FILE, registry.OWN)


def _read(path: Path, owner: str) -> Iterator[Checkpoint]:
    for name, table in read(path, RegistryFile).checkpoints.items():
        fields = {**msgspec.structs.asdict(table), "sha256": table.sha256.lower()}
        yield Checkpoint(**fields, name=name, owner=owner, file=path)
