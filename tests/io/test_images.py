"""Does everything about a picture but its pixels come out as it went in?

The files are made here by Pillow, tifffile and OpenCV, so that our own writers are not their own witnesses.
"""

import io
import os
import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest
import tifffile
import torch
from PIL import ExifTags, ImageCms
from PIL import Image as PillowImage

from blurspace.errors import NoInputError, OutputError
from blurspace.io import files, raster
from blurspace.io.images import (
    changes_on_write,
    encode_photo,
    find_photos,
    read_kernel,
    read_photo,
    write_bytes,
    write_kernel,
)
from blurspace.io.raster import rows_of

HEIGHT, WIDTH = 19, 23  # odd, and not square
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>caf\xc3\xa9</x:xmpmeta>"
SIDEWAYS = 6
CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def exif_bytes():
    exif = PillowImage.Exif()
    exif[ExifTags.Base.Orientation] = SIDEWAYS
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.IFD.Exif] = {int(ExifTags.Base.ExposureTime): 0.125}
    return exif.tobytes()


def samples_of(mode, depth, seed=0):
    generator = np.random.default_rng(seed)
    samples = generator.integers(0, 2**depth, (HEIGHT, WIDTH, CHANNELS[mode]), dtype=np.uint16)
    return samples.astype(np.uint8) if depth == 8 else samples


def squeezed(samples):
    return samples[..., 0] if samples.shape[2] == 1 else samples


