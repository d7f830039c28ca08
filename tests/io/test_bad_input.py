"""Does each kind of bad picture get its own sentence, on one line, that says what to do?"""

import io
import logging
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from blurspace.errors import PictureError, UsageError
from blurspace.io import files
from blurspace.io.images import encode_photo, read_kernel, read_photo, write_kernel

NOISE = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)


def saved(format, image=None, **options):
    written = io.BytesIO()
    (image or PillowImage.fromarray(NOISE)).save(written, format, **options)
    return written.getvalue()


def tiff(samples, **options):
    written = io.BytesIO()
    tifffile.imwrite(written, samples, metadata=None, **options)
    return written.getvalue()


def cut(data):
    return data[: len(data) * 2 // 3]


def flipped(data):
    """One bit of the picture in the middle of the file."""
    middle = len(data) // 2
    return data[:middle] + bytes((data[middle] ^ 1,)) + data[middle + 1 :]


def animated(format):
    frames = [PillowImage.fromarray(NOISE), PillowImage.fromarray(255 - NOISE)]
    return saved(format, frames[0], save_all=True, append_images=frames[1:])


def huge_png(width=60000, height=60000, bits=8):
    """A bomb: a few bytes that claim to be so many pixels."""
    return png(struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0), b"")


def png(header, samples):
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(samples, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def huge_jpeg():
    data = saved("JPEG")
    start = data.index(b"\xff\xc0")  # the frame header: marker, length, bits, height, width
    return data[: start + 5] + struct.pack(">HH", 60000, 60000) + data[start + 9 :]


def huge_webp():
    """An extended WebP of 16000 x 16000 pixels, which Pillow would make room for at once."""
    sides = (15999).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sides
    return b"RIFF" + struct.pack("<I", len(body)) + body


def huge_tiff():
    data = tiff(NOISE, photometric="rgb")
    for tag, side in ((256, 40), (257, 32)):  # width and height, as LONG
        entry = struct.pack("<HHII", tag, 4, 1, side)
        assert entry in data
        data = data.replace(entry, struct.pack("<HHII", tag, 4, 1, 60000))
    return data


FLOATS = (NOISE / np.float32(255)).astype(np.float32)
NANS = np.where(FLOATS > 0.9, np.float32("nan"), FLOATS)
DAMAGED = "cut off or damaged"

BAD = {
    "empty": (b"", "is empty"),
    "text called .jpg": (b"Dear all, please find attached\n" * 9, "not a PNG, TIFF, JPEG, WebP, AVIF or HEIC"),
    "GIF": (saved("GIF"), "not a PNG, TIFF, JPEG, WebP, AVIF or HEIC"),
    "BMP": (saved("BMP"), "not a PNG, TIFF, JPEG, WebP, AVIF or HEIC"),
    "signature alone PNG": (b"\x89PNG\r\n\x1a\n", DAMAGED),
    "signature alone JPEG": (b"\xff\xd8\xff", DAMAGED),
    "signature alone TIFF": (b"II*\0", DAMAGED),
    "signature alone WebP": (b"RIFF\x10\0\0\0WEBP", DAMAGED),
    "cut JPEG": (cut(saved("JPEG")), DAMAGED),
    "cut progressive JPEG": (cut(saved("JPEG", progressive=True)), DAMAGED),
    "cut PNG": (cut(saved("PNG")), DAMAGED),
    "cut WebP": (cut(saved("WEBP")), DAMAGED),
    "cut lossless WebP": (cut(saved("WEBP", lossless=True)), DAMAGED),
    "cut TIFF of 8 bits": (cut(saved("TIFF")), DAMAGED),
    "cut TIFF of 16 bits": (cut(tiff(NOISE.astype(np.uint16) * 257, photometric="rgb")), DAMAGED),
    "cut TIFF in LZW": (cut(saved("TIFF", compression="tiff_lzw")), DAMAGED),
    "damaged PNG": (flipped(saved("PNG")), DAMAGED),
    "narrow": (saved("PNG", PillowImage.new("RGB", (200, 15))), "at least 16"),
    "low": (saved("JPEG", PillowImage.new("RGB", (15, 200))), "at least 16"),
    "one pixel": (saved("TIFF", PillowImage.new("L", (1, 1))), "at least 16"),
    "bomb PNG": (huge_png(), "limit of 200000000"),
    "long PNG of 16 bits": (huge_png(2**21, 16, 16), "longer side"),
    "bomb JPEG": (huge_jpeg(), "limit of 200000000"),
    "bomb WebP": (huge_webp(), "limit of 200000000"),
    "bomb TIFF": (huge_tiff(), "limit of 200000000"),
    "NaN TIFF": (tiff(NANS, photometric="rgb"), "NaN"),
    "infinite TIFF": (tiff(FLOATS + np.float32("inf"), photometric="rgb"), "infinity"),
    "32-bit TIFF": (tiff(NOISE[..., 0].astype(np.uint32), photometric="minisblack"), "8 or 16 bits"),
    "signed TIFF": (tiff(NOISE[..., 0].astype(np.int16), photometric="minisblack"), "8 or 16 bits"),
    "five channels": (tiff(np.dstack([NOISE, NOISE[..., :2]]), photometric="rgb", extrasamples=[0, 0]), "5 channels"),
    "CMYK TIFF of 16 bits": (tiff(np.zeros((32, 32, 4), np.uint16), photometric="separated"), "CMYK"),
    "animated PNG": (animated("PNG"), "2 frames"),
    "animated WebP": (animated("WEBP"), "2 frames"),
    "TIFF of two pages": (animated("TIFF"), "2 frames"),
    "HEIC": (struct.pack(">I", 24) + b"ftypheic" + bytes(200), DAMAGED),
    "AVIF": (struct.pack(">I", 24) + b"ftypavif" + bytes(200), DAMAGED),
    "DNG": (tiff(NOISE, photometric="rgb", extratags=[(50706, 1, 4, b"\1\4\0\0", True)]), "RAW"),
    "sensor TIFF": (tiff(NOISE[..., 0], photometric="cfa"), "RAW"),
}


def refusal(action, *arguments, **options):
    with pytest.raises(PictureError) as caught:
        action(*arguments, **options)
    sentence = str(caught.value)
    assert len(sentence.splitlines()) == 1
    assert sentence.isprintable()
    assert ":" in sentence  # what was given: what to do
    assert "Traceback" not in sentence
    return sentence


@pytest.mark.parametrize("kind", BAD)
def test_every_bad_picture_gets_its_sentence(kind, tmp_path, caplog, capfd):
    data, expected = BAD[kind]
    path = tmp_path / "holiday.jpg"
    path.write_bytes(data)
    with caplog.at_level(logging.CRITICAL):
        sentence = refusal(read_photo, path)
    assert expected in sentence
    assert str(path) in sentence
    assert capfd.readouterr() == ("", "")  # neither we nor a decoder under us wrote anything
    assert expected in refusal(read_photo, data)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_no_cut_ends_in_anything_but_a_sentence(format):
    data = saved(format)
    whole = read_photo(data).pixels
    for length in np.linspace(0, len(data) - 1, 40).astype(int):
        try:
            photo = read_photo(data[:length])
        except PictureError:  # its sentence is tested above
            continue
        assert bool((photo.pixels == whole).all()), length  # only bytes behind the pixels were missing


def test_the_size_is_checked_before_anything_is_decoded(monkeypatch):
    from blurspace.io import images

    def explode(_):
        raise AssertionError("decoded")

    row = images.FORMATS["PNG"]
    monkeypatch.setitem(images.FORMATS, "PNG", replace(row, decode=explode))
    sentence = refusal(read_photo, saved("PNG"), max_pixels=1279)
    assert "limit of 1279: make it smaller, or raise it with --max-pixels" in sentence


def test_the_limit_itself_is_allowed():
    assert read_photo(saved("PNG"), max_pixels=1280).pixels.shape[2:] == (32, 40)


@pytest.mark.parametrize("limit", [100, 1000])
@pytest.mark.parametrize(
    ("format", "options", "modes"),
    [
        ("PNG", {}, ("1", "L", "LA", "P", "RGB", "RGBA")),
        ("TIFF", {}, ("1", "L", "LA", "P", "RGB", "RGBA")),
        ("TIFF", {"compression": "tiff_lzw"}, ("1", "L", "LA", "P", "RGB", "RGBA")),
        ("TIFF", {"compression": "jpeg"}, ("L", "RGB")),
        ("JPEG", {}, ("L", "RGB")),
        ("WEBP", {}, ("RGB", "RGBA")),
    ],
)
def test_pillows_own_limit_neither_warns_nor_counts(monkeypatch, limit, format, options, modes):
    """Its warning (from one to two times the limit) would be an error in these tests."""
    files = [saved(format, PillowImage.fromarray(NOISE).convert(mode), **options) for mode in modes]
    wholes = [read_photo(data) for data in files]
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", limit)
    for data, whole in zip(files, wholes, strict=True):
        photo = read_photo(data)
        assert (photo.samples == whole.samples).all()
        assert encode_photo(photo, photo.samples) == encode_photo(whole, whole.pixels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_our_own_limit_can_be_raised_beyond_pillows(kind):
    width, height = (65000, 1400) if kind == "JPEG" else (5_700_000, 16)
    assert width * height > PillowImage.MAX_IMAGE_PIXELS
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    if kind == "PNG":
        data = png(struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0), bytes(height * (width + 1)))
    else:
        data = saved(kind, PillowImage.new("L", (width, height)), **options)
    assert "--max-pixels" in refusal(read_photo, data, max_pixels=width * height - 1)
    photo = read_photo(data, max_pixels=width * height)
    assert photo.samples.shape == (1, 1, height, width)
    assert not photo.samples.any()


@pytest.mark.parametrize("suffix", [".nef", ".ARW", ".dng", ".raf"])
@pytest.mark.parametrize("data", [saved("TIFF"), b"FUJIFILMCCD-RAW" + bytes(99)])
def test_camera_raw_does_not_pass_for_its_preview(tmp_path, suffix, data):
    path = tmp_path / f"raw{suffix}"
    path.write_bytes(data)
    assert "RAW" in refusal(read_photo, path)


def test_missing_files_folders_and_impossible_names(tmp_path):
    assert "does not exist" in refusal(read_photo, tmp_path / "gone.png")
    assert "is a folder" in refusal(read_photo, tmp_path)
    assert "cannot be read" in refusal(read_photo, "null\0byte.png")


def test_an_unreadable_file(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.Path, "open", refuse)  # the tests may run as root, who may read everything
    assert "Permission denied" in refusal(read_photo, tmp_path / "secret.png")


def test_a_file_too_big_for_any_picture_is_not_read_whole(tmp_path):
    path = tmp_path / "film.png"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: takes no room
    assert "bytes: give a smaller file, or raise it with --max-pixels" in refusal(read_photo, path, max_pixels=1000)


def test_a_line_break_in_a_name_does_not_break_the_sentence(tmp_path):
    path = tmp_path / "two\nlines.png"
    path.write_bytes(b"")
    assert "two?lines.png is empty" in refusal(read_photo, path)


KERNELS = {
    "negative": (np.array([[0.0, 1.0], [-0.1, 1.0]]), "negative"),
    "NaN": (np.array([[0.0, np.nan], [1.0, 1.0]]), "NaN"),
    "infinite": (np.array([[0.0, np.inf], [1.0, 1.0]]), "NaN"),
    "dark": (np.zeros((5, 5)), "no light"),
    "a row of numbers": (np.ones(7), "shape"),
    "two planes": (np.ones((2, 5, 5)), "shape"),
}


@pytest.mark.parametrize("kind", KERNELS)
@pytest.mark.parametrize("suffix", ["npy", "tiff"])
def test_every_bad_kernel_gets_its_sentence(kind, suffix, tmp_path):
    values, expected = KERNELS[kind]
    path = tmp_path / f"kernel.{suffix}"
    if suffix == "npy":
        np.save(path, values)
    elif values.ndim == 2:
        tifffile.imwrite(path, values.astype(np.float32), photometric="minisblack")
    else:
        pytest.skip("a TIFF page always has two sides")
    assert expected in refusal(read_kernel, path)


@pytest.mark.parametrize("data", [b"", b"text", b"\x93NUMPY", cut(tiff(FLOATS[..., 0])), cut(saved("PNG"))])
def test_files_that_hold_no_kernel(data, tmp_path):
    path = tmp_path / "kernel.tiff"
    path.write_bytes(data)
    refusal(read_kernel, path)
    assert "does not exist" in refusal(read_kernel, tmp_path / "gone.tiff")


def test_a_kernel_file_runs_no_code(tmp_path):
    np.save(tmp_path / "kernel.npy", np.array([{}], dtype=object), allow_pickle=True)
    refusal(read_kernel, tmp_path / "kernel.npy")


def test_a_kernel_in_colour(tmp_path):
    path = tmp_path / "kernel.png"
    path.write_bytes(saved("PNG"))
    assert "colour" in refusal(read_kernel, path)


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (1, 1, 3, 5), (2, 1, 3, 3), (3, 3)])
def test_only_one_odd_square_kernel_is_written(shape, tmp_path):
    import torch

    with pytest.raises(UsageError, match="k odd"):
        write_kernel(tmp_path / "k.tiff", torch.full(shape, 1 / (shape[-1] * shape[-2])), overwrite=False)
    assert list(tmp_path.iterdir()) == []
