"""Are outputs named, refused and recorded as the contract says, whatever happens to one file of a batch?"""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import build_deblurrer
from blurspace.data.layouts import find_pairs
from blurspace.errors import Cancelled, MemoryExhaustedError, NoInputError, OutputError, PictureError, UsageError
from blurspace.io.images import read_kernel, read_photo
from blurspace.jobs import inspect
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.each import exit_code, picture_bytes
from blurspace.jobs.files import Source, find_sources, load, plan_targets
from blurspace.jobs.wishes import Wishes
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.finders import KernelFinder

from .fakes import Fake
from .restore.scenes import made_scene


@pytest.fixture
def photo(tmp_path):
    return save(tmp_path / "photo.png")


def save(path, *, seed=0, mode="RGB"):
    shape = (24, 32, 3) if mode == "RGB" else (24, 32)
    Pil.fromarray(np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8), mode=None).save(path)
    return path


def run(*paths, deblurrer=None, **options):
    sources = find_sources([str(path) for path in paths])
    output = options.pop("output", None)
    return list(deblur_files(sources, deblurrer=deblurrer or Fake(), output=output, wishes=Wishes(**options)))


def test_result_beside_the_input(photo):
    (outcome,) = run(photo)
    assert outcome.output == str(photo.with_name("photo.deblurred.png"))
    assert outcome.verdict == "restored"
    expected = read_photo(photo).pixels * 0.5
    assert torch.allclose(read_photo(Path(outcome.output)).pixels, expected, atol=0.51 / 255)


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_photos_of_one_name_do_not_share_pictures_of_the_kernel(tmp_path, overwrite):
    for seed, name in enumerate(("a.jpg", "a.png")):
        save(tmp_path / name, seed=seed)
    first, second = run(tmp_path, plot=True, overwrite=overwrite)
    assert (first.verdict, second.verdict) == ("restored", "failed")
    assert "a.kernel.png is written for another input: use two folders" in second.reason
    assert [one.verdict for one in run(tmp_path, overwrite=True)] == ["restored", "restored"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_photos_of_one_name_do_not_share_a_map(tmp_path, overwrite):
    for seed, name in enumerate(("a.jpg", "a.png")):
        save(tmp_path / name, seed=seed)
    sources = find_sources([str(tmp_path)])
    (_, first), (record, second) = inspect.diagnose_files(sources, plot=True, overwrite=overwrite)
    assert (first, record["kind"]) == (None, "failed")
    assert "a.parts.png is written for another input" in second.reason


def test_one_photo_spelled_twice_is_one(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    save(tmp_path / "sub" / "b.png")
    monkeypatch.chdir(tmp_path)
    found = find_sources(["a.png", "./a.png", str(tmp_path / "a.png"), "sub/b.png", "link/b.png", "gone", "\0"])
    assert [Path(one.name).name for one in found] == ["a.png", "b.png", "gone", "\0"]


def test_nothing_to_do_is_no_error():
    assert list(deblur_files([], deblurrer=Fake(), jobs=3)) == []


def test_record_has_the_contracts_fields(photo):
    record = run(photo)[0].record()
    names = "input output verdict reason method kernel reblur_psnr change_psnr sigma seconds peak_mib device runtime"
    assert set(names.split()) <= set(record)
    assert list(record)[:4] == names.split()[:4]
    assert set(record["kernel"]) == {"size", "length_px", "angle_deg", "confidence"}
    assert record["change_psnr"] is None  # infinite
    assert record["runtime"].startswith("torch ")
    assert record["peak_mib"] > 10
    assert not {"data", "error", "exit_code"} & set(record)


def test_left_alone_is_the_input_byte_for_byte(tmp_path):
    photo = tmp_path / "photo.jpg"
    save(photo)
    (outcome,) = run(photo, deblurrer=Fake("left alone"))
    assert Path(outcome.output).read_bytes() == photo.read_bytes()


def test_refused_writes_nothing_and_fails_only_under_strict(photo):
    (outcome,) = run(photo, deblurrer=Fake("refused"))
    assert (outcome.output, outcome.exit_code) == (None, 0)
    assert run(photo, deblurrer=Fake("refused"), strict=True)[0].exit_code == 6
    assert sorted(path.name for path in photo.parent.iterdir()) == ["photo.png"]


@pytest.mark.parametrize(
    ("change", "words"),
    [(lambda blurry: blurry * math.nan, "infinity"), (lambda blurry: blurry[..., 1:], "same shape")],
)
def test_garbage_is_never_written(photo, change, words):
    """Not even where a deblurrer lets it through; the driver itself refuses what is no number, or no picture."""
    (outcome,) = run(photo, deblurrer=Fake(change=change, as_it_is=True))
    assert outcome.verdict == "failed"
    assert words in outcome.reason
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]


def test_existing_output_is_refused_before_the_work(photo):
    target = photo.with_name("photo.deblurred.png")
    target.write_bytes(b"mine")
    fake = Fake()
    (outcome,) = run(photo, deblurrer=fake)
    assert (outcome.verdict, outcome.exit_code, fake.calls) == ("failed", 1, 0)
    assert "exists already" in outcome.reason
    assert target.read_bytes() == b"mine"
    assert run(photo, overwrite=True)[0].verdict == "restored"


def test_inputs_are_never_overwritten_even_with_overwrite(photo, tmp_path):
    before = photo.read_bytes()
    link = tmp_path / "link.png"
    link.symlink_to(photo)
    for output in (photo, link):
        (outcome,) = run(photo, output=str(output), overwrite=True)
        assert "never overwritten" in outcome.reason
    other = save(tmp_path / "photo.deblurred.png", seed=1)
    kept = other.read_bytes()
    assert run(photo, other, overwrite=True)[0].verdict == "failed"
    assert (photo.read_bytes(), other.read_bytes()) == (before, kept)


def test_a_bad_file_does_not_stop_the_batch(photo, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_text("text")
    good = save(tmp_path / "good.png", seed=1)
    outcomes = run(photo, bad, tmp_path / "missing.png", good)
    assert [one.verdict for one in outcomes] == ["restored", "failed", "failed", "restored"]
    assert exit_code(one.exit_code for one in outcomes) == 1
    assert all("\n" not in one.reason for one in outcomes)


def test_a_name_that_cannot_be_does_not_stop_the_batch(photo, tmp_path):
    long = tmp_path / f"{'a' * 300}.png"
    outcomes = run(long, photo)
    assert [one.verdict for one in outcomes] == ["failed", "restored"]
    assert "(File name too long)" in outcomes[0].reason
    (outcome,) = run(photo, output=str(long))
    assert "cannot be written (File name too long)" in outcome.reason
    records = [record for record, _ in inspect.diagnose_files(find_sources([str(long), str(photo)]))]
    assert [record["kind"] for record in records] == ["failed", "unknown"]
    with pytest.raises(NoInputError, match="does not exist"):
        find_pairs(long)


def test_what_is_read_besides_photos_is_an_input_too(photo, tmp_path):
    weights = save(tmp_path / "weights.png", seed=1)
    (outcome,) = run(photo, output=str(weights), overwrite=True, inputs=(weights,))
    assert "never overwritten" in outcome.reason


def test_a_bug_in_one_file_does_not_stop_the_batch(photo, tmp_path):
    outcomes = run(photo, save(tmp_path / "other.png"), deblurrer=Fake(error=ZeroDivisionError("oh")))
    assert [one.verdict for one in outcomes] == ["failed", "failed"]
    assert "ZeroDivisionError" in outcomes[0].reason


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate")]
)
def test_out_of_memory_is_exit_5(photo, error):
    (outcome,) = run(photo, deblurrer=Fake(error=error))
    assert outcome.exit_code == MemoryExhaustedError.exit_code == 5


def test_interrupt_leaves_no_half_file(photo):
    for error in (KeyboardInterrupt(), Cancelled("enough")):
        with pytest.raises(type(error)):
            run(photo, photo, deblurrer=Fake(error=error))
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]


