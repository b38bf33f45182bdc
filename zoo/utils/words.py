"""Text encoded for the medium it goes to: a terminal, a shell, Markdown, a cell of a table.

Names of files, tags of repositories and errors of other packages are foreign text: they may hold control characters that a
terminal obeys, bytes that are no UTF-8, and marks that end a block. Whatever prints or writes Markdown takes one of these.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence

_UNSURE = re.compile(r"[^ -~]")
_MARKS = re.compile(
    r"[\\`*<>|~$]|&(?=\w+;|#)|\](?=[\[(:])"  # anywhere
    r"|(?<![^\W_])_|_(?![^\W_])"  # but inside of a word
    r"|^[-+#=](?=[-+#=\s]|$)|(?<=^\d)[.)](?=\s|$)|(?<=^\d\d)[.)](?=\s|$)"  # at the beginning: lists, headings, rules
)
_LATEX = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", "|": "$|$",
    "±": r"$\pm$", "≈": r"$\approx$", "–": "--", "×": r"$\times$",
}  # fmt: skip
_SAFE = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


class Markdown(str):
    """Text that is Markdown already: :func:`markdown` leaves it as it is."""

    __slots__ = ()


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
    kept = "\n\t" if lines else ""

    def shown(match: re.Match[str]) -> str:
        char = match[0]
        return char if char.isprintable() or char in kept or unicodedata.category(char) == "Zs" else _written(char)

    return _UNSURE.sub(shown, str(text))


def one_line(text: object) -> str:
    r"""``text`` as one visible line: white space of any kind is one blank.

    Examples:
        >>> one_line("a\n  b\x07")
        'a b\\x07'
    """
    return visible(" ".join(str(text).split()))


def say(*words: object, lines: bool = False, err: bool = False, end: str = "\n") -> None:
    """Print visible text, on stderr where ``err``, at once: one line, or several where ``lines``.

    What the terminal's encoding lacks is written out.

    Examples:
        >>> say("3 samples in", "runs/a")
        3 samples in runs/a
        >>> say("a name\\nof two lines")
        a name\\x0aof two lines
    """
    stream = sys.stderr if err else sys.stdout
    print(spelt(visible(" ".join(map(str, words)), lines=lines), stream), end=end, file=stream, flush=True)


def spelt(text: str, stream: object) -> str:
    r"""``text`` with what the encoding of ``stream`` lacks written out.

    Examples:
        >>> import io
        >>> spelt("strasse, straße", io.TextIOWrapper(io.BytesIO(), "ascii"))
        'strasse, stra\\xdfe'
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def typed(words: Sequence[str]) -> str:
    r"""A command line of these words as a shell takes it, in one visible line; what is not to be seen stands in ``$'...'``.

    Examples:
        >>> print(typed(["zoo", "run", "--data", "folder:my photos"]))
        zoo run --data 'folder:my photos'
        >>> print(typed(["ls", "stra\udcdfe"]))
        ls $'stra\337e'
    """
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if _SAFE.fullmatch(word):
        return word
    if visible(word) == word:
        return "'" + word.replace("'", "'\"'\"'") + "'"
    return "$'" + "".join(_octal(char) if char in "\\'" or visible(char) != char else char for char in word) + "'"


def _octal(char: str) -> str:  # of three digits, which nothing behind them can be taken for a part of
    return "".join(f"\\{byte:03o}" for byte in char.encode("utf-8", "surrogateescape"))


def plain_cell(text: object) -> str:
    """``text`` as a cell of a table that a spreadsheet reads: in one line, and never a formula.

    Examples:
        >>> plain_cell("=1+1"), plain_cell("a model")
        ("'=1+1", 'a model')
    """
    text = visible(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def markdown(text: object) -> Markdown:
    r"""``text`` as a stretch of one line of Markdown that reads as it was, also inside a table.

    Examples:
        >>> markdown("a|b <i>")
        'a\\|b \\<i\\>'
        >>> print(markdown("error_of_best *_x_*"))
        error_of_best \*\_x\_\*
    """
    return text if isinstance(text, Markdown) else Markdown(_MARKS.sub(r"\\\g<0>", one_line(text)))


def latex(text: object) -> str:
    r"""``text`` as a stretch of LaTeX that reads as it was; what its letters are not sure to have is written as a command.

    Examples:
        >>> print(latex("error_of_best 50 % ± 2 ≈ {x}"))
        error\_of\_best 50 \% $\pm$ 2 $\approx$ \{x\}
    """
    return "".join(_LATEX.get(char, char) for char in one_line(text))


def code(text: object, cell: bool = False) -> Markdown:
    r"""``text`` as code in a line of Markdown, in a ``cell`` of a table or elsewhere: its fence is longer than any inside.

    Examples:
        >>> code("a`b"), code("a|b", cell=True)
        ('``a`b``', '`a\\|b`')
    """
    text = visible(text)
    text, fence = text or " ", "`" * (_longest(text) + 1)
    blank = " " if text and (text[0] in "` " or text[-1] in "` ") else ""
    text = text.replace("|", "\\|") if cell else text
    return Markdown(f"{fence}{blank}{text}{blank}{fence}")


def fenced(text: object, language: str = "") -> Markdown:
    """``text`` as a block of code in Markdown, which nothing in it can end.

    Examples:
        >>> print(fenced("zoo list", "bash"))
        ```bash
        zoo list
        ```
    """
    text = visible(text, lines=True)
    fence = "`" * max(3, _longest(text) + 1)
    return Markdown(f"{fence}{language}\n{text}\n{fence}")


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _written(char: str) -> str:
    point = ord(char)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it in a name
        point -= 0xDC00
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
