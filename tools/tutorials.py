"""Run the notebooks of ``docs/tutorials`` in a kernel, each in an empty folder, and write into them what their cells show.

pip install -e '.[dev]' && python tools/tutorials.py
"""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
WIDEST = 720
"""Pixels of a picture that is kept."""


def ran(path: Path, where: Path) -> Any:
    """The notebook with the outputs of its cells, run in the folder ``where``."""
    book = nbformat.read(path, 4)
    NotebookClient(book, timeout=600, resources={"metadata": {"path": str(where)}}, record_timing=False).execute()
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]  # it names folders of ours
            for data in (output["data"] for output in cell.outputs if "image/jpeg" in output.get("data", {})):
                data.pop("image/png", None)  # the same picture, much larger
                data["image/jpeg"] = small(data["image/jpeg"])
    return book


def small(picture: str) -> str:
    """A JPEG in base64, no wider than what is kept."""
    image, buffer = Image.open(io.BytesIO(base64.b64decode(picture))), io.BytesIO()
    image.thumbnail((WIDEST, WIDEST))
    image.save(buffer, "JPEG", quality=80, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def main() -> None:
    """Run all of them, then write all of them: what they show has the commit, and whether a file differs from it."""
    books = {}
    for path in sorted(FOLDER.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as where:
            books[path] = ran(path, Path(where))
    for path, book in books.items():
        nbformat.write(book, path)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
