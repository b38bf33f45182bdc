"""Where things lie in folders as people have them: splits, files deeper or under other names, and what is there instead."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from zoo import RequestError, Split, one_line

SPLITS: dict[Split, tuple[str, ...]] = {
    "train": ("train", "training"),
    "test": ("test", "testing", "val", "validation", "valid", "dev"),
}
"""Names of the folder of a split, in any case; the first of them that is there is meant."""
_MORE = r"(?:[-_ .]?(?:images?|imgs?|photos?|pictures?|videos?|data|set|split|\d{4}))*"
_OF_A_SPLIT = re.compile(
    r"(?<![a-z])(?:(train(?:ing)?|trn)|(test(?:ing)?|tst)|val(?:id(?:ation)?)?|dev|eval(?:uation)?|hold[-_ ]?out)"
    r"(?:[-_ ]?set)?(?![a-z])",
    re.IGNORECASE,
)
NOT_MEANT = frozenset({"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found", "System Volume Information"})
"""Folders that systems put among those of people: of archives, of small copies, and of what was thrown away."""
_PACKED = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".7z.001", ".rar")
_NOTES = frozenset({"", ".txt", ".md", ".json", ".yaml", ".yml", ".csv", ".xml", ".html", ".pdf", ".zip", ".tgz", ".gz"})
"""Endings of files that may lie beside the folder which holds everything."""


def inside(root: Path, folders: bool) -> list[str]:
    """The names of the folders, or of all else, in a folder, sorted; without hidden ones and what cannot be read.

    Hidden is also what systems put among the folders of people, as ``__MACOSX/``.
    """
    try:
        with os.scandir(root) as entries:
            shown = (entry for entry in entries if entry.name[0] != "." and entry.name not in NOT_MEANT)
            return sorted(entry.name for entry in shown if _is_folder(entry) == folders)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def split_folder(root: Path, split: Split) -> Path | None:
    """The folder of a split in ``root``: ``train``, ``Training``, ``val``, ``validation_images``, ``train2017``, ...

    Beside a folder for testing, one for validation is left alone. A RequestError where two mean the same.
    """
    folders = inside(root, folders=True)
    for word in SPLITS[split]:
        plain = [name for name in folders if name.casefold() == word]
        named = plain or [name for name in folders if re.fullmatch(word + _MORE, name.casefold())]
        if len(named) > 1 and word not in named:
            raise RequestError(f"{root} has {'/, '.join(named)}/, and one folder is needed for the split {split}; leave one")
        if named:
            return root / (word if word in named else named[0])
    return None


def twins(names: Iterable[str]) -> dict[str, str]:
    """Those of the folders side by side that are of a split, ``train``, ``test`` or ``val``, by their names.

    They are where another is called the same but for that word: ``photos_train`` and ``photos_val``, ``seg_train`` and
    ``seg_test``, ``train`` and ``eval``.
    """
    alike: dict[str, dict[str, str]] = {}
    for name in names:
        if found := _OF_A_SPLIT.search(name):
            side = "train" if found[1] else "test" if found[2] else "val"
            alike.setdefault(f"{name[: found.start()]}/{name[found.end() :]}".casefold().strip(), {})[name] = side
    pairs = [group for group in alike.values() if "train" in group.values() and len({*group.values()}) > 1]
    return {name: side for group in pairs for name, side in group.items()}


def split_folders(root: Path) -> dict[Split, Path]:
    """The folders of both splits, or none: those in ``root``, in its ``images/``, or in the one folder that it holds."""
    for _ in range(4):
        train, test = split_folder(root, "train"), split_folder(root, "test")
        if train and test:
            return {"train": train, "test": test}
        folders = inside(root, folders=True)
        alike = twins(folders)
        of = {side: [root / name for name in folders if alike.get(name) == side] for side in ("train", "test", "val")}
        if len(of["train"]) == 1 and len(held := of["test"] or of["val"]) == 1:
            return {"train": of["train"][0], "test": held[0]}
        deeper = [name for name in folders if name.casefold() in ("images", "imgs", "photos")] or folders
        loose = any(PurePosixPath(name).suffix.lower() not in _NOTES for name in inside(root, folders=False))
        if len(deeper) != 1 or loose or train or test:
            break
        root = root / deeper[0]
    return {}


def seek(root: Path, *patterns: str, folder: bool = False, depth: int = 3) -> Path | None:
    """The file, or folder, nearest to ``root`` that is called so, in any case: regular expressions, the first counts most.

    A RequestError where several are as near.
    """
    level = [root]
    for _ in range(depth + 1):
        found: dict[int, list[Path]] = {}
        for place in level:
            for name in inside(place, folder):
                match = next((i for i, wanted in enumerate(patterns) if re.fullmatch(wanted, name, re.IGNORECASE)), None)
                if match is not None:
                    found.setdefault(match, []).append(place / name)
        if found:
            best = found[min(found)]
            if len(best) > 1:
                there = " and ".join(str(path.relative_to(root)) for path in best[:3])
                raise RequestError(f"{root} has {there}; name the folder of one of them")
            return best[0]
        level = [place / name for place in level[:500] for name in inside(place, folders=True)]
    return None


def holds(root: Path) -> str:
    """The first few names in a folder, in one line, to be said of a folder that lacks something."""
    names = [f"{name}/" for name in inside(root, folders=True)] + inside(root, folders=False)
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return one_line(", ".join(names[:6]) + more) or "nothing"


def still_packed(root: Path, name: str) -> str:
    """A clause that names an archive of ``name`` that was not unpacked, "" where there is none."""
    packed = seek(root, *(re.escape(name + end) for end in _PACKED), depth=1)
    return f"; unpack {packed.name} first" if packed else ""


class Listing:
    """The files below a folder, by the names that a list gives them.

    Lists name files as somebody had them: with folders too many or too few, with backslashes, with another ending or in
    another case. Only what is there is ever found, so that no list leads out of the folder.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = set(names)

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for name in sorted(self.names):
            stems.setdefault(PurePosixPath(name).stem.casefold(), []).append(name)
        return stems

    def find(self, name: str) -> str | None:
        """The file that ``name`` means, where one alone is meant."""
        if name in self.names:
            return name
        wanted = PurePosixPath(name.replace("\\", "/").casefold())
        near: dict[tuple[int, bool], list[str]] = {}
        for there in self._stems.get(wanted.stem, ()):
            path = PurePosixPath(there.casefold())
            common = min(len(path.parts), len(wanted.parts)) - 1  # folders that both have
            if path.parts[:-1][len(path.parts) - 1 - common :] == wanted.parts[:-1][len(wanted.parts) - 1 - common :]:
                near.setdefault((common, path.suffix == wanted.suffix), []).append(there)
        best = near[max(near)] if near else []
        return best[0] if len(best) == 1 else None
