"""Names that the package, the user and plugins claim, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

from zoo.utils.errors import RequestError, nearest


class Claim(Protocol):
    """A checkpoint or a suite that goes by a name."""

    @property
    def name(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def file(self) -> Path: ...


C = TypeVar("C", bound=Claim)
USER = "the user"


class Claims(NamedTuple, Generic[C]):
    """All of a kind by name, and what could not be read, by the plugin that brings it, with the reason.

    More than one stands under a name only where two plugins claim it.
    """

    named: dict[str, tuple[C, ...]]
    broken: dict[str, str]


def merge(word: str, own: Iterable[C], user: Iterable[C], plugins: Iterable[C]) -> dict[str, tuple[C, ...]]:
    """The package's, the user's and the plugins', by name; a name keeps its first owner.

    Raises:
        RequestError: the user takes a name of the package's.
    """
    named = {claim.name: (claim,) for claim in own}
    for claim in user:
        if claim.name in named:
            raise RequestError(f"{claim.file}: {word} {claim.name!r} is the package's own; choose another name")
        named[claim.name] = (claim,)
    extra: dict[str, tuple[C, ...]] = {}
    for claim in plugins:
        if claim.name not in named:
            extra[claim.name] = (*extra.get(claim.name, ()), claim)
    return dict(sorted({**named, **extra}.items()))


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
