"""Names of points in a plot, put where they can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in pixels."""
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 1), (0.8, -1), (-0.8, 1), (-0.8, -1))


def name_points(
    axes: Any, points: Sequence[tuple[str, Mapping[str, float], Mapping[str, float]]], colours: Mapping[str, str]
) -> None:
    """Write each point's name where it covers no point, bar or other name, beside the point or a little further out.

    Args:
        axes: of a matplotlib figure that has been laid out.
        points: name, x and y; x and y have a ``mean``, and the ends ``low`` and ``high`` of a bar where there is one.
        colours: by name.
    """
    frame, scale = axes.bbox, axes.figure.dpi / 72
    taken: list[Box] = []
    for _, x, y in points:
        cx, cy = axes.transData.transform((x["mean"], y["mean"]))
        taken.append((cx - 9, cy - 9, cx + 9, cy + 9))
        if "low" in x and "low" in y:
            (x0, y0), (x1, y1) = (axes.transData.transform((x[end], y[end])) for end in ("low", "high"))
            taken += [(x0, cy - 5, x1, cy + 5), (cx - 5, y0, cx + 5, y1)]
    for name, x, y in points:
        style = {"textcoords": "offset points", "fontsize": 8.5, "color": colours[name], "va": "center", "ha": "center"}
        text = axes.annotate(name, (x["mean"], y["mean"]), xytext=(0, 0), **style)
        box = text.get_window_extent()
        text.remove()
        options: list[tuple[float, int, float, float, Box, float]] = []
        for far, (dx, dy) in product((1.0, 1.9, 2.8), SIDES):
            mx = dx * (box.width / 2 + 6 * scale * (1 if far == 1 else far / 1.4))
            my = dy * (box.height / 2 + 5 * scale) * far
            moved = (box.x0 + mx, box.y0 + my, box.x1 + mx, box.y1 + my)
            outside = moved[0] < frame.x0 or moved[2] > frame.x1 or moved[1] < frame.y0 or moved[3] > frame.y1
            cost = sum(_overlap(moved, other) for other in taken) + 20 * far + (1e4 if outside else 0)
            options.append((cost, len(options), mx, my, moved, far))
        _, _, mx, my, moved, far = min(options)
        line = {"arrowstyle": "-", "color": colours[name], "lw": 0.6, "shrinkA": 0, "shrinkB": 4} if far > 1 else None
        axes.annotate(name, (x["mean"], y["mean"]), xytext=(mx / scale, my / scale), arrowprops=line, **style)
        taken.append(moved)


def _overlap(a: Box, b: Box) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
