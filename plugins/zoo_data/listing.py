"""Which files a folder has, and what was found out about each of them, remembered until it changes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from zoo import IMAGE_RULES, cache_folder, on_all_cores, optional_write, progress, whole_file

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Photos in a folder, in any case."""
_CHUNK = 4096
"""Files that are looked at between two writes of the memory."""
_MANY = 1000
"""Looking at so many files shows its progress."""
_NAMED = 5
"""How many skipped files a warning names."""
_Verdict = tuple[int, int, str, str]
"""Of a file: its size, its time (ns), and its facts or the reason why it cannot be used."""


class _Memory(TypedDict):
    rules: str
    files: dict[str, _Verdict]


def judged(
    root: Path, names: Sequence[str], judge: Callable[[Path], str], kind: str = "images"
) -> tuple[dict[str, str], dict[str, str]]:
    """The facts of the files that can be used, and the reason of each that cannot, remembered by size and time.

    Args:
        root: a folder.
        names: files in it, relative, with slashes.
        judge: gives the facts of a file, beginning with its sha256 in hexadecimal; raises an OSError, or a ValueError that
            says why it cannot be used.
        kind: of these files; other kinds have other judges, and are remembered apart.
    """
    place = str(root.resolve()) if kind == "images" else f"{kind} {root.resolve()}"
    memory = cache_folder() / "folders" / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"
    known = _recall(memory)
    verdicts: dict[str, _Verdict] = {}
    for name in names:
        try:
            stat = os.stat(os.path.join(root, name))
            now = (stat.st_size, stat.st_mtime_ns)
            verdicts[name] = known[name] if now == known.get(name, ())[:2] else (*now, "", "")
        except OSError as error:
            verdicts[name] = (-1, -1, "", error.strerror or str(error))
    new = [name for name, (_, _, facts, reason) in verdicts.items() if not facts and not reason]

    def verdict(name: str) -> _Verdict:
        size, time = verdicts[name][:2]
        try:
            return size, time, judge(root / name), ""
        except (OSError, ValueError) as error:
            return size, time, "", getattr(error, "strerror", None) or str(error)

    with progress(len(new), f"looking at the {kind} in {root.name}", show=len(new) >= _MANY) as bar:
        for start in range(0, len(new), _CHUNK):
            chunk = new[start : start + _CHUNK]
            verdicts.update(zip(chunk, on_all_cores(verdict, chunk, bar), strict=True))
            both = (known | verdicts).items()  # two splits may be two lists of files in one folder
            # An unreadable file may become readable by a change of permissions, which leaves its times as they are.
            done = {name: verdict for name, verdict in both if verdict[2] or (verdict[3] and verdict[0] >= 0)}
            with optional_write(), whole_file(memory) as part:
                part.write_text(json.dumps({"rules": IMAGE_RULES, "files": done}), encoding="utf-8")
    facts = {name: facts for name, (_, _, facts, reason) in verdicts.items() if not reason}
    return facts, {name: reason for name, (_, _, _, reason) in verdicts.items() if reason}


def file_names(root: Path, extensions: Collection[str] = EXTENSIONS) -> list[str]:
    """The files below ``root`` with one of these extensions, by default images: relative paths with slashes, sorted.

    Hidden files and folders are left out; links are followed, each folder once.
    """
    names, seen = [], set()
    for folder, inner, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        inner[:] = [] if real in seen else sorted(name for name in inner if not name.startswith("."))
        if real not in seen:
            seen.add(real)
            below = "" if Path(folder) == root else Path(folder).relative_to(root).as_posix() + "/"
            named = (name for name in files if not name.startswith("."))
            names += [below + name for name in named if os.path.splitext(name)[1].lower() in extensions]
    return sorted(names)


def _recall(memory: Path) -> dict[str, _Verdict]:
    import msgspec

    try:
        remembered = msgspec.json.decode(memory.read_bytes(), type=_Memory)
    except (OSError, msgspec.DecodeError):  # absent or broken: everything is read again
        return {}
    whole = all(reason or re.match("[0-9a-f]{64}", facts) for _, _, facts, reason in remembered["files"].values())
    return remembered["files"] if whole and remembered["rules"] == IMAGE_RULES else {}


def summary(bad: Mapping[str, str]) -> str:
    """The first few files with the reason of each, and how many more there are."""
    shown = [f"{name} ({reason})" for name, reason in list(bad.items())[:_NAMED]]
    more = len(bad) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")
