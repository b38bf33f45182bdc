"""Names that the package, the user and plugins claim, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from zoo import registry
from zoo.catalog.files import Checkpoint, Suite
from zoo.utils.errors import RequestError, ZooError, nearest

C = TypeVar("C", bound=Checkpoint | Suite)
USER = "the user"


class Claims(msgspec.Struct, Generic[C], frozen=True):
    """All of a kind by name, and the plugins whose own could not be read, with the reason.

    More than one stands under a name only where two plugins claim it.
    """

    named: dict[str, tuple[C, ...]]
    broken: dict[str, str]


def gather(kind: str, user: Iterable[C], read: Callable[[registry.Entry], Iterable[C]], own: Iterable[C] = ()) -> Claims[C]:
    """The package's, the user's and the plugins', by name; a name keeps its first owner.

    Args:
        kind: of entry points.
        user: the user's own.
        read: gives those that an entry point brings.
        own: the package's that no entry point brings.

    Raises:
        RequestError: the user takes a name of the package's.
    """
    named, others, broken = {claim.name: (claim,) for claim in own}, list[C](), dict[str, str]()
    for entry in (entry for entries in registry.entries(kind).values() for entry in entries):
        try:
            claims = list(read(entry))
        except (ImportError, ValueError, ZooError) as error:
            before = f"{broken[entry.owner]}; " if entry.owner in broken else f"the {kind} of {entry.owner} are broken: "
            broken[entry.owner] = f"{before}{error}"
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
    """The one of that name.

    Raises:
        RequestError: there is none (says the nearest ones), or two plugins claim the name (names both).
    """
    if name not in claims.named:
        broken = "".join(f"; {reason}" for reason in claims.broken.values())
        raise RequestError(f"no {word} is called {name!r}: {nearest(name, claims.named)}{also}{broken}")
    if len(claims.named[name]) > 1:
        owners = " and ".join(sorted(claim.owner for claim in claims.named[name]))
        raise RequestError(f"two plugins bring a {word} called {name!r}: {owners}; uninstall one")
    return claims.named[name][0]


def file_in(package: str, name: str) -> Path:
    """Where ``name`` lies in an installed package, which is found and not imported: listing stays free of anybody's code.

    Raises:
        RequestError: there is no such package.
    """
    if "." in package or ":" in package:
        raise RequestError(f"{package!r} must be the name of a top-level package that holds a {name}")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RequestError(f"there is no package {package!r}")
    return Path(next(iter(spec.submodule_search_locations))) / name
