"""Arrays in files: read as NumPy wrote them, and never believed further than the file goes."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datafiles import refused

from zoo import array_names, read_array
from zoo.data.solids import binvox, read_shape


def npy(shape: str, descr: str = "|b1", data: bytes = b"\1" * 100) -> bytes:
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + data


def packed(data: bytes, spoil: Callable[[bytearray], None] = lambda made: None, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.npy", data)
    made = bytearray(file.getvalue())
    spoil(made)
    return bytes(made)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(24).reshape(2, 3, 4),
        np.ones((0, 3), bool),
        np.float32(3),
        np.asfortranarray(np.eye(3, 2)),
        np.arange(3, dtype=">u2"),
    ],
)
@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
def test_what_numpy_wrote_is_read(tmp_path: Path, values: np.ndarray, save: Callable[[Path, np.ndarray], None]) -> None:
    file = tmp_path / ("a.npy" if save is np.save else "a.npz")
    save(file, values)
    [name] = array_names(file)
    read = read_array(file, name)
    np.testing.assert_array_equal(read, values)
    assert (read.shape, read.dtype) == (np.shape(values), np.asarray(values).dtype)


def encrypt(made: bytearray) -> None:
    made[6] |= 1
    made[made.find(b"PK\1\2") + 8] |= 1


def break_stream(made: bytearray) -> None:
    made[38:60] = b"\xff" * 22


def raise_version(made: bytearray) -> None:
    made[made.find(b"PK\1\2") + 6] = 109


def change_a_byte(made: bytearray) -> None:
    made[200] ^= 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npy("(100000, 100000, 100000)"), r"announces an array of \(100000, 100000, 100000\) bool and has 100 bytes"),
        (npy("(99999999999999999999, 1)"), "announces"),
        (npy("(-1, -100)"), "announces"),
        (npy("(True, 100)"), ""),
        (npy("(101,)"), "announces"),
        (npy("(99,)"), "announces"),
        (npy("(" * 5000 + ")" * 5000), ""),
        (npy("(10,)", "|O"), "object, not numbers"),
        (npy("(1,)", "<U25"), "not numbers"),
        (npy("(1,)", "nothing"), ""),
        (b"\x93NUMPY\x03\0" + bytes(100), r"version 3\.0 of the format"),
        (b"\x93NUMPY\x02\0\xff\xff\xff\xff" + bytes(100), ""),
        (b"", ""),
        (b"\x93NUMPY", ""),
        (packed(npy("(100000, 100000, 100000)")), "announces"),
        (packed(npy("(100,)", data=bytes(10**7))), "has 10,000,000 bytes of it"),
        (packed(npy("(100,)"), encrypt), "encrypted"),
        (packed(npy("(100,)"), break_stream), ""),
        (packed(npy("(100,)"), raise_version), "version"),
        (packed(npy("(100,)"), change_a_byte, zipfile.ZIP_STORED), "CRC"),
        (packed(npy("(100,)"))[:-9], "not a zip file"),
    ],
)
def test_a_file_that_lies_or_is_broken_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "a.npz"
    file.write_bytes(content)
    with refused(rf"^cannot read .*a\.npz: .*{said}"):
        for name in array_names(file):
            read_array(file, name)


def test_an_array_that_no_memory_holds_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.utils.bounds.free_memory", lambda: 10**8)
    np.save(tmp_path / "a.npy", np.zeros((40_000_000,), np.uint8))
    with refused(r"the array of a\.npy need about 0\.1 GB of memory, and 0\.1 GB are free: take fewer or smaller shapes"):
        read_array(tmp_path / "a.npy")
    with refused("has no array 'b'"):
        read_array(tmp_path / "a.npy", "b")


def test_one_shape_is_read_from_any_kind_of_file(tmp_path: Path) -> None:
    cube = np.ones((4, 4, 4), bool)
    np.savez(tmp_path / "a.NPZ", cube)
    (tmp_path / "a.BINVOX").write_bytes(b"#binvox 1\ndim 4 4 4\ndata\n\1\x40")
    assert [int(read_shape(file).sum()) for file in tmp_path.iterdir()] == [64, 64]
    np.savez(tmp_path / "b.npz", cube, cube)
    with refused("holds arr_0, arr_1; one shape is needed"):
        read_shape(tmp_path / "b.npz")


@pytest.mark.parametrize("data", [b"", b"#binvox 1\n" + b"x\n" * 1000, b"#binvox 1\ndim " + b"9" * 5000 + b" 1 1\ndata\n\1\1"])
def test_what_is_no_binvox_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a binvox file"):
        binvox(data)
