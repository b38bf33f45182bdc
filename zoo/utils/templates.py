"""Pages of HTML and Markdown from templates, in which everything that is filled in is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zoo.utils.words import Markdown, code, fenced, markdown, visible


def fill(package: str, folder: str, template: str, filters: Mapping[str, Callable[..., Any]], **content: Any) -> str:
    r"""The text that a template in the ``folder`` of a ``package`` makes of ``content``: HTML by its ending, else Markdown.

    What it fills in is visible text of this form. In Markdown it is one line, unless it goes through the filter ``code``,
    ``fenced`` or ``own``; the last is for Markdown that the caller wrote.

    Examples:
        >>> facts = {"model": "a|b", "x_shape": [1], "y_shape": [1], "plugin": {"distribution": "`", "version": "1"}}
        >>> facts |= dict.fromkeys(["task", "data", "scores", "config", "dtype", "parts"])
        >>> words = dict.fromkeys(["about", "data", "command"])
        >>> text = fill("zoo.saving", ".", "card.md.jinja", {"json": str}, facts=facts, words=words, here="")
        >>> print(text.splitlines()[0])
        # a\|b
        >>> print(text.splitlines()[4])
        The code is model `a|b` of `` ` `` 1.
    """
    import jinja2

    html = template.endswith(".html")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, folder),
        autoescape=html,
        finalize=_shown if html else markdown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "fenced": fenced, "own": _own, **filters}
    return environment.get_template(template).render(content)


def _own(text: str) -> Markdown:
    return Markdown(visible(text.strip(), lines=True))


def _shown(value: Any) -> Any:
    """A value of a page, all of it to be seen; what is HTML already stays so."""
    return type(value)(visible(value, lines=True)) if isinstance(value, str) else value
