"""Photos as phones, editors and attackers make them: colours, bounds, what lies beside the picture, what Pillow is set to."""

from __future__ import annotations

import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from datafiles import refused
from PIL import Image as PIL
from PIL import ImageCms, ImageFile, PngImagePlugin
from test_images import RGB, encoded

from zoo import RequestError, read_image
from zoo.data import decoding
from zoo.data.pictures import decode_image, photo_of
from zoo.utils.budget import Budget

SRGB = ImageCms.createProfile("sRGB")
SMOOTH = np.stack(np.meshgrid(*[np.linspace(0, 255, 48)] * 2), -1)
SMOOTH = np.concatenate([SMOOTH, SMOOTH[::-1, :, :1]], -1).astype(np.uint8)  # (48, 48, 3)


def profile(space: bytes, *tags: tuple[bytes, bytes]) -> bytes:
    """An ICC profile of a display, of version 2."""
    at, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, value in tags:
        table += name + struct.pack(">II", at + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", at + len(body), 0x02400000, b"mntr", space, b"XYZ ", b"acsp").ljust(68, b"\0")
    return (head + s15(0.9642, 1, 0.8249)).ljust(128, b"\0") + table + body


def s15(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + s15(*values)


WHITE, CURVE = xyz(0.9642, 1, 0.8249), b"curv\0\0\0\0\0\0\0\1\2\x33"
ADOBE = profile(
    b"RGB ",
    (b"wtpt", WHITE),
    *((name, xyz(*at)) for name, at in {b"rXYZ": (0.6097, 0.3111, 0.0195), b"gXYZ": (0.2053, 0.6257, 0.0609)}.items()),
    (b"bXYZ", xyz(0.1492, 0.0632, 0.7446)),
    *((name, CURVE) for name in (b"rTRC", b"gTRC", b"bTRC")),
)
DARK_GREY = profile(b"GRAY", (b"wtpt", WHITE), (b"kTRC", CURVE[:-2] + b"\1\0"))  # linear


def told(form: str, **options: object) -> bytes:
    """SMOOTH, coded in Adobe RGB and with its profile."""
    own = ImageCms.ImageCmsProfile(io.BytesIO(ADOBE))
    return encoded(ImageCms.profileToProfile(PIL.fromarray(SMOOTH), SRGB, own), form, icc_profile=ADOBE, **options)


INNER = (SMOOTH.astype(int) - SMOOTH.min(-1, keepdims=True)).max(-1) < 150  # colours that are not at the rim of sRGB


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("TIFF", {}), ("JPEG", {"quality": 100, "subsampling": 0}), ("WEBP", {"lossless": True})],
)
def test_colours_are_read_in_srgb_by_the_photos_own_profile(form: str, options: dict[str, object]) -> None:
    data = told(form, **options)
    raw = np.asarray(PIL.open(io.BytesIO(data)).convert("RGB")).astype(int)
    for read in (decode_image(data), photo_of(PIL.open(io.BytesIO(data)))):
        assert np.abs(read - SMOOTH.astype(int))[INNER].mean() < 1.5
        assert np.abs(read - raw)[INNER].mean() > 4


@pytest.mark.parametrize("given", [SRGB, b"broken", ADOBE[:200], DARK_GREY, b""])
def test_a_photo_in_srgb_or_of_a_profile_that_says_nothing_keeps_its_bits(given: object) -> None:
    data = given if isinstance(given, bytes) else ImageCms.ImageCmsProfile(given).tobytes()
    assert np.array_equal(decode_image(encoded(PIL.fromarray(SMOOTH), icc_profile=data)), SMOOTH)


def test_grey_is_read_by_a_grey_profile_also_at_sixteen_bits() -> None:
    ramp = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (16, 1))
    for image in (PIL.fromarray(ramp), PIL.fromarray(ramp.astype(np.uint16) * 257)):
        read = decode_image(encoded(image, icc_profile=DARK_GREY))
        assert (read == read[..., :1]).all()
        light = np.where(ramp / 255 > 0.0031308, 1.055 * (ramp / 255) ** (1 / 2.4) - 0.055, 12.92 * ramp / 255)
        assert np.abs(read[..., 0] - 255 * light).max() < 2


