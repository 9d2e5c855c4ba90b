"""Pictures to be digitised: every format, every size, and what is no picture at all."""

from __future__ import annotations

import contextlib
import os
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps, features

from fastecg.digitizing.pictures import LARGEST, find_pictures, page_count, read_picture, reduction_of
from fastecg.errors import ImageError
from fastecg.system.pictures import read_image


def painted(height: int, width: int) -> np.ndarray:
    """A picture in which every place can be told."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * x / width, 255 * y / height, 128 + 100 * np.sin(x / 40) * np.sin(y / 40)], axis=2).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_pictures_are_turned_as_the_camera_was_held(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"held.{suffix}"
    Image.fromarray(painted(60, 90)).save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    with Image.open(path) as opened:
        wanted = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    np.testing.assert_array_equal(read_picture(path), wanted)


@pytest.mark.parametrize(
    "kind", ["png", "jpg", "tif", "webp", "bmp", "RGBA.png", "P.png", "L.png", "1.png", "16.png", "odd.jpg", "thin.png"]
)
def test_large_pictures_are_read_smaller(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("fastecg.digitizing.pictures.LARGEST", 20_000)
    monkeypatch.setattr("fastecg.digitizing.pictures._BAND", 3_000)
    height, width = (401, 307) if kind == "odd.jpg" else (8, 9000) if kind == "thin.png" else (400, 600)
    picture = Image.fromarray(painted(height, width))
    factor = reduction_of((width, height))
    assert factor > 1
    if kind == "16.png":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    elif kind in ("RGBA.png", "P.png", "L.png", "1.png"):
        picture = picture.convert(kind.partition(".")[0])
    path = tmp_path / f"large.{kind.rpartition('.')[2]}"
    picture.save(path, **({"quality": 100} if path.suffix in (".jpg", ".webp") else {}))
    found = read_picture(path)
    assert found.shape == (-(-height // factor), -(-width // factor), 3)
    with Image.open(path) as opened:
        whole = np.asarray(opened, dtype=float) / 257 if kind == "16.png" else np.asarray(opened.convert("RGB"), dtype=float)
    whole = np.repeat(whole[:, :, None], 3, axis=2) if whole.ndim == 2 else whole
    full = whole[: height // factor * factor, : width // factor * factor]
    means = full.reshape(height // factor, factor, width // factor, factor, 3).mean(axis=(1, 3))
    inner = found[: means.shape[0], : means.shape[1]]
    assert np.abs(inner - means).max() <= (8 if "jpg" in kind else 1)
    assert np.abs(inner - means).mean() < 0.75


@pytest.mark.parametrize("size", [(70_000, 1), (11_000, 11_000)])
def test_pictures_larger_than_any_scan_are_refused_before_they_are_decoded(tmp_path, size):
    path = tmp_path / "large.png"
    Image.new("1", size).save(path)
    with pytest.raises(ImageError, match=f"{size[0]} x {size[1]} px, expected at most 120 million"):
        read_picture(path)


def test_large_pictures_are_opened_without_a_warning(tmp_path):
    """Pillow warns of more than 89 million pixels; warnings are errors here."""
    blank, path = Image.new("1", (9_500, 9_500), 1), tmp_path / "large.tiff"
    blank.save(path, compression="group4", save_all=True, append_images=[blank])
    assert page_count(path) == 2
    assert read_picture(path, 1).shape == (4_750, 4_750, 3)
    blank.convert("L").save(tmp_path / "large.png")
    assert read_image(tmp_path / "large.png").shape == (9_500, 9_500)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name")
@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_a_pipe_is_no_picture(tmp_path, suffix):
    os.mkfifo(tmp_path / f"pipe.{suffix}")
    with pytest.raises(ImageError, match="pipe or a device"):
        read_picture(tmp_path / f"pipe.{suffix}")
    with pytest.raises(ImageError, match="no picture found"):
        find_pictures([tmp_path])


@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"GIF89a\1\0\1\0\0\0\0;", b"P6 2 2 255 " + bytes(12)]
)
def test_only_named_formats_are_opened(tmp_path, monkeypatch, content):
    started = []
    monkeypatch.setattr("subprocess.Popen.__init__", lambda *words, **kwargs: started.append(words))
    path = tmp_path / "a.png"
    path.write_bytes(content)
    for read in (read_picture, read_image):
        with pytest.raises(ImageError, match="cannot be read"):
            read(path)
    assert not started


def pdf(path, width: str, height: str, content: bytes = b"0 0 m 50 50 l S") -> None:
    """A PDF of one page, its size as given."""
    stream = zlib.compress(content, 1)
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        + f"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Contents 4 0 R>>endobj\n".encode()
        + f"4 0 obj<</Filter/FlateDecode/Length {len(stream)}>>stream\n".encode()
        + stream
        + b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )


@pytest.mark.parametrize(("width", "height"), [("12000", "3000"), ("14400", "14400"), ("99999999", "10"), ("612", "792")])
def test_a_pdf_page_of_any_size_fits(tmp_path, width, height):
    pytest.importorskip("pypdfium2")
    path = tmp_path / "page.pdf"
    pdf(path, width, height)
    found = read_picture(path)
    assert found.shape[0] * found.shape[1] < 1.01 * LARGEST
    assert max(found.shape) < 32_100
    assert width == "99999999" or abs(found.shape[1] / found.shape[0] * float(height) / float(width) - 1) < 0.01
    if width == "612":
        assert found.shape == (2200, 1700, 3)


@pytest.mark.parametrize("size", ["0", "-0", "nan", "1e-30", "NaN", "null"])
def test_a_pdf_page_of_no_size(tmp_path, size):
    pytest.importorskip("pypdfium2")
    path = tmp_path / "page.pdf"
    pdf(path, size, "792")
    with contextlib.suppress(ImageError):  # some of these mean the usual size to the library
        assert read_picture(path).size <= 3 * LARGEST


def test_a_pdf_without_end_is_given_up(tmp_path, monkeypatch):
    pytest.importorskip("pypdfium2")
    path = tmp_path / "page.pdf"
    monkeypatch.setattr("fastecg.digitizing.pdf_page._SECONDS", 2.0)
    pdf(path, "612", "792", b"0 0 m 600 700 l 1 1 600 700 300 20 c S\n" * 4_000_000)
    with pytest.raises(ImageError, match=r"more than 2 s|cannot be read as a PDF"):
        read_picture(path)


def test_a_pdf_is_drawn_by_our_own_modules(tmp_path, monkeypatch):
    pytest.importorskip("pypdfium2")
    for name in ("pypdfium2", "json", "numpy", "fastecg"):
        (tmp_path / f"{name}.py").write_text("import sys; sys.exit('taken in')")
    monkeypatch.chdir(tmp_path)
    pdf(tmp_path / "page.pdf", "612", "792")
    assert read_picture(tmp_path / "page.pdf").shape == (2200, 1700, 3)


def test_grey_of_any_depth_is_read_alike(tmp_path):
    """Shares of 1, 10 and 12 bits in 16, and bytes as floats: all were black, or nearly."""
    grey = np.linspace(0, 255, 60 * 80).reshape(60, 80).astype(np.uint8)
    tifffile.imwrite(tmp_path / "share.tif", grey.astype(np.float32) / 255)
    tifffile.imwrite(tmp_path / "byte.tif", grey.astype(np.float32))
    for bits in (10, 12, 14, 16):
        Image.fromarray(np.rint(grey / 255 * (2**bits - 1)).astype(np.uint16)).save(tmp_path / f"{bits}.png")
    for path in sorted(tmp_path.iterdir()):
        read = read_picture(path)
        assert read.shape == (60, 80, 3), path
        assert np.abs(read[..., 0].astype(int) - grey).max() <= 1, path


def test_folders_are_searched_for_every_format_that_is_read(tmp_path):
    picture = Image.fromarray(np.full((20, 30, 3), 200, np.uint8))
    names = ["a.gif", "b.jfif", "c.bmp"] + ["d.avif"] * features.check("avif")
    for name in names:
        picture.save(tmp_path / name, format="JPEG" if name.endswith("jfif") else None)
    (tmp_path / "e.heic").write_bytes(b"not read here")
    assert [source.path.name for source in find_pictures([tmp_path])] == [*names[:2], *names[2:], "e.heic"]
    for name in names:
        assert np.abs(read_picture(tmp_path / name).astype(int) - 200).max() < 8


@pytest.mark.parametrize("bits", [12, 14, 16])
def test_colour_of_any_depth_is_read_alike(tmp_path, bits):
    """Pillow keeps the upper 8 bits of 16, of which 12 fill 4: sixteen levels are left."""
    cv2 = pytest.importorskip("cv2")
    picture = painted(90, 120)
    cv2.imwrite(str(tmp_path / "a.png"), picture[..., ::-1].astype(np.uint16) * 2 ** (bits - 8))
    assert np.abs(read_picture(tmp_path / "a.png").astype(int) - picture).max() <= 2 ** (16 - bits)


def test_colours_as_shares_of_1_are_read(tmp_path):
    picture = painted(90, 120)
    tifffile.imwrite(tmp_path / "a.tif", np.stack([picture, picture[::-1]]).astype(np.float32) / 255, photometric="rgb")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif"), picture)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif", 1), picture[::-1])
    (tmp_path / "b.tif").write_bytes(b"II*\0no picture")
    with pytest.raises(ImageError, match=r"b\.tif: cannot be read as a picture"):
        read_picture(tmp_path / "b.tif")


def test_dark_pictures_of_bytes_stay_dark(tmp_path):
    Image.new("RGB", (60, 50), (12, 9, 14)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").max() == 14