def saved(image, format, **options):
    written = io.BytesIO()
    image.save(written, format, **options)
    return written.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_file(samples):
    """Any depth and mode, unfiltered, with all metadata, written from the specification."""
    height, width, channels = samples.shape
    rows = samples.astype(samples.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    header = struct.pack(">IIBBBBB", width, height, 8 * samples.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = (
        chunk(b"IHDR", header),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(ICC)),
        chunk(b"pHYs", struct.pack(">IIB", 3000, 3000, 1)),
        chunk(b"eXIf", exif_bytes().removeprefix(b"Exif\0\0")),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        chunk(b"IDAT", zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff_file(samples):
    written = io.BytesIO()
    tifffile.imwrite(
        written,
        squeezed(samples),
        photometric="rgb" if samples.shape[2] > 2 else "minisblack",
        planarconfig="contig" if samples.shape[2] > 1 else None,
        extrasamples=["unassalpha"] if samples.shape[2] % 2 == 0 else None,
        iccprofile=ICC,
        extratags=[(274, 3, 1, SIDEWAYS, True), (700, 1, len(XMP), XMP, True), (271, 2, 0, "Maker", True)],
        metadata=None,
    )
    return written.getvalue()


def webp_file(samples):
    options = {"lossless": True, "exact": True, "icc_profile": ICC, "exif": exif_bytes(), "xmp": XMP}
    return saved(PillowImage.fromarray(squeezed(samples)), "WEBP", **options)


LOSSLESS = [
    *(("PNG", png_file, mode, depth) for mode in CHANNELS for depth in (8, 16)),
    *(("TIFF", tiff_file, mode, depth) for mode in CHANNELS for depth in (8, 16)),
    *(("WEBP", webp_file, mode, 8) for mode in ("RGB", "RGBA")),
]


def decoded(photo):
    """Pixels and alpha as integers (h w c)."""
    return rows_of(photo).astype(np.int64)


def orientation(photo):
    exif = PillowImage.Exif()
    exif.load(photo.exif)
    return exif[ExifTags.Base.Orientation]


@pytest.mark.parametrize(("format", "make", "mode", "depth"), LOSSLESS)
def test_reading_gives_the_samples_and_the_metadata(format, make, mode, depth):
    samples = samples_of(mode, depth)
    photo = read_photo(make(samples))
    assert (photo.format, photo.depth, changes_on_write(photo)) == (format, depth, None)
    assert photo.pixels.shape == (1, 1 if mode in ("L", "LA") else 3, HEIGHT, WIDTH)  # not turned upright
    assert photo.pixels.dtype == torch.float32
    assert (photo.alpha is not None) == mode.endswith("A")
    np.testing.assert_array_equal(decoded(photo), samples)
    assert (photo.icc, photo.xmp, orientation(photo)) == (ICC, XMP, SIDEWAYS)


@pytest.mark.parametrize(("format", "make", "mode", "depth"), LOSSLESS)
def test_new_pixels_come_out_exactly_and_nothing_else_changes(format, make, mode, depth):
    photo = read_photo(make(samples_of(mode, depth)))
    again = read_photo(encode_photo(photo, 1 - photo.pixels))
    expected = samples_of(mode, depth).astype(np.int64)
    colours = photo.pixels.shape[1]
    expected[..., :colours] = 2**depth - 1 - expected[..., :colours]
    np.testing.assert_array_equal(decoded(again), expected)  # alpha as it was
    assert (again.format, again.depth, again.icc, again.xmp) == (format, depth, ICC, XMP)
    assert again.exif == photo.exif


@pytest.mark.parametrize(("format", "make", "mode", "depth"), LOSSLESS)
def test_samples_are_written_as_they_are_however_they_lie_in_memory(format, make, mode, depth):
    photo = read_photo(make(samples_of(mode, depth)))
    assert photo.samples.dtype == (torch.uint8 if depth == 8 else torch.uint16)
    assert photo.alpha is None or photo.alpha.dtype == photo.samples.dtype
    file = encode_photo(photo, photo.pixels)
    for samples in (photo.samples, photo.samples.contiguous(memory_format=torch.contiguous_format)):
        assert encode_photo(photo, samples) == file
    with pytest.raises(OutputError, match=r"samples of torch\.int32"):
        encode_photo(photo, photo.samples.to(torch.int32))


@pytest.mark.parametrize("make", [png_file, tiff_file])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_big_picture_is_held_once(monkeypatch, make, depth):
    """What NumPy and Python hold: Pillow's own memory is not counted."""
    monkeypatch.setattr(raster, "BAND", 2**14)
    samples = np.full((1400, 1000, 3), 77, np.uint8 if depth == 8 else np.uint16)
    data, least = make(samples), samples.nbytes
    tracemalloc.start()
    try:
        photo = read_photo(data)
        read = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        encode_photo(photo, photo.samples)
        written = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert least <= read < 1.3 * least
    assert written < 1.3 * least


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_others_read_our_16_bit_png_as_we_do(mode):
    samples = samples_of(mode, 16)
    photo = read_photo(png_file(samples))
    found = cv2.imdecode(np.frombuffer(encode_photo(photo, photo.pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    order = [2, 1, 0, 3][: CHANNELS[mode]] if mode != "L" else [0]
    np.testing.assert_array_equal(found.reshape(HEIGHT, WIDTH, -1)[..., order], samples)


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize("depth", [8, 16])
def test_others_read_our_tiff_as_we_do(mode, depth):
    samples = samples_of(mode, depth)
    photo = read_photo(tiff_file(samples))
    file = encode_photo(photo, photo.pixels)
    if depth == 8:  # Pillow turns a TIFF upright, here by a quarter
        found = np.asarray(PillowImage.open(io.BytesIO(file)))
        np.testing.assert_array_equal(found, np.rot90(squeezed(samples), -1))
    with tifffile.TiffFile(io.BytesIO(file)) as written:
        page = written.pages.first
        assert page.tags.valueof(274) == SIDEWAYS
        assert bytes(page.tags.valueof(34675)) == ICC
        assert bytes(page.tags.valueof(700)) == XMP
        assert page.tags.valueof(271) == "Maker"


@pytest.mark.parametrize("depth", [8, 16])
def test_a_tiff_keeps_the_exif_directory(depth):
    image = PillowImage.fromarray(squeezed(samples_of("L", depth)))
    exif = PillowImage.Exif()
    exif.load(exif_bytes())
    exif.get_ifd(ExifTags.IFD.Exif)
    photo = read_photo(saved(image, "TIFF", exif=exif))
    again = read_photo(encode_photo(photo, photo.pixels))
    found = PillowImage.Exif()
    found.load(again.exif)
    assert float(found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime]) == 0.125
    assert orientation(again) == SIDEWAYS


@pytest.mark.parametrize("depth", [8, 16])
def test_a_tiff_in_lzw_is_read_without_an_extra(depth):
    samples = samples_of("RGB", depth)
    done, file = cv2.imencode(".tiff", samples[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    assert done
    np.testing.assert_array_equal(decoded(read_photo(file.tobytes())), samples)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_one_bit_comes_out_as_grey_and_a_sentence_says_so(format):
    bits = samples_of("L", 8)[..., 0] > 127
    photo = read_photo(saved(PillowImage.fromarray(bits), format))
    np.testing.assert_array_equal(decoded(photo)[..., 0], 255 * bits)
    assert "8" in changes_on_write(photo)
    again = read_photo(encode_photo(photo, photo.pixels))
    assert (again.format, again.pixels.shape[1]) == (format, 1)
    assert torch.equal(again.pixels, photo.pixels)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize("see_through", [False, True])
def test_a_palette_comes_out_as_rgb_and_a_sentence_says_so(format, see_through):
    if format == "TIFF" and see_through:
        pytest.skip("a TIFF palette has no transparency")
    numbers = samples_of("L", 8)[..., 0] % 7
    image = PillowImage.new("P", (WIDTH, HEIGHT))
    image.putdata(numbers.flatten().tolist())
    image.putpalette([value for colour in range(7) for value in (30 * colour, 255 - 30 * colour, colour)])
    photo = read_photo(saved(image, format, **({"transparency": 3} if see_through else {})))
    assert "palette" in changes_on_write(photo)
    np.testing.assert_array_equal(decoded(photo)[..., 0], 30 * numbers)
    assert (photo.alpha is not None) == see_through
    if see_through:
        np.testing.assert_array_equal(decoded(photo)[..., 3], np.where(numbers == 3, 0, 255))
    again = read_photo(encode_photo(photo, photo.pixels))
    assert again.format == format
    assert torch.equal(again.pixels, photo.pixels)
    assert changes_on_write(again) is None


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_a_jpeg_keeps_its_tables_subsampling_and_metadata(mode, subsampling):
    image = PillowImage.fromarray(squeezed(samples_of(mode, 8)))
    options = {"quality": 71, "icc_profile": ICC, "exif": exif_bytes(), "xmp": XMP}
    file = saved(image, "JPEG", subsampling=subsampling, **options)
    photo = read_photo(file)
    again = encode_photo(photo, photo.pixels)
    before, after = PillowImage.open(io.BytesIO(file)), PillowImage.open(io.BytesIO(again))
    assert after.quantization == before.quantization
    if mode == "RGB":  # one channel alone has nothing to be sampled less than
        assert [layer[1:3] for layer in after.layer] == [layer[1:3] for layer in before.layer]
    assert after.mode == before.mode
    for key in ("icc_profile", "exif", "xmp"):
        assert after.info[key] == before.info[key]
    assert changes_on_write(photo) is None


def test_a_lossy_webp_stays_lossy_and_close():
    smooth = np.broadcast_to(np.linspace(20, 220, 48)[:, None, None], (48, 64, 3)).astype(np.uint8)
    photo = read_photo(saved(PillowImage.fromarray(smooth), "WEBP", quality=80))
    file = encode_photo(photo, photo.pixels)
    assert (photo.coding.lossless, read_photo(file).coding.lossless) == (False, False)
    assert (read_photo(file).pixels - photo.pixels).abs().max() < 0.02


def test_pixels_are_clamped_and_rounded_to_nearest():
    photo = read_photo(png_file(samples_of("L", 8)))
    values = torch.full_like(photo.pixels, 100.6 / 255)
    values[..., 0, :2] = torch.tensor([-3.0, 7.0])
    found = decoded(read_photo(encode_photo(photo, values)))
    assert (found[0, 0, 0], found[0, 1, 0], found[1, 0, 0]) == (0, 255, 101)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_pixels_that_are_not_finite_are_not_written(bad):
    photo = read_photo(png_file(samples_of("RGB", 8)))
    pixels = photo.pixels.clone()
    pixels[0, 1, 2, 3] = bad
    with pytest.raises(OutputError, match="NaN"):
        encode_photo(photo, pixels)


def test_pixels_of_another_size_are_not_written():
    photo = read_photo(png_file(samples_of("RGB", 8)))
    with pytest.raises(OutputError, match="shape"):
        encode_photo(photo, photo.pixels[..., 1:])


def test_the_content_decides_not_the_suffix_and_names_may_be_in_any_script(tmp_path):
    path = tmp_path / "Übung 写真 📷.jpg"
    path.write_bytes(png_file(samples_of("RGB", 16)))
    assert read_photo(path).format == "PNG"
    assert read_photo(str(path)).depth == 16


# Writing files ------------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_and_leaves_nothing_beside(tmp_path):
    write_bytes(tmp_path / "naïve.bin", b"one", overwrite=False)
    write_bytes(tmp_path / "naïve.bin", b"two", overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"naïve.bin": b"two"}


def test_an_existing_output_stays(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"):
        write_bytes(path, b"new", overwrite=False)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"old"]


def test_an_output_that_appears_meanwhile_stays(tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    path.write_bytes(b"theirs")
    monkeypatch.setattr(files, "check_target", lambda *_, **__: None)  # it was not there when we looked
    with pytest.raises(OutputError, match="exists already"):
        write_bytes(path, b"ours", overwrite=False)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"theirs"]


@pytest.mark.parametrize("existing", [False, True])
def test_without_hard_links_nothing_is_overwritten_either(tmp_path, monkeypatch, existing):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(files.Path, "hardlink_to", refuse)
    monkeypatch.setattr(files, "check_target", lambda *_, **__: None)
    path = tmp_path / "out.png"
    if existing:
        path.write_bytes(b"theirs")
        with pytest.raises(OutputError, match="exists already"):
            write_bytes(path, b"ours", overwrite=False)
    else:
        write_bytes(path, b"ours", overwrite=False)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"theirs" if existing else b"ours"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_interrupt_leaves_no_half_file(tmp_path, monkeypatch, overwrite):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_move", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(tmp_path / "out.png", b"half", overwrite=overwrite)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """So that a power cut leaves none that is empty or cut off."""
    told, sync, move = [], os.fsync, files._move
    monkeypatch.setattr(os, "fsync", lambda number: told.append(os.fstat(number).st_ino) or sync(number))
    monkeypatch.setattr(files, "_move", lambda *given, **how: told.append("named") or move(*given, **how))
    write_bytes(tmp_path / "out.png", b"new", overwrite=False)
    assert told == [(tmp_path / "out.png").stat().st_ino, "named", tmp_path.stat().st_ino]


def test_outputs_that_cannot_be_written_say_why(tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="does not exist"):
        write_bytes(tmp_path / "missing" / "out.png", b"", overwrite=False)
    with pytest.raises(OutputError, match="is a folder"):
        write_bytes(tmp_path, b"", overwrite=True)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.Path, "open", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        write_bytes(tmp_path / "out.png", b"", overwrite=False)


# Finding files ------------------------------------------------------------------------------------------------------


def test_folders_patterns_and_files_are_found_once_and_in_order(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt", "c.webp"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "deeper.png").mkdir()
    (tmp_path / "deeper.png" / "d.png").write_bytes(b"")
    names = [path.name for path in find_photos([tmp_path])]
    assert names == ["a.jpg", "b.PNG", "c.webp"]
    assert [path.name for path in find_photos([str(tmp_path / "*.webp"), tmp_path / "a.jpg", tmp_path])] == [
        *("c.webp", "a.jpg", "b.PNG")
    ]
    assert find_photos([tmp_path / "notes.txt"]) == [tmp_path / "notes.txt"]  # named: reading it will say what it is


def test_a_file_may_be_called_like_a_pattern(tmp_path):
    (tmp_path / "a[1].png").write_bytes(b"")
    assert find_photos([tmp_path / "a[1].png"]) == [tmp_path / "a[1].png"]


def test_a_missing_file_is_no_reason_to_lose_the_others(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    assert find_photos([tmp_path / "gone.png", tmp_path]) == [tmp_path / "gone.png", tmp_path / "a.png"]
    missing = r"gone\.png does not exist"
    none = "no picture was found"
    for nothing, words in (([tmp_path / "gone.png"], missing), ([tmp_path / "*.tif"], none), ([], none)):
        with pytest.raises(NoInputError, match=words):
            find_photos(nothing)


# Kernels ------------------------------------------------------------------------------------------------------------


def test_a_kernel_comes_back_as_it_was(tmp_path):
    kernel = torch.rand(1, 1, 7, 7, generator=torch.Generator().manual_seed(1))
    kernel = kernel / kernel.sum()
    write_kernel(tmp_path / "k.tiff", kernel, overwrite=False)
    torch.testing.assert_close(read_kernel(tmp_path / "k.tiff"), kernel, rtol=1e-6, atol=0)
    with tifffile.TiffFile(tmp_path / "k.tiff") as file:
        assert (len(file.pages), file.pages.first.dtype, file.pages.first.shape) == (1, np.float32, (7, 7))
    with pytest.raises(OutputError, match="exists already"):
        write_kernel(tmp_path / "k.tiff", kernel, overwrite=False)


@pytest.mark.parametrize("kind", ["npy", "png8", "png16", "tiff8", "tiff16"])
def test_a_kernel_may_come_from_elsewhere(tmp_path, kind):
    values = np.random.default_rng(2).integers(0, 255, (5, 9)).astype(np.uint16 if "16" in kind else np.uint8)
    path = tmp_path / f"k.{kind}"
    if kind == "npy":
        with path.open("wb") as file:
            np.save(file, values / 3.0)
    elif kind.startswith("png"):
        path.write_bytes(cv2.imencode(".png", values)[1].tobytes())
    else:
        tifffile.imwrite(path, values, photometric="minisblack")
    kernel = read_kernel(path)
    assert kernel.shape == (1, 1, 9, 9)
    torch.testing.assert_close(kernel[0, 0, 2:7], torch.from_numpy(values / values.sum()).float(), rtol=1e-5, atol=1e-7)
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 6), (1, 1), (1, 4)])
def test_the_middle_of_a_kernel_stays_the_middle(tmp_path, height, width):
    values = np.zeros((height, width))
    values[height // 2, width // 2] = 1
    np.save(tmp_path / "k.npy", values)
    kernel = read_kernel(tmp_path / "k.npy")
    side = kernel.shape[-1]
    assert side % 2 == 1
    assert kernel[0, 0, side // 2, side // 2] == 1
