"""Text encoded for the medium it goes to: a terminal, a line of Markdown, a block of code in it.

Names of files, tags of repositories and errors of other packages are foreign text: they may hold control characters that a
terminal obeys, bytes that are no UTF-8, and marks that end a block. Whatever prints or writes Markdown takes one of these.
"""

from __future__ import annotations

import re
import sys
import unicodedata

_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$@:-])")


def visible(text: object, *, lines: bool = False) -> str:
    r"""``text`` with each character that is not to be seen as it is written out: ``\x1b``, ``\u202e``, ``\xdf``.

    Those are control and format characters, private and unassigned ones, and bytes of a file name that are no UTF-8.
    Line breaks and tabs stay where ``lines``.

    Examples:
        >>> visible("\x1b[2Jgone")
        '\\x1b[2Jgone'
        >>> visible("stra\udcdfe.png")
        'stra\\xdfe.png'
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or unicodedata.category(char) == "Zs" or (lines and char in "\n\t") else _written(char)
        for char in text
    )


def one_line(text: object) -> str:
    r"""``text`` as one visible line: white space of any kind is one blank.

    Examples:
        >>> one_line("a\n  b\x07")
        'a b\\x07'
    """
    return visible(" ".join(str(text).split()))


def say(*words: object, err: bool = False, end: str = "\n") -> None:
    """Print visible text, on stderr where ``err``, at once; what the terminal's encoding lacks is written out.

    Examples:
        >>> say("3 samples in", "runs/a")
        3 samples in runs/a
    """
    stream = sys.stderr if err else sys.stdout
    text = visible(" ".join(map(str, words)), lines=True)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), end=end, file=stream, flush=True)


def markdown(text: object) -> str:
    r"""``text`` as a stretch of one line of Markdown that reads as it was, also inside a table.

    Examples:
        >>> markdown("a|b <i>")
        'a\\|b \\<i\\>'
    """
    return _MARKS.sub(r"\\\1", one_line(text))


def code(text: object) -> str:
    """``text`` as code in a line of Markdown (not inside a table): its fence is longer than any inside.

    Examples:
        >>> code("a`b")
        '``a`b``'
    """
    text = one_line(text)
    fence = "`" * (_longest(text) + 1)
    blank = " " if text[:1] in ("`", "") or text[-1:] == "`" else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def fenced(text: object, language: str = "") -> str:
    """``text`` as a block of code in Markdown, which nothing in it can end.

    Examples:
        >>> print(fenced("zoo list", "bash"))
        ```bash
        zoo list
        ```
    """
    text = visible(text, lines=True)
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _written(char: str) -> str:
    point = ord(char)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it in a name
        point -= 0xDC00
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
