"""The memory of the files in a folder, so that a file is looked at again only after it has changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo import IMAGE_RULES, cache_folder, cause, decoders, on_all_cores, optional_write, progress, read_bytes, whole_file

_CHUNK = 4096
"""Files that are looked at between two writes of the memory; more where it is large."""
_FRESH = 100_000_000
"""Nanoseconds: a file that was written so short a while ago may be written again without a change of its times."""


class Stamp(NamedTuple):
    """Of a file, all that changes with its content: another of its size and date may take its place, but not with these."""

    size: int
    written: int
    changed: int
    file: int

    @classmethod
    def of(cls, path: str) -> Stamp:
        stat = os.stat(path)
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


_Known = dict[str, tuple[Stamp, str]]
"""Of each file that can be used, by its name: its stamp and its facts."""


def judged(
    root: Path, names: Sequence[str], judge: Callable[[Path], str], kind: str = "images"
) -> tuple[dict[str, str], dict[str, str]]:
    """The facts of the files that can be used, which are remembered, and the reason of each that cannot.

    ``judge`` gives the facts of a file, beginning with its sha256 in hexadecimal, or raises an error whose :func:`zoo.cause`
    says why it cannot be used. Such a file is looked at each time: what kept it from being read may be over. Other kinds of
    files have other judges, and are remembered apart.
    """
    memory = _place(root, kind)
    known = _recall(memory)
    facts: dict[str, str] = {}
    bad: dict[str, str] = {}
    stamps: dict[str, Stamp] = {}
    for name in names:
        try:
            path = os.path.join(root, name)
            if name.endswith(("/", ".")):  # a folder, which is named only because it could not be read
                os.listdir(path)
            stamp = stamps[name] = Stamp.of(path)
        except Exception as error:
            bad[name] = cause(error)
            continue
        facts[name] = known[name][1] if name in known and known[name][0] == stamp else ""
    new = [name for name, told in facts.items() if not told]

    def verdict(name: str) -> tuple[str, str]:
        try:
            return judge(root / name), ""
        except Exception as error:  # whatever a decoder makes of foreign bytes
            return "", cause(error)

    with progress(len(new), f"looking at the {kind} in {root.name}", show=len(new) >= 1000) as bar:
        start = 0
        while start < len(new):
            chunk = new[start : start + max(_CHUNK, len(known) // 4)]  # rarer as it grows, since all of it is written anew
            start += len(chunk)
            now = time.time_ns()
            for name, (told, reason) in zip(chunk, on_all_cores(verdict, chunk, bar), strict=True):
                stamp = stamps[name]
                if reason:
                    bad[name] = reason
                facts[name] = told
                known.pop(name, None)
                if told and max(stamp.written, stamp.changed) < now - _FRESH and _unchanged(root, name, stamp):
                    known[name] = stamp, told
            _remember(memory, known)
    order = {name: i for i, name in enumerate(names)}
    return {name: told for name, told in facts.items() if told}, dict(sorted(bad.items(), key=lambda item: order[item[0]]))


def forget(root: Path, kind: str = "images") -> None:
    """Look at all files of ``root`` again when they are asked for."""
    with optional_write():
        _place(root, kind).unlink(missing_ok=True)


def _unchanged(root: Path, name: str, stamp: Stamp) -> bool:
    try:
        return Stamp.of(os.path.join(root, name)) == stamp
    except OSError:
        return False


def _place(root: Path, kind: str) -> Path:
    place = os.fsencode(f"{kind} {root.resolve()} of version 2")
    return cache_folder() / "folders" / f"{hashlib.sha256(place).hexdigest()[:32]}.json"


def _rules() -> str:
    return f"{IMAGE_RULES}, {decoders()}"


def _recall(memory: Path) -> _Known:
    """All that the file ``memory`` holds; nothing where it is absent, of other rules, or not what was written."""
    import msgspec

    try:
        digest, rules, files = read_bytes(memory).split(b"\n")
        if digest.decode() == hashlib.sha256(rules + files).hexdigest() and rules.decode() == _rules():
            kept = msgspec.json.decode(files, type=dict[str, tuple[Stamp, str]])
            return {os.fsdecode(name.encode("latin-1")): told for name, told in kept.items()}
    except Exception:  # whatever is wrong with it, everything is read again
        pass
    return {}


def _remember(memory: Path, known: _Known) -> None:
    files = json.dumps({os.fsencode(name).decode("latin-1"): told for name, told in known.items()}).encode()
    rules = _rules().encode()
    with optional_write(), whole_file(memory) as part:
        part.write_bytes(b"\n".join([hashlib.sha256(rules + files).hexdigest().encode(), rules, files]))
