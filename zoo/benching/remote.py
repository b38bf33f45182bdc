"""A cell done on another machine: what a worker of a cluster does, and how a cell's folder travels without shared files."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from weakref import WeakKeyDictionary

from zoo.benching.cells import begun
from zoo.benching.crew import Crew
from zoo.utils.budget import cores
from zoo.utils.errors import ZooError
from zoo.utils.files import discard, read_bytes, whole_folder

MOST = 1 << 30
"""Bytes of a cell's folder, at most: the worker, the network and the bench all hold them at once."""
Files = dict[str, bytes]
"""Contents by path, with ``/``; all below one folder."""


class TooMuch(ZooError):
    """A cell's folder is too large to be sent."""


_crews: WeakKeyDictionary[Any, dict[str, Crew]] = WeakKeyDictionary()
_guard = threading.Lock()


def do(task: Mapping[str, Any]) -> dict[str, Any]:
    """Do a cell as the work of a dask worker, in a process beside it, and give what it left and why it failed, if it did.

    ``task`` has what :meth:`zoo.benching.crew.Crew.do` is asked, the ``bench`` that it is of, and the ``files`` that it goes
    on from; the answer ``reason``, ``files`` and, where this worker is no place to do it, ``refused``.

    Raises:
        Ended: the process died; dask tries again.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state != "cancelled" and worker.status.name not in ("closing", "closed", "failed")

    name = Path(task["request"]["out"]).name
    with tempfile.TemporaryDirectory(prefix="zoo-", dir=worker.local_directory, ignore_cleanup_errors=True) as above:
        folder = Path(above) / name
        _write(task["files"], Path(above))
        asked = {**task["asked"], "request": {**task["request"], "out": str(folder)}, "log": f"{folder}.log"}
        answer = _crew(worker, task["bench"]).do(asked, wanted)
        if answer is None:
            raise ZooError("it was given up")
        try:
            files = packed(folder)
        except TooMuch as error:  # which it would be again
            files, answer = {}, {"reason": str(error)}
        return {"reason": "", "refused": "", **answer, "worker": worker.address, "files": files}


def _crew(worker: Any, bench: str) -> Crew:
    """The processes of a worker for one bench; those of benches before it end when they have nothing to do."""
    with _guard:
        crews = _crews.setdefault(worker, {})
        if bench not in crews:
            for other in crews.values():
                other.rest()
            crews[bench] = Crew(cores() // worker.state.nthreads)
        return crews[bench]


def leave(bench: str, dask_worker: Any) -> None:
    """The bench has ended: so do the processes of this worker that did its cells."""
    with _guard:
        crew = _crews.get(dask_worker, {}).pop(bench, None)
    if crew is not None:
        crew.rest()


def packed(folder: Path) -> Files:
    """All that a cell has left: its folder, the note of what was asked for, and the log, by name.

    Raises:
        TooMuch: it is more than :data:`MOST`.
    """
    found = {folder.name: folder, begun(folder).name: begun(folder), f"{folder.name}.log": Path(f"{folder}.log")}
    paths = {name + below: path for name, root in found.items() for below, path in _below(root)}
    if (size := sum(path.stat().st_size for path in paths.values())) > MOST:
        raise TooMuch(f"its folder has {size:,} bytes, and at most {MOST:,} are sent through the network")
    return {name: read_bytes(path, MOST) for name, path in paths.items()}


def _below(root: Path) -> Iterator[tuple[str, Path]]:
    if root.is_file():
        yield "", root
    for above, _, names in os.walk(root):
        for name in names:
            path = Path(above) / name
            if path.is_file() and not path.is_symlink():
                yield f"/{path.relative_to(root).as_posix()}", path


def unpack(files: Files, folder: Path) -> None:
    """Put what a worker sent in place of a cell's folder, whole: the note of what was asked for before it.

    Raises:
        ZooError: it is no such thing, or the file system refused.
    """
    beside = {name: content for name, content in files.items() if "/" not in name}
    inside = {name.partition("/")[2]: content for name, content in files.items() if "/" in name}
    if {name.partition("/")[0] for name in files} - {folder.name, begun(folder).name, f"{folder.name}.log"}:
        raise ZooError(f"what the worker sent is no folder {folder.name}")
    _check(files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    for path in (begun(folder), Path(f"{folder}.log")):
        path.unlink(missing_ok=True)
    _write(beside, folder.parent)
    discard(folder)
    if inside:
        with whole_folder(folder) as part:
            _write(inside, part)


def _check(files: Files) -> None:
    """See that no name leads out of a folder, on any system."""
    for name in files:
        path = PurePosixPath(name)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            raise ZooError(f"what the worker sent has a file {name!r}")


def _write(files: Files, above: Path) -> None:
    for name, content in files.items():
        path = above.joinpath(*PurePosixPath(name).parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
