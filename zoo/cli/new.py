"""``zoo new``."""

from __future__ import annotations

from pathlib import Path

from zoo.utils.errors import RequestError, nearest

KINDS = ("plugin",)


def main(what: str, name: str, out: str | None) -> None:
    """Write a new package and say what to do with it.

    Raises:
        RequestError: there is no such thing to make, the name cannot be used, or the folder holds something.
        ZooError: the file system refused; nothing is left behind.
    """
    if what not in KINDS:
        raise RequestError(f"zoo new makes no {what!r}: {nearest(what, KINDS)}")
    from zoo.scaffold import names_of, write_plugin

    names = names_of(name)
    folder = Path(names.distribution if out is None else out)
    files = write_plugin(names, folder)
    print(f"{names.distribution}, in {folder}:\n")
    print("\n".join(f"  {file}" for file in files))
    print(
        f"\nIt is whole, and works as it stands:\n\n"
        f"  pip install -e {folder}\n"
        f"  zoo check model:{names.stem} task:{names.task} metric:{names.metric}\n"
        f"  zoo run --model {names.stem} --task {names.task}\n\n"
        f"Then put your own model into {folder / names.package / 'model.py'}, at the lines that say so, and say in\n"
        f"{folder / 'pyproject.toml'} who you are and under which licence it is."
    )
