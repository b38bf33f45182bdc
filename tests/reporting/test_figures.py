"""Figures of names that are no plain words, and pictures of them."""

from __future__ import annotations

import warnings

from zoo.catalog.files import Published
from zoo.reporting.pages import short
from zoo.reporting.report import curve_svg
from zoo.utils.sheet import Row, Tile, contact_sheet

SCORE = {"value": 1.0, "low": 0.5, "high": 1.5, "unit": "$\\frac{", "better": "lower"}


def test_names_in_a_figure_are_plain_text() -> None:
    published = [
        Published(paper="p", source="s", data="d", task="t", model=name, n=3, metrics={"m@1": 2.0, "m@3": 1.0})
        for name in ("_hidden", "$x^$", "a\nb\x1b\udcdf", "\u65e5")
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = curve_svg("m", {1: SCORE, 3: SCORE}, "_own <b>", published)
    assert svg.count("published") == 4
    for word in ("$x^$, published", "_hidden, published", r"a\x0ab\x1b\xdf", "_own &lt;b&gt;, this run", r"m ($\frac{)"):
        assert word in svg
    assert "\x1b" not in svg


def test_names_in_a_sheet_are_visible() -> None:
    name = "folder/stra\udcdfe.png"
    assert short(name) == "stra\\xdfe.png"
    sheets = [contact_sheet([Row(20, [Tile(text)])], [200]).tobytes() for text in (name, r"folder/stra\xdfe.png")]
    assert sheets[0] == sheets[1]
