"""Four rules of the borders of the house, looked up in the text of its modules: each function gives what breaks its rule.

What is printed goes through ``say``. What is opened was proved to be a regular file. What foreign code decodes, it decodes
within a border. What becomes Markdown goes through a template, or a helper of ``zoo.utils.words``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

PRINTS = {"print", "typer.echo", "typer.secho", "click.echo", "traceback.print_exc", "pprint.pprint", "logging.warning"}
STREAMS = re.compile(r"sys\.(__)?std(out|err)(__)?\.(buffer\.)?write(lines)?")
OPENS = {
    "open", "os.open", "io.open", "gzip.open", "zipfile.ZipFile", "tarfile.open", "numpy.load", "numpy.fromfile", "torch.load",
    "safetensors.safe_open", "safetensors.torch.load_file", "safetensors.numpy.load_file", "PIL.Image.open",
    "cv2.VideoCapture", "cv2.imread", "pycocotools.coco.COCO", "scipy.io.loadmat",
}  # fmt: skip
READS = {"read_bytes", "read_text", "open"}
"""Methods of a path."""
DECODES = OPENS - {"open", "os.open", "io.open"} | {
    "json.loads", "json.load", "msgspec.json.decode", "msgspec.toml.decode", "msgspec.convert", "numpy.loadtxt", "csv.reader",
    "numpy.genfromtxt", "gzip.decompress", "zlib.decompress", "yaml.safe_load", "tomllib.loads", "tomllib.load",
    "csv.DictReader", "ast.literal_eval",
    "zoo.utils.tensors.read", "zoo.utils.tensors.read_header", "importlib.import_module", "PIL.ImageCms.profileToProfile",
}  # fmt: skip
DECODERS = {"zlib", "zipfile", "struct", "binascii", "csv", "json", "gzip", "tarfile", "tomllib", "pickle", "lzma", "bz2"}
"""Modules of Python whose own errors are those of a decoder."""
OURS = {"zoo", "zoo_data", "zoo_networks", "queue", "subprocess", "importlib", "concurrent", "contextlib", "typer", "builtins"}
WIDE = {"Exception", "BaseException"}
MARKUP = re.compile(r"```|\]\(|\*\*[^*]+\*\*|(^|\n)(#+ |\| .*\||[-*] `)")
ESCAPES = {"markdown", "code", "fenced", "len"}
Broken = Iterator[str]


def printed(tree: ast.Module) -> Broken:
    """Calls that print otherwise than through ``say``."""
    names = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = _called(node.func, names)
            show = called.endswith(".show") and not node.keywords and not node.args
            if called in PRINTS or STREAMS.fullmatch(called) or show:
                yield f"{node.lineno}: {called}"


def opened(tree: ast.Module) -> Broken:
    """Calls that open or read a file of which it was not seen, by ``regular``, that it is one."""
    names = _names(tree)
    for scope, node in _calls(tree):
        called = _called(node.func, names)
        method = isinstance(node.func, ast.Attribute) and node.func.attr in READS and called not in OPENS
        if not method and (called not in OPENS or not (node.args or node.keywords)):
            continue  # without a word, pycocotools' COCO opens nothing
        files: list[ast.expr] = [*node.args, *(word.value for word in node.keywords)]
        if method and isinstance(node.func, ast.Attribute):
            if called.split(".")[0] in names and not isinstance(node.func.value, ast.Name):
                continue  # a function of a module
            files.append(node.func.value)
        if not _writes(node, method) and not any(_proved(file, scope) for file in files):
            yield f"{node.lineno}: {called}"


def decoded(tree: ast.Module) -> Broken:
    """Foreign decoders called outside of a border, and handlers that name the errors of foreign code, and not all of them."""
    names, kept, own = _names(tree), set[ast.AST](), _own_borders(tree)
    for node in ast.walk(tree):
        inside: list[ast.stmt] = []
        if isinstance(node, ast.With) and any(_is_border(item.context_expr, own) for item in node.items):
            inside = node.body
        elif isinstance(node, ast.Try):
            if any(_is_wide(handler.type) for handler in node.handlers):
                inside = node.body
            else:
                for handler in node.handlers:
                    yield from _listed(handler, names)
        kept.update(part for statement in inside for part in ast.walk(statement))
    for function in _called_within(tree, kept):
        kept.update(ast.walk(function))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node not in kept and (node.args or node.keywords):
            called = _called(node.func, names)
            if called in DECODES and not _is_own(node, names):
                yield f"{node.lineno}: {called}"


def marked(tree: ast.Module) -> Broken:
    """Markdown put together by hand."""
    names = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            filled_in = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
            if MARKUP.search(text) and not all(
                isinstance(one, ast.Call) and _called(one.func, {}) in ESCAPES for one in filled_in
            ):
                yield f"{node.lineno}: {text!r}"
        elif isinstance(node, ast.Attribute) and _called(node, names) in ("jinja2.Environment", "jinja2.Template"):
            yield f"{node.lineno}: {node.attr}"


def filled(template: str) -> Broken:
    """What a template fills in unescaped."""
    for number, line in enumerate(template.splitlines(), 1):
        for wrong in re.findall(r"\|\s*safe\b|autoescape|(?<!`)`\s*\{\{|Markup", line):
            yield f"{number}: {wrong}"


def _called_within(tree: ast.Module, kept: set[ast.AST]) -> Iterator[ast.FunctionDef]:
    """The module's own functions that are called within a border alone, those first that others call."""
    private = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("_")]
    while private:
        calls = {function: [n for n in ast.walk(tree) if _refers(n, function.name)] for function in private}
        inside = [function for function, places in calls.items() if places and all(place in kept for place in places)]
        if not inside:
            return
        yield from inside
        private = [function for function in private if function not in inside]


