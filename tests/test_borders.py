"""The borders of the house: what is printed, opened, decoded and written as Markdown goes through one helper each."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain

import pytest
from borders import decoded, filled, marked, opened, printed
from snippets import ROOT

TEMPLATES = [path for ending in ("*.html", "*.md", "*.jinja") for path in (ROOT / "zoo").rglob(ending)]
HELPERS = {
    printed: {"zoo/utils/words.py"},
    opened: {"zoo/utils/files.py", "zoo/utils/bounds.py"},  # the second reads what the system itself tells
    decoded: {"zoo/__init__.py", "zoo/utils/tensors.py"},  # imports the rooms that it names; says that it raises anything
    marked: {"zoo/utils/words.py", "zoo/utils/templates.py"},
}
"""By rule the modules that are the helper."""
PLANTED: list[tuple[Callable[[ast.Module], Iterator[str]], str]] = [
    (printed, "print(error)"),
    (printed, "import sys\nsys.stderr.write(name)"),
    (printed, "from typer import echo as tell\ntell(name)"),
    (printed, "error.show()"),
    (opened, "text = path.read_text()"),
    (opened, "with (folder / name).open('rb') as file: pass"),
    (opened, "with open(path) as file: pass"),
    (opened, "import numpy\ndef read(path):\n    return numpy.load(path)"),
    (opened, "from safetensors import safe_open as so\nso(path, 'pt')"),
    (opened, "def one(path):\n    path = regular(path)\ndef two(path):\n    return path.read_bytes()"),
    (decoded, "import json\njson.loads(text)"),
    (decoded, "import json\ntry:\n    json.loads(text)\nexcept ValueError:\n    pass"),
    (decoded, "from PIL import Image as PIL\nwith suppress(OSError):\n    PIL.open(file)"),
    (decoded, "import zipfile\ntry:\n    read()\nexcept (OSError, zipfile.BadZipFile):\n    pass"),
    (decoded, "from msgspec import ValidationError\ntry:\n    read()\nexcept ValidationError:\n    pass"),
    (decoded, "import json\ndef _read(text):\n    return json.loads(text)\nwith border('it'):\n    _read(text)\n_read(text)"),
    (decoded, "from zoo.utils import tensors\ntensors.read(path)"),
    (decoded, "from importlib import import_module\nimport_module(entry.module)"),
    (marked, "f'# {title}'"),
    (marked, "text = f'- `{name}`: {value}'"),
    (marked, "f'| {name} | {value} |'"),
    (marked, "f'[{name}]({url})'"),
    (marked, "import jinja2\njinja2.Environment()"),
]
RIGHT = {
    printed: "say(error)",
    opened: "import numpy\npath.open('w')\nnumpy.load(BytesIO(data))\nread_text(path)\nnumpy.load(regular(path))",
    decoded: "import json\nwith border('it'):\n    _read(1)\ndef _read(t):\n    json.loads(t)\njson.loads(json.dumps(1))",
    marked: "f'{name}: {value} - not # a heading'; f'# {markdown(title)}'",
}


@cache
def files() -> dict[str, ast.Module]:
    """The modules of the project by their path, parsed once where they are looked at."""
    folders = ((ROOT / name).rglob("*.py") for name in ("zoo", "plugins", "tasks", "metrics"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in sorted(chain(*folders))}


@pytest.mark.parametrize("rule", HELPERS, ids=lambda rule: str(rule.__name__))
def test_the_borders_hold_everywhere(rule: Callable[[ast.Module], Iterator[str]]) -> None:
    broken = {name: [*rule(tree)] for name, tree in files().items() if name not in HELPERS[rule]}
    assert {name: wrong for name, wrong in broken.items() if wrong} == {}


def test_templates_escape_all_that_they_fill_in() -> None:
    assert len(TEMPLATES) >= 5
    assert {path.name: [*filled(path.read_text())] for path in TEMPLATES if [*filled(path.read_text())]} == {}
    assert [*filled("{{ name | safe }}\n- `{{ name }}`")] == ["1: | safe", "2: `{{"]


@pytest.mark.parametrize(("rule", "text"), PLANTED)
def test_what_breaks_a_border_is_found(rule: Callable[[ast.Module], Iterator[str]], text: str) -> None:
    assert [*rule(ast.parse(text))] != []
    assert [*rule(ast.parse(RIGHT[rule]))] == []
