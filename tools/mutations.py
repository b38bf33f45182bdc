"""Changes of good files and of good words, drawn by hypothesis: of bytes, of what JSON says, of lines of text."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

from hypothesis import strategies as st

NUMBERS = (0, 1, -1, 2, 255, 2**31 - 1, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**12, 10**30, 0.5, -0.0, 1e308, 1e-320)
STRANGE: tuple[Any, ...] = (
    *NUMBERS,
    *(float("nan"), float("inf"), float("-inf")),
    *(True, False, None, "", "0", "nan", "none", [], {}, [[]], {"": 0}, [1, "a"], ["x"] * 3000),
    *("x" * 70_000, "\x1b[2J\x07", "\u202ereversed", "a\nb", "```", "|", "<script>", "{{ 7 }}", "%s%n", "\ud800", "\0"),
    *("/dev/zero", "/dev/stdin", "..", "../../x", "~", "~nobody/x", "self", "__class__", "name", "x_shape", "F64", "I8"),
)
"""Values that somebody may put in place of a good one."""
DEEP = "\0deep"
WORDS = tuple(
    text
    for text in dict.fromkeys(
        [*map(str, STRANGE), "1e9", "1_0", "٣", "-", "--", "=", "a=b", "seed=inf", "steps=1e400", "\udcff"]
    )
    if not {"\0", "\ud800"} & {*text} and len(text) < 5000
)
"""The same as words of a command line, where there is no zero byte, no half of a character and no text of any length."""

_OPS = ("flip", "cut", "drop", "repeat", "small", "large", "noise", "zeros")
_SPOT = st.integers(0, 2**20 - 1)
_EDIT = st.tuples(st.sampled_from(_OPS), _SPOT, _SPOT)
_CHANGE = st.tuples(st.sampled_from(("put", "put", "drop", "add", "rename")), _SPOT, st.sampled_from((*STRANGE, DEEP)))
PLAN = st.tuples(st.booleans(), st.lists(_EDIT, min_size=1, max_size=4), st.lists(_CHANGE, min_size=1, max_size=3))
"""The plan of what is to be done to a file: whether to change what it says, and the changes of bytes and of what it says."""


def changed(name: str, data: bytes, plan: tuple[bool, list[Any], list[Any]]) -> bytes:
    """The content of the file ``name``, changed by a plan that was drawn of :data:`PLAN`."""
    by_content, edits, changes = plan
    if by_content and name.endswith(".safetensors"):
        return _header(data, changes)
    if by_content and name.endswith(".json"):
        with contextlib.suppress(ValueError):
            return _json(data, changes)
    if by_content and name.endswith((".json", ".toml", ".txt", ".csv", ".md")):
        return _lines(data, changes)
    for op, where, value in edits:
        data = _bytes(data, op, where % max(1, len(data)), value)
    return data


def _bytes(data: bytes, op: str, at: int, value: int) -> bytes:
    if op == "flip":
        return data[:at] + bytes([data[at] ^ (1 << value % 8)]) + data[at + 1 :] if data else data
    if op == "cut":
        return data[:at]
    if op == "drop":
        return data[:at] + data[at + 1 + value % 64 :]
    if op == "repeat":
        return data[: at + value % 4096] + data[at:]
    if op in ("small", "large"):  # a number of four or eight bytes in place of what is there, of either order
        size, order = 4 << value % 2, ("little", "big")[value // 2 % 2]
        number = 2 ** (8 * size) - 1 - value % 7 if op == "large" else value % 70_000
        return data[:at] + number.to_bytes(size, order) + data[at + size :]
    if op == "noise":
        return data[:at] + value.to_bytes(4, "little") * (1 + value % 16) + data[at:]
    return data[:at] + bytes(value % 512) + data[at + value % 512 :]


def _json(data: bytes, changes: list[Any]) -> bytes:
    return _written(_changed_value(json.loads(data), changes)).encode()


def _header(data: bytes, changes: list[Any]) -> bytes:
    """A safetensors file with another header; where its metadata hold JSON, that is changed half of the time."""
    size = int.from_bytes(data[:8], "little")
    said = json.loads(data[8 : 8 + size])
    inner = said.get("__metadata__", {})
    key = next((key for key in inner if key in ("zoo", "golden")), None)
    if key is not None and changes[0][1] % 2:
        inner[key] = _written(_changed_value(json.loads(inner[key]), changes))
        header = json.dumps(said)
    else:
        header = _written(_changed_value(said, changes))
    return len(header.encode()).to_bytes(8, "little") + header.encode() + data[8 + size :]


def _lines(data: bytes, changes: list[Any]) -> bytes:
    lines = data.decode().splitlines() or [""]
    for op, spot, value in changes:
        i = spot % len(lines)
        word = "[" * 20_000 if value == DEEP else json.dumps(value) if spot % 2 else str(value)
        before, equals, _ = lines[i].partition("=")
        if op == "put" and equals:
            lines[i] = f"{before}= {word}"
        elif op == "put":
            parts = lines[i].split(" ")
            lines[i] = " ".join([*parts[: spot % len(parts)], word, *parts[spot % len(parts) + 1 :]])
        elif op == "drop" and len(lines) > 1:
            del lines[i]
        elif op == "add":
            lines.insert(i, lines[spot // 7 % len(lines)] if spot % 3 else f"{word} = {word}")
        else:
            lines[i] = word + lines[i][1:]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _changed_value(root: Any, changes: list[Any]) -> Any:
    for op, spot, given in changes:
        value = copy.deepcopy(given)  # one that is put twice must not come to hold itself
        places = [(None, None), *_places(root)]
        owner, key = places[spot % len(places)]
        if owner is None:
            root = value if op == "put" and spot % 5 == 0 else root
        elif op == "put":
            owner[key] = value
        elif op == "drop":
            del owner[key]
        elif op == "add" and isinstance(owner, dict):
            owner[str(value)[:100]] = value
        elif op == "rename" and isinstance(owner, dict):
            owner[str(value)[:100]] = owner.pop(key)
    return root


def _places(value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, (dict, list)) or len(value) > 1000:
        return []
    keys = list(value) if isinstance(value, dict) else range(len(value))
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def _written(value: Any) -> str:
    return json.dumps(value).replace(json.dumps(DEEP), "[" * 100_000)
