"""JSON and TOML files read strictly: held to a type by msgspec, and every mistake told by file, line, key and what is right.

msgspec says itself what is wrong, but leaves out the names of keys (``$.scores[...]``), which are what a reader looks for.
So it only decides; for a file that it refuses, :func:`_fault` goes down to the value that is wrong.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

import msgspec
import msgspec.toml
from msgspec import Meta

from zoo.utils.bounds import SEEDS
from zoo.utils.errors import RequestError, border, cause, nearest
from zoo.utils.files import read_bytes, regular

SCHEMA, LARGEST = 1, 1_000_000
"""The version of the form of every such file, and the most bytes that one may have."""

Schema = Annotated[int, Meta(ge=1, le=SCHEMA, description=str(SCHEMA))]
Number = Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max, description="a number")]
Share = Annotated[float, Meta(ge=0, le=sys.float_info.max, description="a number, at least 0")]
Seed = Annotated[int, Meta(ge=0, le=SEEDS - 1, description="a whole number from 0 to below 2^63")]
Count = Annotated[int, Meta(ge=1, description="a whole number, at least 1")]
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", NoneType: "null"}
Keys = tuple["str | int", ...]  # from the top of a file down; the number of an entry, from 0, in a list


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table with these keys and no others. What ``__post_init__`` raises begins with the name of a key."""

    moved: ClassVar[Mapping[str, str]] = {}  # by a top-level key of before, what to do with it now


S = TypeVar("S", bound=Strict)


def read(path: Path, kind: type[S]) -> S:
    """The content of the file ``path``, JSON or TOML by its ending; a RequestError where it is not exactly of this form."""
    try:
        size = regular(path).stat().st_size
        if size > LARGEST:
            raise RequestError(f"{path} has {size:,} bytes; it may have at most {LARGEST:,}")
        content = read_bytes(path, LARGEST)
    except (OSError, ValueError) as error:  # a path may hold a zero byte
        raise RequestError(f"cannot read {path}: {cause(error)}") from error
    return parse(content, kind, path, path.suffix == ".toml")


def parse(content: bytes, kind: type[S], path: Path, toml: bool = False) -> S:
    """The values in ``content``, TOML or else JSON, which stands in the file ``path``; raises as :func:`read`."""
    form, decode = ("TOML", msgspec.toml.decode) if toml else ("JSON", msgspec.json.decode)
    try:
        values = decode(content.removeprefix(codecs.BOM_UTF8))  # which some editors put first
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} is no UTF-8 text: byte {error.start} cannot be read") from error
    except Exception as error:
        reason = "its values are nested too deeply" if isinstance(error, RecursionError) else cause(error)
        raise RequestError(f"{path} cannot be read as {form}: {reason}") from error
    if not isinstance(values, dict):
        raise RequestError(f"{path} must hold keys and values, not a {type(values).__name__}")
    schema = values.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise RequestError(f"{path} has schema {schema}, and this version knows {SCHEMA}: upgrade cond-zoo to load it")
    try:
        return msgspec.convert(values, kind)
    except Exception as error:
        with border(f"{path} is not of the right form ({cause(error)})", RequestError):  # deep values cannot even be shown
            keys, wrong = _fault(values, kind)
            line = _line(content, keys) if toml else ""
        raise RequestError(f"{path}{line}{wrong}") from None


def _fault(value: Any, kind: Any, keys: Keys = (), words: str = ":") -> tuple[Keys, str]:
    """The keys of the innermost value that is not of its kind, and in words which that is and what is wrong with it."""
    plain = _plain(kind)
    origin, args = get_origin(plain) or plain, get_args(plain)
    inside: list[tuple[str | int, str, Any, Any]] = []  # key, the word for it, value, kind
    if isinstance(value, dict) and isinstance(origin, type) and issubclass(origin, Strict):
        fields = {field.name: field for field in msgspec.structs.fields(origin)}
        for key in value:
            if key in origin.moved:
                return (*keys, key), f"{words} {origin.moved[key]}"
            if key not in fields:
                return (*keys, key), f"{words.removesuffix(':')} has the unknown key {key!r}: {nearest(key, fields)}"
        for name, field in fields.items():
            if field.required and name not in value:
                return keys, f"{words.removesuffix(':')} lacks {name!r}"
        inside = [(key, key, inner, fields[key].type) for key, inner in value.items()]
    elif isinstance(value, dict) and args:
        for key, inner in value.items():
            if _refusal(key, args[0]):
                return (*keys, key), f"{words} {key!r} is no name here: {_right(args[0])}"
            inside.append((key, repr(key), inner, args[1]))
    elif isinstance(value, list) and args:
        inside = [(i, f"entry {i + 1}", inner, args[0]) for i, inner in enumerate(value)]
    for key, word, inner, inner_kind in inside:
        if _refusal(inner, inner_kind):
            return _fault(inner, inner_kind, (*keys, key), f"{words} {word}")
    if isinstance(value, dict) and inside:  # each key is right, and all of them together are not
        refusal = _refusal(value, kind)
        return (*keys, refusal.partition(" ")[0]), f"{words} {refusal}"
    return keys, f"{words} is {value!r:.200}; it must be {_right(kind)}"


def _refusal(value: Any, kind: Any) -> str:
    """The reason, in msgspec's words, why a value is not of a kind; "" where it is."""
    try:
        msgspec.convert(value, kind)
    except Exception as error:
        return str(error).partition(" - at `$")[0]
    return ""


def _plain(kind: Any) -> Any:
    """A kind without what is only known of it, and without None."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        others = [other for other in get_args(kind) if other is not NoneType]
        return _plain(others[0]) if len(others) == 1 else object
    return kind


def _right(kind: Any) -> str:
    args = get_args(kind)
    if get_origin(kind) is Annotated:
        return next((meta.description for meta in args[1:] if meta.description), None) or _right(args[0])
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, args))
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(map(_right, args))
    if (get_origin(kind) or kind) in (list, tuple):
        return "a list"
    return _WORDS.get(kind, "a table of keys and values")


def _line(content: bytes, keys: Keys) -> str:
    """``:LINE`` of a key in a TOML text, or of what is nearest above it.

    A key begins at the last line before which the text can be read and lacks it.
    """
    lines = content.decode().splitlines(keepends=True)
    while keys and not _has(lines, keys):
        keys = keys[:-1]
    word = str(next((key for key in reversed(keys) if isinstance(key, str)), ""))
    for number in range(len(lines), 0, -1):
        if word in lines[number - 1] and _has(lines[: number - 1], keys) is False:
            return f":{number}"
    return ""


def _has(lines: list[str], keys: Keys) -> bool | None:
    """Whether these lines of TOML have a value there; None where they cannot be read."""
    try:
        value = msgspec.toml.decode("".join(lines))
    except Exception:
        return None
    try:
        for key in keys:
            value = value[key]
    except (KeyError, IndexError, TypeError):
        return False
    return True
