"""Named tensors in a safetensors file: each stored once, however many names it has, and nothing in a file believed unseen."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from zoo.utils.errors import RequestError, ZooError, cause
from zoo.utils.files import regular
from zoo.utils.words import visible

TIED = "tied"
"""The key of a file's metadata with the names that share another's tensor: that other name, by each."""


class Stored(NamedTuple):
    """One tensor as a header has it: its type in the words of the format, and its shape."""

    dtype: str
    shape: tuple[int, ...]


@cache
def word(dtype: torch.dtype) -> str:
    """A type of numbers in the words of the format (``F32``); "" where it has none.

    Examples:
        >>> word(torch.bfloat16), word(torch.quint8)
        ('BF16', '')
    """
    from safetensors.torch import save

    try:
        content = save({"one": torch.zeros(1, dtype=dtype, device="cpu")})
    except Exception:  # the errors of torch and of safetensors for what they cannot make or hold
        return ""
    return str(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["one"]["dtype"])


def unique(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a state (with ``keep_vars``), each under its first name, and the first name by every other one.

    Raises:
        RequestError: something in it is no tensor, or none that a file could hold.

    Examples:
        >>> one = torch.zeros(2)
        >>> unique({"a": one, "b": one})
        ({'a': tensor([0., 0.])}, {'b': 'a'})
    """
    kept, first, tied = dict[str, Tensor](), dict[Any, str](), dict[str, str]()
    for name, value in state.items():
        if fault := _fault(value):
            raise RequestError(f"{name} of its state {fault}")
        placed = value.numel() and value.device.type != "meta"
        key = (value.device, value.data_ptr(), value.dtype, value.shape, value.stride()) if placed else id(value)
        if key in first:
            tied[name] = first[key]
        else:
            first[key], kept[name] = name, value
    return kept, tied


def apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same on the CPU and contiguous, no two in one memory: what a file takes. A lone tensor is not copied."""
    memory, out = set[int](), dict[str, Tensor]()
    for name, value in tensors.items():
        value = value.detach().cpu().resolve_conj().resolve_neg().contiguous()
        if value.untyped_storage().data_ptr() in memory:
            value = value.clone()
        memory.add(value.untyped_storage().data_ptr())
        out[name] = value
    return out


def header_of(tensors: Mapping[str, Tensor], tied: Mapping[str, str], half: bool = False) -> dict[str, Stored]:
    """The header, by every name, of a file that these are written to, in ``half`` precision or their own."""
    kinds = {name: torch.float16 if half and value.is_floating_point() else value.dtype for name, value in tensors.items()}
    stored = {name: Stored(word(kinds[name]), tuple(value.shape)) for name, value in tensors.items()}
    return stored | {name: stored[first] for name, first in tied.items()}


def write(path: Path, tensors: dict[str, Tensor], tied: Mapping[str, str], metadata: Mapping[str, str], place: Path) -> None:
    """Write tensors (:func:`apart`) and what is tied to them to ``path``, which is to stand at ``place`` later.

    Raises:
        ZooError: they could not be written; the disk is full, for example.
    """
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata={**metadata, **({TIED: json.dumps(tied)} if tied else {})})
        path.chmod(0o644)  # safetensors makes it for its owner alone
    except Exception as error:  # safetensors has an error of its own for a full disk
        raise ZooError(f"cannot write {place}: {cause(error)}") from error


def read(
    path: Path, allow: Callable[[dict[str, Stored], dict[str, str]], Any] | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file by every name, and its metadata; ``allow`` sees the header first, and may raise.

    Raises:
        OSError: it is no file that can be read.
        Exception: whatever safetensors makes of what is no such file.
    """
    from safetensors import safe_open

    with _spelt(path) as spelt, safe_open(spelt, "pt") as file:
        stored, tied, metadata = _header(file)
        if allow is not None:
            allow(stored, metadata)
        tensors = {name: file.get_tensor(name) for name in stored if name not in tied}
    return tensors | {name: tensors[first] for name, first in tied.items()}, metadata


def read_header(path: Path) -> dict[str, Stored]:
    """The tensors that a file says it holds, by every name, none of them read; raises as :func:`read`."""
    from safetensors import safe_open

    with _spelt(path) as spelt, safe_open(spelt, "pt") as file:
        return _header(file)[0]


def check_float32(tensors: Iterable[Tensor], whose: str) -> None:
    """Raise a RequestError where a whole model was cast (``half()``, ``double()``); some of another type may be its own."""
    kinds = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    if kinds and torch.float32 not in kinds:
        words = " and ".join(sorted(map(str, kinds)))
        raise RequestError(f"the weights of {whose} are {words}; call its float() first (save(half=True) stores 16 bits)")


def finite(tensor: Tensor) -> bool:
    """Whether every number in it is one."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return True
    return bool(torch.isfinite(tensor.float() if tensor.dtype.itemsize == 1 else tensor).all())


def digest_of(tensors: Mapping[str, Tensor], text: str) -> str:
    """The sha256 of a text, and of the names, types, shapes and bytes of tensors (:func:`apart`)."""
    import hashlib

    digest = hashlib.sha256(json.dumps(text).encode())
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(json.dumps([name, word(value.dtype), list(value.shape)]).encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


@contextlib.contextmanager
def _spelt(path: Path) -> Iterator[Path]:
    """A regular file under a name that is UTF-8, which safetensors asks for: its own, or that of a link to it."""
    regular(path)
    if visible(path) == str(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "tensors"
        link.symlink_to(path.absolute())
        yield link


def _header(file: Any) -> tuple[dict[str, Stored], dict[str, str], dict[str, str]]:
    """The tensors that a file says it holds, by every name; which of these names are tied to another; its metadata."""
    slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    stored = {name: Stored(str(part.get_dtype()), tuple(part.get_shape())) for name, part in slices.items()}
    metadata: dict[str, str] = file.metadata() or {}
    tied = msgspec.json.decode(metadata.get(TIED, "{}"), type=dict[str, str])
    for name, first in tied.items():
        if name in stored or first not in stored:
            raise ValueError(f"it ties {name!r} to {first!r}")
    return stored | {name: stored[first] for name, first in tied.items()}, tied, metadata


def _fault(value: Any) -> str:
    """Why a file could not hold this, "" where it could."""
    if not isinstance(value, Tensor):
        return f"is {value!r:.60}, no tensor: keep numbers in buffers, and what else there is in the config"
    if is_lazy(value):
        return "has no shape before it is first used: give the layer its sizes when the model is made"
    if value.layout != torch.strided or value.is_quantized or not word(value.dtype):
        kind = value.layout if value.layout != torch.strided else value.dtype
        return f"is of type {str(kind).removeprefix('torch.')}, which a safetensors file cannot hold: keep it as float32"
    return ""
