"""All checks there are, and the page that lists them, made of the checks themselves."""

from __future__ import annotations

from importlib import import_module

from zoo.testing.checking import KNOWN, Check
from zoo.testing.verdicts import KINDS, Kind
from zoo.utils.errors import RequestError, nearest

for _module in (  # in the order in which the checks are run
    "itself",
    "model_fit",
    "model_sample",
    "model_random",
    "model_input",
    "model_save",
    "model_tensors",
    "model_gradient",
    "model_abilities",
    "task_pairs",
    "task_photos",
    "metric_facts",
    "metric_values",
):
    import_module(f"zoo.testing.checks.{_module}")

_HEAD = """# The checks

What `zoo check NAME` and `zoo.testing` look at: one function a check, named after its contract. This page is written by
`zoo.testing.page()` from the functions' own words; a test compares the two.
"""


def checks(kind: Kind) -> tuple[Check, ...]:
    """All checks of a kind, in the order in which they are run.

    >>> [check.name for check in checks("model")][:2]
    ['it_is_registered', 'it_is_described']

    Raises:
        RequestError: there is no such kind.
    """
    if kind not in KINDS:
        raise RequestError(f"there are no checks of the kind {kind!r}: {nearest(kind, KINDS)}")
    return tuple(KNOWN[kind].values())


def chosen(kind: Kind, only: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks of a kind that are named in ``only``; all of them where nothing is named.

    Raises:
        RequestError: a name is not that of a check of this kind.
    """
    known = {check.name: check for check in checks(kind)}
    for name in only:
        if name not in known:
            close = nearest(name, known)
            close = close if close.startswith("did") else "docs/checks.md lists them"
            raise RequestError(f"there is no check of a {kind} called {name!r}: {close}")
    return tuple(check for check in known.values() if not only or check.name in only)


def page() -> str:
    """All checks with their contracts, as Markdown.

    >>> print(page().splitlines()[0])
    # The checks
    """
    parts = [_HEAD]
    for kind in KINDS:
        these = checks(kind)
        parts.append(f"## Of a {kind}: {len(these)}\n\n| check | contract | may be skipped because |\n|---|---|---|")
        parts[-1] += "".join(f"\n| `{c.name}` | {_cell(c.contract)} | {_cell('; '.join(c.skips))} |" for c in these) + "\n"
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