def _refers(node: ast.AST, name: str) -> bool:
    return (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)


def _names(tree: ast.Module) -> dict[str, str]:
    """The full name of all that a module imports, anywhere."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _called(node: ast.expr, names: dict[str, str]) -> str:
    """The full dotted name of what is called, beginning with a dot where that is computed."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    return f"{_called(node.value, names)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def _calls(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.Call]]:
    """All calls, each with the function that it stands in, or the module."""
    scopes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    seen = set[ast.AST]()
    for scope in [*reversed(scopes), tree]:
        for node in ast.walk(scope):
            if isinstance(node, ast.Call) and node not in seen:
                seen.add(node)
                yield scope, node


def _writes(node: ast.Call, method: bool) -> bool:
    words = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")][0 if method else 1 :]
    modes = [word.value for word in words[:1] if isinstance(word, ast.Constant)]
    return any(isinstance(mode, str) and mode[:1] in ("w", "a", "x") for mode in modes)


def _proved(file: ast.expr, scope: ast.AST) -> bool:
    """Whether a file was looked at: in this very expression, or where its name was given to it; or lies in memory."""
    sources = {node.id for node in ast.walk(file) if isinstance(node, ast.Name)}
    given = [file]
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and any(isinstance(name, ast.Name) and name.id in sources for name in node.targets):
            given.append(node.value)
        opened = isinstance(node, ast.withitem) and isinstance(node.context_expr, ast.Call) and node.optional_vars
        if isinstance(opened, ast.Name) and opened.id in sources:
            return True  # what was opened, and no path
        if isinstance(node, ast.arg) and node.arg in sources and node.annotation and "IO[" in ast.unparse(node.annotation):
            return True
    inside = [node for expression in given for node in ast.walk(expression)]
    called = {_called(node.func, {}).rpartition(".")[2] for node in inside if isinstance(node, ast.Call)}
    return bool(called & {"regular", "BytesIO", "StringIO"}) or "os.devnull" in {ast.unparse(node) for node in inside}


def _own_borders(tree: ast.Module) -> set[str]:
    """The context managers of a module that have a border around what is done within them."""
    made = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any("contextmanager" in ast.unparse(one) for one in node.decorator_list):
            parts = [*ast.walk(node)]
            wide = any(isinstance(part, ast.ExceptHandler) and _is_wide(part.type) for part in parts)
            if wide or any(isinstance(part, ast.withitem) and _is_border(part.context_expr, set()) for part in parts):
                made.add(node.name)
    return made


def _is_border(node: ast.expr, own: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = _called(node.func, {}).rpartition(".")[2]
    return called in {"border", "translated", *own} or (
        called == "suppress" and any(_is_wide(argument) for argument in node.args)
    )


def _is_wide(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(each is None or (isinstance(each, ast.Name) and each.id in WIDE) for each in kinds)


def _listed(handler: ast.ExceptHandler, names: dict[str, str]) -> Broken:
    for kind in handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]:
        head = (
            _called(kind, names).partition(".")[0] if kind is not None and isinstance(kind, (ast.Name, ast.Attribute)) else ""
        )
        foreign = head in DECODERS or (head in set(names.values()) | {name.partition(".")[0] for name in names.values()})
        if foreign and (head in DECODERS or head.partition(".")[0] not in OURS):
            yield f"{handler.lineno}: except {ast.unparse(kind)}" if kind is not None else ""


def _is_own(node: ast.Call, names: dict[str, str]) -> bool:
    """Whether what is decoded was encoded just so, or what is imported is named in the text as one of ours."""
    first = node.args[0] if node.args else node
    if isinstance(first, ast.Call) and _called(first.func, names) == "json.dumps":
        return True
    words = first.values[0] if isinstance(first, ast.JoinedStr) else first
    return isinstance(words, ast.Constant) and str(words.value).startswith("zoo.")
