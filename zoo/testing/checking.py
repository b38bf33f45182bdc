"""Checks: the methods of the bases of these classes, in their order; the docstring of each is one sentence, the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

from zoo import registry
from zoo.probing.state import kept
from zoo.testing.checks.data_items import Items
from zoo.testing.checks.data_reading import Reading
from zoo.testing.checks.itself import Configured, Importing, Itself
from zoo.testing.checks.metric import Values
from zoo.testing.checks.model_able import Abilities
from zoo.testing.checks.model_fitting import Fitting, Gradients
from zoo.testing.checks.model_samples import Samples
from zoo.testing.checks.model_saving import Saving
from zoo.testing.checks.task_pairs import OwnPairs
from zoo.testing.checks.task_photos import Photos
from zoo.testing.verdicts import KINDS, Kind, Subject
from zoo.utils.errors import RequestError, nearest
from zoo.utils.words import code, markdown

_HEAD = """# The checks

What `zoo check NAME` and `zoo.testing` look at: one function a check, named after its contract. This page is written by
`zoo.testing.page()` from the functions' own words; a test compares the two.
"""

_CLASSES: dict[Kind, type[Subject]] = {
    "model": type("Model", (Itself, Configured, Importing, Fitting, Gradients, Samples, Saving, Abilities), {}),
    "task": type("Task", (Itself, Configured, Importing, OwnPairs, Photos), {}),
    "metric": type("Metric", (Itself, Importing, Values), {}),
    "data": type("Data", (Itself, Importing, Reading, Items), {}),
}


def subject_of(name: str, kind: str | None = None) -> Subject:
    """The subject registered under ``name``, if there is one and no more.

    It may be written ``KIND:NAME``, and a kind of data with the path that is to be read, ``NAME:PATH``.
    """
    before, colon, after = name.partition(":")
    if colon and kind is None and before in KINDS:
        name, kind = after, before
    if kind is not None and kind not in KINDS:
        raise RequestError(f"the kind is {kind!r}: {nearest(kind, KINDS)}")
    known = {each: registry.names(registry.plural(each)) for each in KINDS if kind in (None, each)}
    kinds = [each for each, names in known.items() if (name.partition(":")[0] if each == "data" else name) in names]
    if not kinds:
        what = "kind of data" if kind == "data" else kind or "model, task, metric or kind of data"
        raise RequestError(f"no {what} is called {name!r}: {nearest(name, {n for names in known.values() for n in names})}")
    if len(kinds) > 1:
        both = " and ".join(f"a {each}" for each in kinds)
        raise RequestError(f"{both} are called {name!r}; write {' or '.join(f'{each}:{name}' for each in kinds)}")
    return _CLASSES[kinds[0]](name)


@dataclass(frozen=True)
class Check:
    """One contract, and the function that finds out whether a subject keeps it.

    Calling it with the name of a subject, or with a :class:`~zoo.testing.verdicts.Subject`, raises an
    ``AssertionError`` (or whatever the subject raised) where the contract is broken, and
    :class:`~zoo.testing.verdicts.Skipped` where there is nothing to check.
    The global random state and torch's defaults are the same after it, whatever the subject does.

    Attributes:
        name: of the contract, such as ``the_same_seed_gives_the_same_bits``.
        kind: of the subjects: ``"model"``, ``"task"``, ``"metric"`` or ``"data"``.
        contract: the same in a sentence.
        skips: the reasons for which it may be skipped; any other skip is a failure.
    """

    name: str
    kind: Kind
    contract: str
    skips: tuple[str, ...]
    function: Callable[[Any], None]

    def __call__(self, subject: Subject | str) -> None:
        if isinstance(subject, str):
            subject = subject_of(subject, self.kind)
        with kept():
            self.function(subject)


def checks(kind: Kind) -> tuple[Check, ...]:
    """All checks of a kind, in the order in which they are run.

    Examples:
        >>> [check.name for check in checks("model")][:2]
        ['it_is_registered', 'it_is_described']

    Raises:
        RequestError: there is no such kind.
    """
    if kind not in KINDS:
        raise RequestError(f"there are no checks of the kind {kind!r}: {nearest(kind, KINDS)}")
    return tuple(
        Check(name, kind, " ".join(cleandoc(method.__doc__ or "").split()), skips, method)
        for name, method, skips in _CLASSES[kind].contracts()
    )


def chosen(kind: Kind, only: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks of a kind that are named in ``only``, which must all be of this kind; all of them where nothing is named."""
    known = {check.name: check for check in checks(kind)}
    for name in only:
        if name not in known:
            close = nearest(name, known)
            close = close if close.startswith("did") else "docs/checks.md lists them"
            raise RequestError(f"there is no check of a {kind} called {name!r}: {close}")
    return tuple(check for check in known.values() if not only or check.name in only)


def page() -> str:
    """All checks with their contracts, as Markdown.

    Examples:
        >>> print(page().splitlines()[0])
        # The checks
    """
    parts = [_HEAD]
    for kind in KINDS:
        these = checks(kind)
        of = kind if kind == "data" else f"a {kind}"
        parts.append(f"## Of {markdown(of)}: {len(these)}\n\n| check | contract | may be skipped because |\n|---|---|---|")
        cells = (["", f" {code(c.name)} ", f" {c.contract} ", f" {'; '.join(c.skips)} ", ""] for c in these)
        parts[-1] += "".join("\n" + "|".join(cell.replace("|", "\\|") for cell in row) for row in cells) + "\n"
    return "\n".join(parts)
