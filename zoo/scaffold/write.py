"""Templates filled in: a whole package, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zoo.scaffold.names import Names
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.files import whole_folder, write_text

TEMPLATES = Path(__file__).parent / "template"
SUFFIX = ".template"
"""Of every template: without it tools would take them for code."""


def write_plugin(names: Names, folder: Path) -> list[Path]:
    """Write a plugin with these names to ``folder``, whole or not at all; gives the files, relative to it.

    Raises:
        RequestError: the folder holds something.
        ZooError: the file system refused; nothing is left behind.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} already holds something; name a new folder")
    written = []
    with whole_folder(folder) as part:
        for path, text in _filled(names):
            write_text(part / path, text)
            written.append(path)
    return sorted(written)


def _filled(names: Names) -> Iterator[tuple[Path, str]]:
    words = {
        "@DISTRIBUTION@": names.distribution,
        "@PACKAGE@": names.package,
        "@STEM@": names.stem,
        "@CLASS@": names.cls,
        "@TASK@": names.task,
        "@METRIC@": names.metric,
    }

    def fill(text: str) -> str:
        for mark, word in words.items():
            text = text.replace(mark, word)
        return text

    found = sorted(TEMPLATES.rglob(f"*{SUFFIX}"))
    if not found:
        raise ZooError("this installation of cond-zoo lacks the templates of zoo.scaffold; install it again")
    for template in found:
        parts = template.relative_to(TEMPLATES).with_suffix("").parts
        yield (
            Path(*(names.package if part == "package" else part for part in parts)),
            fill(template.read_text(encoding="utf-8")),
        )
