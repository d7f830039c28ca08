"""Is our PNG what other readers expect, and does it keep what its other chunks say?"""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo

from blurspace.io import png, raster
from blurspace.io.images import changes_on_write, encode_photo, read_photo
from blurspace.io.raster import rows_of, split_alpha
from blurspace.types import Photo

NOISE = np.random.default_rng(0).integers(0, 65536, (19, 23, 4), dtype=np.uint16)


def read_by_others(file, depth):
    """RGB(A) or grey samples; grey with alpha comes from OpenCV as BGRA."""
    if depth == 8:
        return np.asarray(PillowImage.open(io.BytesIO(file))).astype(np.uint16)
    found = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA if found.shape[-1] == 4 else cv2.COLOR_BGR2RGB)


@settings(max_examples=40, deadline=None)
@given(st.integers(16, 40), st.integers(16, 40), st.integers(1, 4), st.sampled_from([8, 16]), st.integers(0, 99))
def test_any_picture_comes_back_as_it_was(height, width, channels, depth, seed):
    samples = np.random.default_rng(seed).integers(0, 2**depth, (height, width, channels), dtype=np.uint16)
    samples = samples.astype(np.uint8) if depth == 8 else samples
    photo = Photo(*split_alpha(samples))
    file = encode_photo(photo, photo.pixels)
    again = read_photo(file)
    np.testing.assert_array_equal(rows_of(again), samples)
    if channels > 2 or depth == 8:
        np.testing.assert_array_equal(read_by_others(file, depth).reshape(samples.shape), samples)


@pytest.mark.parametrize("band", [1, 200, 10**6])
def test_bands_leave_no_seam(monkeypatch, band):
    monkeypatch.setattr(raster, "BAND", band)
    again = read_photo(plain(NOISE))
    np.testing.assert_array_equal(rows_of(again), NOISE)


def with_chunks(file, *added):
    """A PNG with chunks added behind its header, which is always the first and of 13 bytes."""
    return file[:33] + b"".join(png._chunk(kind, body) for kind, body in added) + file[33:]


def plain(samples):
    photo = Photo(*split_alpha(samples))
    return encode_photo(photo, photo.samples)


def test_colours_scale_and_texts_are_kept_and_what_describes_the_samples_is_not():
    kept = {b"gAMA": struct.pack(">I", 45455), b"pHYs": struct.pack(">IIB", 11811, 11811, 1), b"tEXt": b"Title\0Kiel"}
    file = with_chunks(plain(NOISE[..., :3]), *kept.items(), (b"sBIT", bytes((5, 6, 5))), (b"prVt", b"?"))
    photo = read_photo(file)
    found = {kind: bytes(body) for kind, body in png._chunks(encode_photo(photo, photo.pixels))}
    assert found.keys() == {b"IHDR", *kept, b"IDAT", b"IEND"}
    assert all(found[kind] == body for kind, body in kept.items())


def test_a_profile_rules_out_the_word_srgb():
    file = with_chunks(plain(NOISE[..., :3]), (b"sRGB", b"\0"))
    photo = read_photo(file)
    assert b"sRGB" in encode_photo(photo, photo.pixels)
    profiled = Photo(photo.samples, icc=b"profile", source=file)
    assert b"sRGB" not in encode_photo(profiled, photo.pixels)


def test_metadata_behind_the_pixels_counts_too():
    file = plain(NOISE)
    end = png._chunk(b"IEND", b"")
    photo = read_photo(file.removesuffix(end) + png._chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0") + end)
    assert photo.exif == b"II*\0\x08\0\0\0\0\0\0\0\0\0"


def test_compressed_xmp_is_kept_once():
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<x/>", zip=True)
    written = io.BytesIO()
    PillowImage.new("L", (20, 20)).save(written, "PNG", pnginfo=text)
    photo = read_photo(written.getvalue())
    assert photo.xmp == b"<x/>"
    assert encode_photo(photo, photo.pixels).count(b"XML:com.adobe.xmp") == 1


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_one_transparent_grey_becomes_an_alpha_channel(bits):
    samples = (NOISE[..., 0] >> (16 - bits)).astype(np.uint16)
    key = int(samples[3, 4])
    if bits == 16:
        file = plain(samples[..., None])
    else:
        written = io.BytesIO()
        PillowImage.fromarray(samples.astype(np.uint8)).save(written, "PNG", bits=bits)
        file = written.getvalue()
    photo = read_photo(with_chunks(file, (b"tRNS", struct.pack(">H", key))))
    np.testing.assert_array_equal(photo.alpha[0, 0].numpy() > 0, samples != key)
    np.testing.assert_allclose(photo.pixels[0, 0], samples / (2**bits - 1), atol=1e-6)
    assert "transparent colour" in changes_on_write(photo)
    assert ("bit a pixel" in changes_on_write(photo)) == (bits < 8)
    again = read_photo(encode_photo(photo, photo.pixels))
    assert torch.equal(again.pixels, photo.pixels)
    assert torch.equal(again.alpha, photo.alpha)


@pytest.mark.parametrize("depth", [8, 16])
def test_one_transparent_colour_becomes_an_alpha_channel(depth):
    samples = NOISE[..., :3] if depth == 16 else (NOISE[..., :3] >> 8).astype(np.uint8)
    key = struct.pack(">HHH", *samples[3, 4].tolist())
    photo = read_photo(with_chunks(plain(samples), (b"tRNS", key)))
    assert photo.pixels.shape[1] == 3
    assert photo.alpha[0, 0, 3, 4] == 0
    assert (photo.alpha == 2**depth - 1).sum() == photo.alpha.numel() - 1


def test_interlaced_files_are_read():
    """Made by hand: Adam7 of a constant picture is a constant picture."""
    rows = b"".join(
        (b"\0" + bytes([77]) * -(-(24 - left) // across)) * -(-(24 - top) // down)
        for left, top, across, down in (
            *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
            *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
        )
    )
    header = struct.pack(">IIBBBBB", 24, 24, 8, 0, 0, 0, 1)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    photo = read_photo(png.SIGNATURE + b"".join(png._chunk(kind, body) for kind, body in parts))
    assert bool((photo.pixels == 77 / 255).all())