def test_folders_skip_our_own_results(photo):
    run(photo, plot=True)
    assert {path.name for path in photo.parent.iterdir()} == {
        "photo.png",
        "photo.deblurred.png",
        "photo.kernel.png",
        "photo.side-by-side.png",
    }
    assert [source.name for source in find_sources([str(photo.parent)])] == [str(photo)]
    with pytest.raises(NoInputError, match=r"\*\.deblurred\.png holds only results of blurspace"):
        find_sources([str(photo.with_name("*.deblurred.png"))])


def test_side_by_side_shows_both(photo):
    run(photo, plot=True)
    assert read_photo(photo.with_name("photo.side-by-side.png")).pixels.shape == (1, 3, 24, 68)


def test_output_folder_is_created_and_same_names_do_not_collide(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "photo.png", seed=ord(name))
    outcomes = run(tmp_path / "a", tmp_path / "b", output=str(tmp_path / "out"), overwrite=True)
    assert [one.verdict for one in outcomes] == ["restored", "failed"]
    assert (tmp_path / "out" / "photo.deblurred.png").is_file()


def test_two_inputs_cannot_go_to_one_file(photo, tmp_path):
    sources = find_sources([str(photo), str(save(tmp_path / "other.png"))])
    for output in ("one.png", "-"):
        with pytest.raises(UsageError, match="cannot all go"):
            plan_targets(sources, output)


