"""When the frames of a video are: by the names of numbered images, on one line, and which have another one second later."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
SECOND = 0.06
"""Seconds by which the frame "one second later" may be off."""
_NUMBERS = 24.0
"""Numbered images a second, where nothing says otherwise."""
_AGAIN = 1.0
"""Seconds: where stamps fall back by more, another recording begins."""
_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "msec": 10**6, "s": 10**9, "sec": 10**9}
_WITH_UNIT = re.compile(
    r"(?:(\d+)h[ _]?)?(?:(\d+)m(?:in)?[ _]?)?(\d+)(?:\.(\d+))? ?(ns|us|msec|ms|sec|s)$", re.IGNORECASE | re.ASCII
)
_DECIMAL = re.compile(r"(?:^|(?<=[ _=-]))(\d+)(?:\.(\d+))?$")
_CLOCK = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.:]?)(\d\d)\2(\d\d)"
    r"(?:(?:T|[-_ ]+(?:at )?)(\d\d)[-_.:h](\d\d)[-_.:m](\d\d)(?:[.,s](\d{1,6})|[-_](\d{3}))?"
    r"|(?:T?|[-_](?=\d{9}(?!\d)))(\d\d)(\d\d)(\d\d)(?:[._]?(\d{3}))?)(?![-_.,]?\d)"
)
_COLONS = re.compile(r"(?<![\d:])(?:(\d+):)?(\d{1,2}):([0-5]\d)(?:[.,](\d{1,9}))?$")
_OF_THE_DAY = re.compile(
    r"(?<!\d)(?<!\d[-_.])([01]\d|2[0-3])([-_.])([0-5]\d)\2([0-5]\d)(?:[.,](\d{1,9})|\2(\d{3}))?$"
)  # not behind a date, which is no date if it comes to this


def times_of_names(names: Sequence[str], fps: float | None = None) -> tuple[Times, str]:
    """The seconds (n,) at which images are, by their names without ending, and how they are known, in words.

    Where no ``fps`` is given, plain times are: a number with a unit at the end (``frame_0001_12.5s``, ``1m05s``,
    ``t500ms``); seconds, milliseconds, microseconds or nanoseconds since 1970, by the number of their digits (10, 13, 16
    or 19); a date with a time (``2024-05-01_12-30-05.250``, ``20240501T123005``); hours, minutes and seconds at the end
    (``0:01:05.250``, ``film 01:05``, ``00-01-05``); seconds with a decimal point that stand alone (``00012.500``,
    ``frame_12.5``) and are not all of one second, as ``shot12.0001`` would be. Every name has to have one of its own.
    Otherwise the last number of each counts, ``fps`` of them (24) a second, so that a gap between numbers is a gap in
    time; and where not all names have one of their own, their order.
    """
    points = [_with_point] if any((of := _DECIMAL.search(name)) and of[2] for name in names) else []
    for read in (_with_unit, _since_1970, _on_the_clock, _of_the_day, *points) if fps is None else ():
        moments = _all_of(names, read)
        plain = read in (_with_unit, _since_1970, _of_the_day) or (
            moments is not None and len({m // 10**9 for m in moments}) > 1
        )
        if moments is not None and plain:
            least = min(moments)
            return np.array([m - least for m in moments], np.float64) / 1e9, "by the times in their names"
    rate = _NUMBERS if fps is None else fps
    numbers = _all_of(names, _last_number)
    if numbers is None:
        order = sorted(range(len(names)), key=names.__getitem__)
        return np.argsort(order).astype(np.float64) / rate, f"at {rate:g} images a second"
    least = min(numbers) if max(numbers) >= 2**53 else 0
    return np.array([n - least for n in numbers], np.float64) / rate, f"at {rate:g} numbers a second"


def on_one_line(times: Times) -> Times:
    """``times`` (n,) so that they rise, ten seconds apart where a recording ends and another begins; NaN out of order.

    Another recording begins where the stamps fall back by more than a second. A frame that is stamped no later than one
    before it has no place in time.
    """
    line = np.full(len(times), np.nan)
    latest, shift, end = -np.inf, 0.0, 0.0
    for i, time in enumerate(times.tolist()):
        if time < latest - _AGAIN:
            latest, shift = -np.inf, end + 10.0 - time
        if time > latest:
            latest, end = time, time + shift
            line[i] = end
    return line


def moments_on(line: Times, count: int) -> list[tuple[int, int]]:
    """``count`` frames, equally spaced among those that have a frame one second later, each with that frame.

    A second is right to half a step between frames, and to 0.06 s; in a recording so slow that none has a frame then, to
    half of its usual step. ``line`` is of :func:`on_one_line`. Fewer where fewer frames have one.
    """
    place = np.flatnonzero(np.isfinite(line))
    times = line[place]
    if len(times) < 2:
        return []
    step = np.diff(times)
    later = np.searchsorted(times, times + 1).clip(1, len(times) - 1)
    end = later - (times + 1 - times[later - 1] < times[later] - times - 1)  # the nearer one
    off = np.abs(times[end] - times - 1)
    off[end <= np.arange(len(end))] = np.inf
    good = np.flatnonzero(off <= np.minimum(SECOND, step[later - 1] / 2 + 1e-9))
    if not len(good):
        good = np.flatnonzero(off <= min(0.5, float(np.median(step)) / 2) + 1e-9)
    chosen = np.unique(np.linspace(0, len(good) - 1, min(count, len(good))).round().astype(np.int64))
    return [(int(place[good[i]]), int(place[end[good[i]]])) for i in chosen]


def _all_of(names: Sequence[str], read: Callable[[str], int | None]) -> list[int] | None:
    """The outcome of ``read`` for each name; None where it makes nothing of one, or the same of two."""
    found = [read(name) for name in names]
    known = [value for value in found if value is not None]
    return known if len(set(known)) == len(names) else None


def _with_unit(name: str) -> int | None:
    match = _WITH_UNIT.search(name)
    if match is None:
        return None
    hours, minutes, number, part, unit = match.groups()
    one = _UNITS[unit.lower()]
    more = int((part or "").ljust(9, "0")[:9]) * one // 10**9
    return (int(hours or 0) * 3600 + int(minutes or 0) * 60) * 10**9 + int(number) * one + more


def _since_1970(name: str) -> int | None:
    number = (re.findall(r"\d+", name) or [""])[-1]
    unit = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}.get(len(number))
    return int(number) * unit if unit and 10**18 <= int(number) * unit < 42 * 10**17 else None


def _on_the_clock(name: str) -> int | None:
    match = _CLOCK.search(name)
    if match is None:
        return None
    year, _, month, day, *time = match.groups("")
    hour, minute, second, part = [*time[:3], time[3] or time[4]] if time[0] else time[5:]
    with contextlib.suppress(ValueError):  # no such date
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=timezone.utc)
        return int(at.timestamp()) * 10**9 + int(part.ljust(9, "0"))
    return None


def _of_the_day(name: str) -> int | None:
    if match := _COLONS.search(name):
        hours, minutes, seconds, part = match.groups("")
    elif match := _OF_THE_DAY.search(name):
        hours, _, minutes, seconds, *parts = match.groups("")
        part = "".join(parts)
    else:
        return None
    return (int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)) * 10**9 + int(part.ljust(9, "0"))


def _with_point(name: str) -> int | None:
    match = _DECIMAL.search(name)
    return None if match is None else int(match[1]) * 10**9 + int((match[2] or "").ljust(9, "0")[:9])


def _last_number(name: str) -> int | None:
    number = re.findall(r"\d+", name)[-1:]
    return int(number[0]) if number else None
