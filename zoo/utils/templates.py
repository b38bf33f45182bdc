"""Pages of HTML and Markdown from templates, in which everything that is filled in is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from zoo.utils.words import Markdown, code, fenced, markdown, visible

if TYPE_CHECKING:
    from types import CodeType

    from jinja2 import BytecodeCache


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
        bytecode_cache=_compiled(),
    )
    environment.filters |= {"code": code, "fenced": fenced, "own": _own, **filters}
    return environment.get_template(template).render(content)


@cache
def _compiled() -> BytecodeCache:
    """The code of templates, kept as long as the process lives: compiling takes longer than all else of a small checkpoint."""
    import jinja2
    from jinja2.bccache import Bucket

    class Compiled(jinja2.BytecodeCache):
        def __init__(self) -> None:
            self.codes: dict[tuple[str, str], CodeType] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            bucket.code = self.codes.get((bucket.key, bucket.checksum))

        def dump_bytecode(self, bucket: Bucket) -> None:
            if bucket.code is not None:
                self.codes[bucket.key, bucket.checksum] = bucket.code

    return Compiled()


def _own(text: str) -> Markdown:
    return Markdown(visible(text.strip(), lines=True))


def _shown(value: Any) -> Any:
    """A value of a page, all of it to be seen; what is HTML already stays so."""
    return type(value)(visible(value, lines=True)) if isinstance(value, str) else value