def test_lab_becomes_the_colours_that_it_stands_for() -> None:
    lab = ImageCms.profileToProfile(PIL.fromarray(SMOOTH), SRGB, ImageCms.createProfile("LAB"), outputMode="LAB")
    assert np.abs(decode_image(encoded(lab, "TIFF")).astype(int) - SMOOTH).mean() < 2


def chunk(name: bytes, body: bytes, crc: int = 0) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body) ^ crc)


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    return data[:33] + b"".join(chunks) + data[33:]  # behind the signature and IHDR


TURNED = PIL.Exif()
TURNED[0x0112] = 6
HEX = TURNED.tobytes().hex().encode()
XMP = b'XML:com.adobe.xmp\0\0\0\0\0<rdf tiff:Orientation="6">'


@pytest.mark.parametrize(
    "beside",
    [
        chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"iTXt", b"prompt\0\0\0\0\0" + b"x" * 2_000_000) * 40,
        chunk(b"iCCP", b"own\0\0" + zlib.compress(ImageCms.ImageCmsProfile(SRGB).tobytes() + bytes(9_000_000))),
        chunk(b"iCCP", b"own\0\0" + zlib.compress(b"\xff\xff\xff\xff" + bytes(50_000_000))),
        chunk(b"tEXt", b"broken", crc=1) + chunk(b"gAMA", b"", crc=1) + chunk(b"eXIf", b"MM", crc=1),
        chunk(b"acTL", bytes(8)) + chunk(b"fcTL", bytes(26)),
    ],
)
def test_what_lies_beside_the_picture_of_a_png_keeps_nobody_from_it(beside: bytes) -> None:
    limit = PngImagePlugin.MAX_TEXT_CHUNK
    assert np.array_equal(decode_image(with_chunks(encoded(PIL.fromarray(RGB)), beside)), RGB)
    assert limit == PngImagePlugin.MAX_TEXT_CHUNK


@pytest.mark.parametrize(
    "says",
    [
        chunk(b"eXIf", TURNED.tobytes()[6:]),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n%8d\n%s\n" % (len(HEX) // 2, HEX))),
        chunk(b"iTXt", XMP),
    ],
)
def test_a_png_stands_upright_wherever_it_says_which_way_is_up(says: bytes) -> None:
    assert np.array_equal(decode_image(with_chunks(encoded(PIL.fromarray(RGB)), says)), np.rot90(RGB, -1))


@pytest.mark.parametrize("turn", range(10))
def test_each_orientation_is_the_one_that_pillow_makes(turn: int) -> None:
    from PIL import ImageOps

    exif = PIL.Exif()
    exif[0x0112] = turn
    for form in ("PNG", "TIFF"):
        data = encoded(PIL.fromarray(RGB), form, exif=exif)
        assert np.array_equal(decode_image(data), np.asarray(ImageOps.exif_transpose(PIL.open(io.BytesIO(data)))))


def test_of_several_pictures_the_first_is_read() -> None:
    first, second = PIL.fromarray(RGB), PIL.fromarray(255 - RGB)
    for form in ("PNG", "GIF", "WEBP", "TIFF", "MPO"):
        more = {"save_all": True, "append_images": [second], "quality": 100} | ({"lossless": True} if form == "WEBP" else {})
        data = encoded(first, form, **more)
        assert np.abs(decode_image(data).astype(int) - RGB).mean() < 12
        assert decode_image(data, draft=True).ndim == 3


