"""Are outputs named, refused and recorded as the contract says, whatever happens to one file of a batch?"""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace.blur.kernels import disk
from blurspace.errors import MemoryExhaustedError, NoInputError, OutputError, PictureError, UsageError
from blurspace.io.images import read_kernel, read_photo
from blurspace.jobs import inspect
from blurspace.jobs.deblur import deblur_files, exit_code
from blurspace.jobs.files import find_sources, plan_targets
from blurspace.types import Receipt, Restoration


class Fake:
    """Instead of the slow deblurrer: a gentle change, and whatever verdict the test wants."""

    def __init__(self, verdict="restored", *, change=lambda blurry: blurry * 0.5, kernel=True):
        self.verdict, self.change, self.kernel, self.calls = verdict, change, kernel, 0

    def __call__(self, blurry, *, least_sigma=0.0):
        self.calls += 1
        restored = self.change(blurry) if self.verdict == "restored" else blurry
        receipt = Receipt(self.verdict, "because of the test", 0.01, 40.0, math.inf, 3.0, 0.0)
        return Restoration(restored, disk(2.0) if self.kernel else None, blurry, receipt, "fake", ("worked quickly",))


@pytest.fixture
def photo(tmp_path):
    return save(tmp_path / "photo.png")


def save(path, *, seed=0, mode="RGB"):
    shape = (24, 32, 3) if mode == "RGB" else (24, 32)
    Pil.fromarray(np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8), mode=None).save(path)
    return path


def run(*paths, deblurrer=None, **options):
    sources = find_sources([str(path) for path in paths])
    return list(deblur_files(sources, deblurrer=deblurrer or Fake(), **options))


def test_result_beside_the_input(photo):
    (outcome,) = run(photo)
    assert outcome.output == str(photo.with_name("photo.deblurred.png"))
    assert outcome.verdict == "restored"
    expected = read_photo(photo).pixels * 0.5
    assert torch.allclose(read_photo(Path(outcome.output)).pixels, expected, atol=0.51 / 255)


def test_record_has_the_contracts_fields(photo):
    record = run(photo)[0].record()
    names = "input output verdict reason method kernel reblur_psnr change_psnr sigma seconds peak_mib device runtime"
    assert set(names.split()) <= set(record)
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
    [
        (lambda blurry: blurry * math.nan, "not finite"),
        (lambda blurry: blurry + 2, "outside"),
        (lambda blurry: blurry[..., 1:], "shape"),
    ],
)
def test_garbage_is_never_written(photo, change, words):
    (outcome,) = run(photo, deblurrer=Fake(change=change))
    assert outcome.verdict == "left alone"
    assert words in outcome.reason
    assert Path(outcome.output).read_bytes() == photo.read_bytes()


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


def test_a_bug_in_one_file_does_not_stop_the_batch(photo, tmp_path):
    def broken(blurry, *, least_sigma=0.0):
        raise ZeroDivisionError("oh")

    outcomes = run(photo, save(tmp_path / "other.png"), deblurrer=broken)
    assert [one.verdict for one in outcomes] == ["failed", "failed"]
    assert "ZeroDivisionError" in outcomes[0].reason


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate")]
)
def test_out_of_memory_is_exit_5(photo, error):
    def greedy(blurry, *, least_sigma=0.0):
        raise error

    (outcome,) = run(photo, deblurrer=greedy)
    assert outcome.exit_code == MemoryExhaustedError.exit_code == 5


def test_interrupt_leaves_no_half_file(photo):
    def interrupted(blurry, *, least_sigma=0.0):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(photo, deblurrer=interrupted)
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


def test_another_format_is_refused_before_the_work(photo, tmp_path):
    fake = Fake()
    (outcome,) = run(photo, deblurrer=fake, output=str(tmp_path / "out.jpg"))
    assert (outcome.exit_code, fake.calls) == (2, 0)
    assert "name it .png" in outcome.reason


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
    with pytest.raises(NoInputError):
        find_sources([str(tmp_path), str(tmp_path / "missing.png")])


def test_non_ascii_names_and_grey_pictures(tmp_path):
    photo = save(tmp_path / "фото ünï 写真.png", mode="L")
    assert run(photo)[0].output == str(tmp_path / "фото ünï 写真.deblurred.png")


def test_kernel_is_saved_plotted_and_recorded(photo, tmp_path):
    paths = {"save": tmp_path / "k.tiff", "plot": tmp_path / "k.png"}
    record = inspect.inspect_kernel(find_sources([str(photo)])[0], deblurrer=Fake(), **paths)
    assert torch.allclose(read_kernel(paths["save"]), disk(2.0), atol=1e-6)
    assert read_photo(paths["plot"]).pixels.shape[1] == 1
    assert record["size"] == 5
    with pytest.raises(OutputError, match="exists already"):
        inspect.inspect_kernel(find_sources([str(photo)])[0], deblurrer=Fake(), **paths)


def test_no_kernel_is_an_error_that_says_why(photo):
    with pytest.raises(PictureError, match="because of the test"):
        inspect.inspect_kernel(find_sources([str(photo)])[0], deblurrer=Fake("left alone", kernel=False))


def test_diagnosis_goes_on_after_a_bad_file(photo, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    records = list(inspect.diagnose_files(find_sources([str(bad), str(photo)])))
    assert records[0][0]["kind"] == "failed"
    assert records[0][1].exit_code == 1
    assert set(records[1][0]) >= {"blurry", "kind", "length_px", "angle_deg", "variation", "confidence"}


def test_exit_code_of_a_batch():
    assert [exit_code(codes) for codes in ([], [0, 0], [0, 6], [1, 6], [5, 5], [0, 1])] == [0, 0, 6, 1, 5, 1]
