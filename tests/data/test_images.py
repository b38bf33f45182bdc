"""Every kind of image file becomes RGB, or is refused with a reason."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from datafiles import refused
from PIL import Image as PIL

from zoo.data.pictures import decode_image, photo_of

RNG = np.random.default_rng(0)
RGB = np.kron(RNG.integers(0, 256, (4, 5, 3)), np.ones((8, 8, 1))).astype(np.uint8)  # (32, 40, 3)


def encoded(image: PIL.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


LIGHT, FEW, BITS = (PIL.fromarray(RGB).convert("L"), PIL.fromarray(RGB).quantize(8), PIL.fromarray(RGB).convert("1"))


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        *((encoded(PIL.fromarray(RGB), form), RGB) for form in ("PNG", "BMP", "TIFF")),
        (encoded(PIL.fromarray(RGB), "WEBP", lossless=True), RGB),
        *((encoded(image), np.asarray(image.convert("RGB"))) for image in (LIGHT, FEW, BITS)),
        *((cv2.imencode(end, RGB[..., ::-1].astype(np.uint16) * 257)[1].tobytes(), RGB) for end in (".png", ".tiff")),
    ],
)
def test_what_a_file_holds_becomes_rgb(data: bytes, shown: np.ndarray) -> None:
    assert np.array_equal(decode_image(data, draft=True), shown)
    assert np.array_equal(decode_image(data), shown)
    assert np.array_equal(photo_of(PIL.open(io.BytesIO(data))), shown)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_on_white(mode: str) -> None:
    image = PIL.fromarray(RGB).convert(mode)
    alpha = np.zeros(RGB.shape[:2], np.uint8)
    alpha[:, 20:] = 255
    image.putalpha(PIL.fromarray(alpha))
    out = decode_image(encoded(image))
    assert (out[:, :20] == 255).all()
    shown = PIL.fromarray(RGB).convert(mode[:-1]).convert("RGB")
    assert np.array_equal(out[:, 20:], np.asarray(shown)[:, 20:])


def test_transparent_palette_lies_on_white() -> None:
    image = PIL.fromarray(np.repeat(np.arange(2, dtype=np.uint8)[:, None], 2, 1).repeat(16, 0).repeat(16, 1), "P")
    image.putpalette([255, 0, 0, 0, 255, 0])
    out = decode_image(encoded(image, transparency=0))
    assert (out[:16] == 255).all()
    assert (out[16:] == [0, 255, 0]).all()


def test_cmyk_keeps_its_colours() -> None:
    out = decode_image(encoded(PIL.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG"))
    assert out[16, 16, 0] > 200
    assert out[16, 16, 1:].max() < 50


def test_sixteen_bits_are_scaled_by_their_range() -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (16, 1))
    for form in ("PNG", "TIFF"):
        out = decode_image(encoded(PIL.fromarray(ramp), form))
        assert out.shape == (16, 64, 3)
        assert np.abs(out[..., 0] - ramp / 257.0).max() <= 0.51


def test_exif_orientation_is_applied() -> None:
    exif = PIL.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    data = encoded(PIL.fromarray(RGB), "JPEG", exif=exif, quality=100, subsampling=0)
    upright = np.rot90(RGB, -1)
    assert decode_image(data).shape == upright.shape
    assert np.abs(decode_image(data).astype(int) - upright).mean() < 3


@pytest.mark.filterwarnings("error")
def test_a_photo_whose_exif_is_cut_off_is_read_also_where_warnings_are_errors() -> None:
    exif = PIL.Exif()
    exif[0x0112], exif[0x0131] = 6, "a program of some name"
    data = encoded(PIL.fromarray(RGB), "JPEG", exif=exif.tobytes()[:-9])
    before = list(warnings.filters)
    assert decode_image(data).shape == (40, 32, 3)  # upright by what is left
    assert list(warnings.filters) == before


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("form", ["JPEG", "progressive JPEG", "PNG", "BMP", "TIFF", "WEBP"])
def test_a_truncated_file_is_refused_by_check_and_decode(share: float, form: str) -> None:
    options = {"progressive": True} if "progressive" in form else {}
    data = encoded(PIL.fromarray(RNG.integers(0, 256, (96, 96, 3), dtype=np.uint8)), form.split()[-1], **options)
    decode_image(data, draft=True)
    for draft in (False, True):
        with pytest.raises(ValueError, match=r"."):
            decode_image(data[: int(share * len(data))], draft=draft)


def test_refusals_say_why(tmp_path: Path) -> None:
    cases = {
        b"": "empty",
        b"no image at all" * 9: "not an image",
        encoded(PIL.new("RGB", (100, 15))): "at least 16",
        encoded(PIL.fromarray(np.zeros((20, 20), np.float32)), "TIFF"): "floating",
    }
    for data, reason in cases.items():
        (tmp_path / "x.png").write_bytes(data)
        with refused(f"x.png as an image: .*{reason}"):
            photo_of(tmp_path / "x.png")
    for path in (tmp_path / "absent.jpg", tmp_path):
        with refused(f"cannot read {path}: "):
            photo_of(str(path))