@pytest.mark.parametrize("name", ["photo.png", "photo", "photo.gif"])
def test_a_name_that_is_made_up_tells_the_content(tmp_path, name):
    Pil.fromarray(np.zeros((24, 32, 3), np.uint8)).save(tmp_path / name, "JPEG")
    for output in (None, str(tmp_path / "out/")):
        (outcome,) = run(tmp_path / name, output=output)
        assert Path(outcome.output).name == "photo.deblurred.jpg"
        assert any("is a JPEG file whatever its name says" in note for note in outcome.notes)


@pytest.mark.parametrize("name", ["x.gif", "x.bmp", "x.tmp"])
def test_a_suffix_that_names_no_format_is_refused(photo, tmp_path, name):
    (outcome,) = run(photo, output=str(tmp_path / name))
    assert (outcome.exit_code, outcome.verdict, (tmp_path / name).exists()) == (2, "failed", False)


@pytest.mark.parametrize("several", [False, True])
def test_a_name_without_suffix_is_a_folder(photo, tmp_path, several):
    more = [save(tmp_path / "other.png")] if several else []
    outcomes = run(photo, *more, output=str(tmp_path / "better"))
    assert outcomes[0].output == str(tmp_path / "better" / "photo.deblurred.png")


def test_standard_input_has_the_limit_of_files(monkeypatch):
    asked = []
    stream = SimpleNamespace(read=lambda most: asked.append(most) or bytes(most))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stream))
    monkeypatch.setattr("blurspace.io.images.BYTES_BESIDE", 1000)
    with pytest.raises(PictureError, match="over the limit of 1080 bytes"):
        load(Source("-"), max_pixels=10)
    assert asked == [1081]


@pytest.mark.parametrize("verdict", ["restored", "left alone"])
@pytest.mark.parametrize(
    ("suffix", "format"), [(".jpeg", "JPEG"), (".png", "PNG"), (".TIF", "TIFF"), (".webp", "WEBP")]
)
def test_the_format_follows_the_name(photo, tmp_path, verdict, suffix, format):
    (outcome,) = run(photo, deblurrer=Fake(verdict), output=str(tmp_path / f"out{suffix}"))
    assert read_photo(outcome.output).format == format
    share = 0.5 if verdict == "restored" else 1.0
    assert float((read_photo(outcome.output).pixels - read_photo(photo).pixels * share).abs().mean()) < 0.05


def test_a_format_that_is_asked_for_names_the_results(photo, tmp_path):
    other = save(tmp_path / "other.png")
    outcomes = run(photo, other, format="JPEG", output=str(tmp_path / "out"))
    assert [Path(one.output).name for one in outcomes] == ["photo.deblurred.jpg", "other.deblurred.jpg"]
    assert {read_photo(one.output).format for one in outcomes} == {"JPEG"}
    with pytest.raises(UsageError, match="no name of a JPEG"):
        run(photo, format="JPEG", output=str(tmp_path / "out.png"))


def test_a_jpeg_called_png_may_become_a_png(tmp_path):
    Pil.fromarray(np.zeros((24, 32, 3), np.uint8)).save(tmp_path / "photo.png", "JPEG", comment=b"mine")
    (outcome,) = run(tmp_path / "photo.png", output=str(tmp_path / "out.png"))
    assert read_photo(outcome.output).format == "PNG"
    assert "its comments, IPTC and other blocks of a JPEG are left out" in outcome.notes


def test_missing_folder_of_the_output_is_one_sentence(photo, tmp_path):
    (outcome,) = run(photo, output=str(tmp_path / "nowhere" / "out.png"))
    assert "does not exist" in outcome.reason


def test_unwritable_folder(photo, tmp_path, monkeypatch):
    monkeypatch.setattr("blurspace.jobs.files.os.access", lambda *_: False)  # root may write anywhere
    fake = Fake()
    (outcome,) = run(photo, deblurrer=fake)
    assert "not writable" in outcome.reason
    assert fake.calls == 0


def test_nothing_found(tmp_path):
    for names, words in (
        ([tmp_path, tmp_path / "none.png"], "no picture"),
        ([tmp_path / "none.png"], "does not exist"),
    ):
        with pytest.raises(NoInputError, match=words):
            find_sources([str(name) for name in names])


def test_non_ascii_names_and_grey_pictures(tmp_path):
    photo = save(tmp_path / "фото ünï 写真.png", mode="L")
    assert run(photo)[0].output == str(tmp_path / "фото ünï 写真.deblurred.png")


