"""Foreign text on its way to a terminal, a shell, Markdown and a table."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from zoo.utils.words import code, fenced, markdown, plain_cell, say, typed, visible

NASTY = "a\x1b[2J\x07\u202eb\udcdf\x9b c"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (NASTY, r"a\x1b[2J\x07\u202eb\xdf\x9b c"),
        ("stra\xdfe, \u65e5\u672c, \u00a0, e\u0301", "stra\xdfe, \u65e5\u672c, \u00a0, e\u0301"),
        ("a\nb\tc\rd", r"a\x0ab\x09c\x0dd"),
        ("\U000e0001\ufeff\ud800", r"\U000e0001\ufeff\ud800"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_one_line_is_said_unless_there_are_more(capsys: pytest.CaptureFixture[str]) -> None:
    say("a name:", "all\nverified")
    say("two\n\tlines\x1b", lines=True)
    say("an error\r", err=True, end="")
    assert capsys.readouterr() == ("a name: all\\x0averified\ntwo\n\tlines\\x1b\n", "an error\\x0d")


def test_a_terminal_of_few_letters_shows_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    say("stra\xdfe \u20ac \udcff")
    assert stream.buffer.getvalue() == b"stra\\xdfe \\u20ac \\xff\n"  # type: ignore[attr-defined]


@pytest.mark.skipif(os.name == "nt", reason="there is no bash")
def test_a_command_comes_out_of_a_shell_as_it_was() -> None:
    words = ["plain", "", "two words", "it's", "~", "$HOME", NASTY, "\\n", "a\nb", "d\u00e9j\u00e0", "\udcff7", "'\x01'"]
    line = typed(words)
    assert line == visible(line)
    done = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    assert done.stdout.split(b"\0")[:-1] == [os.fsencode(word) for word in words]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("cdvae-mdn12 error_of_best@3 -0.5 [0.1, 2] (x)", "cdvae-mdn12 error_of_best@3 -0.5 [0.1, 2] (x)"),
        ("a|b `c` *d* _e_ __init__", r"a\|b \`c\` \*d\* \_e\_ \_\_init\_\_"),
        ("[a](b) ![c](d) [e]: f [g][h]", r"[a\](b) ![c\](d) [e\]: f [g\][h]"),
        ("<b>&lt;&#3; a & b", r"\<b\>\&lt;\&#3; a & b"),
        ("# head\n- item", r"\# head - item"),
        ("---", r"\---"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("> said", r"\> said"),
        ("~~a~~ $x$ \\", r"\~\~a\~\~ \$x\$ \\"),
    ],
)
def test_markdown_reads_as_the_text_did(text: str, made: str) -> None:
    assert markdown(text) == made == markdown(markdown(text))


@pytest.mark.parametrize(
    ("text", "made"),
    [("a", "`a`"), ("`", "`` ` ``"), ("a``b", "```a``b```"), ("", "`   `"), ("x\ny", r"`x\x0ay`"), (" a ", "`  a  `")],
)
def test_code_ends_where_it_ends(text: str, made: str) -> None:
    assert code(text) == made


def test_a_block_of_code_ends_where_it_ends() -> None:
    assert fenced("a\n```\n# b\x1b", "sh") == "````sh\na\n```\n# b\\x1b\n````"


@pytest.mark.parametrize(
    ("text", "cell"), [("=1", "'=1"), ("+a", "'+a"), ("-a", "'-a"), ("@a", "'@a"), ("a=b", "a=b"), ("\t=1", r"\x09=1")]
)
def test_a_cell_is_no_formula(text: str, cell: str) -> None:
    assert plain_cell(text) == cell