def claimed(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (claimed(40_000, 30_000), "40000 x 30000 pixels; at most 268 million are read"),
        (encoded(PIL.new("L", (16, 16)), "GIF").replace(b"\x10\0\x10\0", b"\xff\xff\xff\xff", 1), "65535 x 65535 pixels"),
        (claimed(2**31 - 1, 2**31 - 1), "2147483647 x 2147483647 pixels"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "a HEIC photo, which is not read"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (encoded(PIL.fromarray(RGB))[:120], "this PNG cannot be decoded to its end"),
        (b"\xff\xd8\xff\xe0", "this JPEG cannot be opened"),
    ],
)
def test_what_is_too_large_or_no_photo_is_refused_for_what_it_is(data: bytes, reason: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for draft in (False, True):
            with pytest.raises(ValueError, match=reason):
                decode_image(data, draft=draft)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM"])
def test_a_huge_photo_is_read_at_half_its_size_whatever_pillow_is_set_to(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "FULL_PIXELS", 2000)
    monkeypatch.setattr(decoding, "_STRIP", 48 * 10)
    monkeypatch.setattr(PIL, "MAX_IMAGE_PIXELS", 100)
    data = encoded(PIL.fromarray(SMOOTH), form, **({"quality": 100} if form in ("JPEG", "WEBP") else {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = decode_image(data)
    small = SMOOTH.reshape(24, 2, 24, 2, 3).mean((1, 3))
    assert read.shape == small.shape
    assert np.abs(read - small).mean() < (12 if form == "GIF" else 3)
    assert PIL.MAX_IMAGE_PIXELS == 100


def test_transparency_depth_and_colour_are_the_same_in_strips_and_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    few = PIL.fromarray(SMOOTH).quantize(16)
    images = [
        encoded(few, transparency=3),
        encoded(PIL.fromarray(SMOOTH).convert("CMYK"), "TIFF"),
        encoded(PIL.fromarray(SMOOTH[..., 0].astype(np.uint16) * 200)),
        encoded(PIL.fromarray(np.dstack([SMOOTH, SMOOTH[..., 0]])), icc_profile=ADOBE),
        encoded(PIL.fromarray(SMOOTH).convert("1")),
    ]
    whole = [decode_image(data) for data in images]
    monkeypatch.setattr(decoding, "_STRIP", 100)
    assert all(np.array_equal(decode_image(data), image) for data, image in zip(images, whole, strict=True))


def test_what_decoding_would_take_is_known_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_BYTES", 30_000)
    progressive = encoded(PIL.fromarray(SMOOTH), "JPEG", progressive=True, subsampling=0)
    for data in (progressive, encoded(PIL.fromarray(SMOOTH), "WEBP")):
        with pytest.raises(ValueError, match=r"48 x 48 pixels of this (JPEG|WEBP) need 0\.0 GB to be decoded"):
            decode_image(data)
    monkeypatch.undo()
    monkeypatch.setattr("zoo.utils.bounds.free_memory", lambda: 10**6)
    with pytest.raises(ValueError, match="16000 x 16000 pixels need about"):
        decode_image(claimed(16_000, 16_000))


def test_a_truncated_photo_is_refused_also_where_the_process_lets_pillow_fill_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    for form in ("JPEG", "PNG", "BMP", "TIFF"):
        data = encoded(PIL.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)), form)
        with pytest.raises(ValueError, match=r"cannot be (decoded to its end|opened)"):
            decode_image(data[: len(data) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_nothing_of_libtiffs_own_reaches_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(encoded(PIL.fromarray(np.tile(RGB, (9, 9, 1))), "TIFF", compression="tiff_lzw"))
    data[8:4000] = bytes(3992)
    with pytest.raises(ValueError, match="this TIFF cannot be decoded to its end"):
        decode_image(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_a_photos_file_is_a_regular_one_and_home_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "huge.png").touch()
    os.truncate(tmp_path / "huge.png", 1 << 40)
    for name, why in (("pipe.jpg", "a named pipe"), ("zero.png", "a device"), ("huge.png", "more than"), (".", "a folder")):
        with refused(f"cannot read .*: it (is|has) {why}"):
            read_image(tmp_path / name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.png").write_bytes(encoded(PIL.fromarray(RGB)))
    assert np.array_equal(read_image("~/a.png"), RGB)
    with pytest.raises(RequestError, match="the path is"):
        read_image("a\0.png")


def test_workers_share_the_memory_and_one_alone_gets_what_it_needs() -> None:
    budget, most, lock = Budget(lambda: 100), [0, 0], threading.Lock()

    def work(size: int) -> None:
        with budget.item():
            for part in (10, size):
                budget.take(part)
                with lock:
                    most[:] = max(most[0], budget.used), most[1] + 1

    threads = [threading.Thread(target=work, args=(size,)) for size in [40, 60, 250, 30] * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [250, 40]
    assert budget.used == 0
