"""Which files a folder has, and what was found out about each of them, remembered until it changes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from zoo import IMAGE_RULES, cache_folder, on_all_cores, optional_write, progress, whole_file

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Photos in a folder, in any case."""
_CHUNK = 4096
"""Files that are looked at between two writes of the memory."""
_MANY = 1000
"""Looking at so many files shows its progress."""
_NAMED = 5
"""How many skipped files a warning names."""


def judged(
    root: Path, names: Sequence[str], judge: Callable[[Path], tuple[str, str]], kind: str = "images"
) -> dict[str, tuple[str, str]]:
    """What ``judge`` says of each file of ``root``, remembered by size and modification time.

    Args:
        root: a folder.
        names: files in it, relative, with slashes.
        judge: gives (what is known of a file that can be used, beginning with its sha256 in hexadecimal; ""), or
            ("", the reason) for one that cannot be used.
        kind: what these files are; other kinds have other judges, and are remembered apart.
    """
    place = str(root.resolve()) if kind == "images" else f"{kind} {root.resolve()}"
    memory = cache_folder() / "folders" / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.json"
    known = _recall(memory)
    verdicts: dict[str, list] = {}  # name: [size, mtime_ns, what is known or "", reason or ""]
    new = []
    for name in names:
        try:
            stat = os.stat(os.path.join(root, name))
            verdicts[name] = [stat.st_size, stat.st_mtime_ns, "", ""]
        except OSError as error:
            verdicts[name] = [-1, -1, "", error.strerror or str(error)]
            continue
        old = known.get(name)
        if old is not None and old[:2] == verdicts[name][:2]:
            verdicts[name] = old
        else:
            new.append(name)
    with progress(len(new), f"looking at the {kind} in {root.name}", show=len(new) >= _MANY) as bar:
        for start in range(0, len(new), _CHUNK):
            chunk = new[start : start + _CHUNK]
            for name, verdict in zip(chunk, on_all_cores(lambda n: judge(root / n), chunk, bar), strict=True):
                verdicts[name][2:] = verdict
            _remember(memory, known | verdicts)  # two splits may be two lists of files in one folder
    return {name: (verdict[2], verdict[3]) for name, verdict in verdicts.items()}


def image_names(root: Path, extensions: Collection[str] = EXTENSIONS) -> list[str]:
    """The files below ``root`` with one of these extensions, by default images: relative paths with slashes, sorted.

    Hidden files and folders are left out; links are followed, each folder once.
    """
    names, seen = [], set()
    for folder, inner, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        below = "" if Path(folder) == root else Path(folder).relative_to(root).as_posix() + "/"
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in extensions:
                names.append(below + name)
    return sorted(names)


def _recall(memory: Path) -> dict[str, list]:
    try:
        remembered = json.loads(memory.read_text(encoding="utf-8"))
        if remembered["rules"] != IMAGE_RULES:
            return {}
        files: dict[str, list] = remembered["files"]
        for _, _, content, reason in files.values():
            if not reason and len(bytes.fromhex(content.partition(" ")[0])) != 32:
                return {}
        return files
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # absent or broken: everything is read again
        return {}


def _remember(memory: Path, verdicts: Mapping[str, list]) -> None:
    # An unreadable file may become readable by a change of permissions, which leaves its times as they are.
    done = {name: verdict for name, verdict in verdicts.items() if verdict[2] or (verdict[3] and verdict[0] >= 0)}
    with optional_write(), whole_file(memory) as part:
        part.write_text(json.dumps({"rules": IMAGE_RULES, "files": done}), encoding="utf-8")


def summary(bad: Mapping[str, str]) -> str:
    """The first few files with the reason of each, and how many more there are."""
    shown = [f"{name} ({reason})" for name, reason in list(bad.items())[:_NAMED]]
    more = len(bad) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")
