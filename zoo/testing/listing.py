"""The page that lists all checks, made of the checks themselves."""

from __future__ import annotations

from zoo.testing.checking import KINDS, checks

_HEAD = """# The checks

What `zoo check NAME` and `zoo.testing` look at: one function a check, named after its contract. This page is written by
`zoo.testing.page()` from the functions' own words; a test compares the two.
"""


def page() -> str:
    """All checks with their contracts, as Markdown."""
    parts = [_HEAD]
    for kind in KINDS:
        these = checks(kind)
        parts.append(f"## Of a {kind}: {len(these)}\n\n| check | contract | may be skipped because |\n|---|---|---|")
        parts[-1] += "".join(f"\n| `{c.name}` | {_cell(c.contract)} | {_cell('; '.join(c.skips))} |" for c in these) + "\n"
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
