"""Samples as files: what a photo's own file said is kept, sizes are bounded, colours are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from zoo.catalog.samples import Samples
from zoo.catalog.writing import write
from zoo.data.labels import Labels, labels_of
from zoo.data.origin import Origin, origin_of
from zoo.data.pictures import photo_of
from zoo.utils.errors import RequestError


def of(given: Any, n: int = 3) -> Samples:
    image = photo_of(given)
    return Samples(np.stack([image] * n), torch.zeros(n, 1, 2, 2), origin_of(given, image))


def exif(turn: int = 6) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0110], tags[0x0112], tags[0x0101] = "a camera", turn, 999
    tags[0x8769] = {0x9003: "2020:01:02 03:04:05", 0xA002: 999, 0xA001: 65535, 0x927C: bytes(66_000)}
    tags[0x8769][0xA005] = {1: "R98"}
    tags[0x8825] = {1: "N"}
    return tags


@pytest.mark.parametrize("jpeg", [None, 80])
def test_exif_is_kept_but_for_what_is_no_longer_so(tmp_path: Path, jpeg: int | None) -> None:
    Image.new("RGB", (40, 20), "red").save(tmp_path / "a.png", exif=exif())
    made = of(tmp_path / "a.png").save(tmp_path / "out", jpeg=jpeg)
    with Image.open(made / f"sample-01.{'png' if jpeg is None else 'jpg'}") as saved:
        tags = saved.getexif()
        camera = tags.get_ifd(0x8769)
        assert (saved.size, tags[0x0110], tags[0x0112], tags.get_ifd(0x8825)[1]) == ((20, 40), "a camera", 1, "N")
        assert (camera[0x9003], camera[0xA002], camera[0xA001]) == ("2020:01:02 03:04:05", 20, 1)
        assert not {0x0101, 0x927C} & {*tags, *camera}, "how other pixels are stored, and more than a JPEG has room for"
        assert tags.get_ifd(0xA005) == {1: "R98"}
        assert saved.info.get("srgb") == 0 or "sRGB".encode("utf-16-be") in saved.info["icc_profile"]


def test_an_image_that_is_given_stays_as_it_is(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "red").save(tmp_path / "a.png", exif=exif())
    with Image.open(tmp_path / "a.png") as given:
        assert of(given)[0].shape == (40, 20, 3)
        assert b"a camera" in origin_of(given, photo_of(given)).exif_of(20, 40)
        assert (of(given)[0].shape, given.getexif()[0x0112]) == ((40, 20, 3), 6)


XMP = (
    b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>
<rdf:Description tiff:Orientation="6" exif:PixelXDimension='999' xmpNote:HasExtendedXMP="ABC" dc:creator="me">
<tiff:ImageLength>999</tiff:ImageLength><xmp:Thumbnails><rdf:Alt>small</rdf:Alt></xmp:Thumbnails><dc:title>Hill</dc:title>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
    + b" " * 2000
    + b'<?xpacket end="w"?>'
)
IPTC = b"\x1c\x02\x78\0\x06a hill\x1c\x02\x50\0\x03you"
SMALL = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\x0e\0\x01\x02\x01\0\x04\0\0\0\x01\0\0\0\x20\0\0\0\0" + b"a small picture"


@pytest.mark.parametrize("jpeg", [None, 80])
@pytest.mark.parametrize("given", ["jpg", "png", "tif", "object"])
def test_xmp_and_iptc_are_kept_but_for_what_is_no_longer_so(tmp_path: Path, given: str, jpeg: int | None) -> None:
    """Of a file that holds them as its kind does, and of samples, which hold them as this package writes them."""
    pixels, path = np.full((20, 40, 3), 90, np.uint8), tmp_path / f"a.{given.replace('object', 'jpg')}"
    if given == "tif":
        Image.fromarray(pixels).save(path, tiffinfo={700: XMP.replace(b'Orientation="6"', b'Orientation="1"'), 33723: IPTC})
    else:
        write(pixels, tmp_path / "a", None if given == "png" else 90, Origin(pixels, labels=Labels(XMP, IPTC)))
    with Image.open(path) as file:
        made = of(file if given == "object" else path, 1).save(tmp_path / "out", jpeg=jpeg)
    with Image.open(made / f"sample-01.{'png' if jpeg is None else 'jpg'}") as saved:
        kept = labels_of(saved)
    right = b'tiff:Orientation="1"', b"exif:PixelXDimension='40'", b"<tiff:ImageLength>20<", b'dc:creator="me"', b">Hill<"
    assert all(word in kept.xmp for word in right), kept.xmp
    assert not any(word in kept.xmp for word in (b"humbnail", b"Extended", b"small", b"999", b" " * 9))
    assert kept.iptc == IPTC


def test_what_small_pictures_or_too_much_a_file_says_is_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "red").save(tmp_path / "a.jpg", exif=SMALL)
    with Image.open(of(tmp_path / "a.jpg", 1).save(tmp_path / "out", jpeg=80) / "sample-01.jpg") as saved:
        assert b"small picture" not in saved.info.get("exif", b"")
    much = Labels(b"<x>" + bytes(range(65, 91)) * 4000, b"\x1c" * (1 << 17))
    assert much.segments() == b"", "a segment of a JPEG has no room for it"
    png = Image.new("RGB", (40, 20))
    png.info |= {"XML:com.adobe.xmp": "<" * (1 << 21), "Raw profile type iptc": "\niptc\n 4\nno"}
    assert labels_of(png) == Labels()


@pytest.mark.parametrize("turn", range(1, 9))
def test_transparency_is_kept_upright_and_gives_the_same_on_white(tmp_path: Path, turn: int) -> None:
    pixels = np.random.default_rng(turn).integers(0, 256, (20, 30, 4), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif(turn))
    made = of(tmp_path / "a.png", 1)
    made.save(tmp_path / "out")
    with Image.open(tmp_path / "out" / "sample-01.png") as saved, Image.open(tmp_path / "a.png") as given:
        upright = np.asarray(ImageOps.exif_transpose(given))[..., 3]
        assert np.array_equal(np.asarray(saved)[..., 3], upright)
        laid = Image.alpha_composite(Image.new("RGBA", saved.size, "white"), saved).convert("RGB")
    assert np.abs(np.asarray(laid).astype(int) - made[0]).max() <= 1


def test_white_stays_white_where_nothing_is_to_be_seen(tmp_path: Path) -> None:
    alpha = np.tile(np.array([0, 128, 255], np.uint8).repeat(10), (20, 1))
    samples = Samples(
        np.full((1, 20, 30, 3), 90, np.uint8), torch.zeros(1, 1, 2, 2), Origin(np.zeros((20, 30, 3), np.uint8), None, alpha)
    )
    shown = np.asarray(samples.grid())[10, ::10]
    assert shown.tolist() == [[255] * 3, [127] * 3, [90] * 3]
    for jpeg, name in ((None, "sample-01.png"), (95, "sample-01.jpg")):
        with Image.open(samples.save(tmp_path / name, jpeg=jpeg) / name) as saved:
            laid = Image.alpha_composite(Image.new("RGBA", saved.size, "white"), saved.convert("RGBA")).convert("RGB")
            assert np.abs(np.asarray(laid)[10, 4::10].astype(int) - shown).max() <= 3


def test_a_photo_without_transparency_or_exif_has_none() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    assert origin_of(image, image).exif_of(30, 20) == b""
    assert origin_of(Image.new("RGBA", (30, 20)).convert("RGB"), image).alpha is None
    assert origin_of(Image.new("RGBA", (30, 20), (0, 0, 0, 255)), image).alpha is None


def test_jpegs_a_grid_of_reduced_pictures_with_the_photo_first_and_a_gif(tmp_path: Path) -> None:
    image = np.zeros((600, 900, 3), np.uint8)
    samples = Samples(np.stack([image + 90, image + 180] * 4), torch.zeros(8, 1, 2, 2), Origin(image))
    made = samples.save(tmp_path / "out", jpeg=85, gif=True)
    assert {path.suffix for path in made.iterdir()} == {".jpg", ".npy", ".gif"}
    with Image.open(made / "grid.jpg") as grid, Image.open(made / "samples.gif") as gif:
        assert 3_000_000 < grid.width * grid.height < 4_100_000
        first, second = (np.asarray(grid)[9, x].astype(int) for x in (9, grid.width // 2))
        assert first.max() < 9 < 80 < second.min()
        assert (gif.n_frames, gif.size) == (9, (480, 320))
    assert samples.grid(3, original=True).size == (3 * 904 - 4, 3 * 604 - 4)
    for wrong in (0, 101, "9"):
        with pytest.raises(RequestError, match=r"jpeg is .* from 1 to 100"):
            samples.save(tmp_path / "more", jpeg=wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "more").exists()
