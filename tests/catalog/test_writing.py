"""Samples as files: what a photo's own file said is kept, sizes are bounded, colours are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from zoo.catalog.samples import Samples
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