def shaken(path):
    """A photo under a line of 9 px."""
    pixels = blur(made_scene(120, seed=3), line(9, 30.0), border="valid")
    path.write_bytes(picture_bytes(pixels))
    return path


def test_kernel_is_saved_plotted_and_recorded(tmp_path):
    source = find_sources([str(shaken(tmp_path / "photo.png"))])[0]
    paths = {"save": tmp_path / "k.tiff", "plot": tmp_path / "k.png"}
    record = inspect.inspect_kernel(source, finder=KernelFinder(13), response="linear", **paths)
    assert (record["light"], record["light_confidence"]) == ("stored values", 1.0)
    assert record["size"] == read_kernel(paths["save"]).shape[-1] <= 13
    assert record["length_px"] == pytest.approx(9, abs=2)
    assert read_photo(paths["plot"], min_side=1).pixels.shape[1] == 1
    assert 0 <= record["confidence"] <= 1
    with pytest.raises(OutputError, match="exists already"):
        inspect.inspect_kernel(source, finder=KernelFinder(13), **paths)


def test_a_field_is_recorded_beside_the_kernel(tmp_path):
    source = find_sources([str(shaken(tmp_path / "photo.png"))])[0]
    record = inspect.inspect_kernel(source, finder=KernelFinder(13), field=True, plot=tmp_path / "f.png")
    assert record["varies"] is False
    assert record["variation_px"] >= 0


def test_no_kernel_is_an_error_that_says_why(tmp_path):
    sharp = tmp_path / "sharp.png"
    sharp.write_bytes(picture_bytes(made_scene(120, seed=3)))
    with pytest.raises(PictureError, match="the photo is sharp"):
        inspect.inspect_kernel(find_sources([str(sharp)])[0], finder=KernelFinder())


def test_diagnosis_goes_on_after_a_bad_file(photo, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    records = list(inspect.diagnose_files(find_sources([str(bad), str(photo)])))
    assert records[0][0]["kind"] == "failed"
    assert list(records[0][0]) == list(records[1][0]) == list(inspect.FIELDS)
    assert records[0][1].exit_code == 1
    assert set(records[1][0]) >= {"blurry", "kind", "length_px", "angle_deg", "variation", "confidence"}


def test_a_region_is_recorded_and_the_rest_stays_to_the_bit(tmp_path):
    path, mask = tmp_path / "shaken.png", torch.zeros(1, 1, 90, 90, dtype=torch.uint8)
    path.write_bytes(picture_bytes(blur(made_scene(96, seed=3), line(7, 0.0), border="valid")))
    mask[..., :60] = 255
    deblurrer = build_deblurrer("classical", kernel=line(7, 0.0), response="linear", region=mask)
    (outcome,) = run(path, deblurrer=deblurrer)
    assert outcome.verdict == "restored", outcome.reason
    assert outcome.record()["region"] == {"share": 0.6667, "part": (0, 0, 67, 100)}
    before, after = (read_photo(one).samples for one in (path, Path(outcome.output)))
    assert torch.equal(before[..., 60:], after[..., 60:])
    assert not torch.equal(before, after)


def test_a_region_of_another_size_is_exit_2_and_one_sentence(photo):
    (outcome,) = run(photo, deblurrer=Deblurrer((), region=torch.full((1, 1, 24, 30), 255, dtype=torch.uint8)))
    assert (outcome.verdict, outcome.exit_code) == ("failed", 2)
    assert "30 x 24 pixels was given for a photo of 32 x 24" in outcome.reason


def test_exit_code_of_a_batch():
    assert [exit_code(codes) for codes in ([], [0, 0], [0, 6], [1, 6], [5, 5], [0, 1])] == [0, 0, 6, 1, 5, 1]


def test_a_folder_becomes_a_folder_with_the_same_subfolders(tmp_path):
    for name in ("a/photo.png", "a/b/photo.png", "a/b/c/photo.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        save(tmp_path / name)
    for given in (tmp_path / "a", tmp_path / "a" / "**" / "*.png"):
        outcomes = run(given, output=str(tmp_path / "a" / "out"), overwrite=True)
        assert [Path(one.output).relative_to(tmp_path / "a") for one in outcomes] == [
            Path(name)
            for name in ("out/b/c/photo.deblurred.png", "out/b/photo.deblurred.png", "out/photo.deblurred.png")
        ]
    save(tmp_path / "a" / "out" / "photo.png")  # in the folder of results nothing is read
    sources = find_sources([str(tmp_path / "a")], output=str(tmp_path / "a" / "out"))
    assert len(sources) == 3


def test_a_folder_cannot_go_to_a_file(photo, tmp_path):
    with pytest.raises(UsageError, match="goes to a folder"):
        run(photo.parent, output=str(tmp_path / "one.png"))
