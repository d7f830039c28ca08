"""Do formats, provenance and sidecars hold in folders too: with processes, after a kill, in a dry run?"""

import json

import pytest
from PIL import Image as Pil

from blurspace import cli
from blurspace.io.images import read_photo
from blurspace.jobs import workers
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.dry_run import dry_run
from blurspace.jobs.files import Source, find_sources
from blurspace.jobs.wishes import Wishes
from blurspace.run import Run

from .fakes import Fake, noisy_photos
from .test_jobs_resume import Killed, dead_process, files, points_of_a_kill, tree

NAMES = ("a.png", "sub/b.tif")
ROOM = 2**30
TYPED = {"weights": (), "method": "fake", "format": "JPEG"}


def half(blurry):
    return blurry * 0.5


@pytest.fixture
def folder(tmp_path):
    return noisy_photos(tmp_path / "in", NAMES)


@pytest.fixture
def typed(monkeypatch, capsys, folder):
    """Deblur the folder by the command line; what was said, and how often it really worked."""
    fake = Fake(change=half)
    monkeypatch.setattr("blurspace.builders.build_deblurrer", lambda *_, **__: fake)

    def call(*options):
        before = fake.calls
        code = cli.main(["deblur", str(folder), "-o", str(folder.parent / "out"), *options])
        return code, capsys.readouterr().err, fake.calls - before

    return call


def run(folder, *, output="out", jobs=1):
    out = str(folder.parent / output)
    wishes = Wishes(settings="as usual", format="JPEG", sidecar=TYPED)
    work = {"deblurrer": Fake(change=half), "wishes": wishes, "run": Run(memory=ROOM)}
    return list(deblur_files(find_sources([str(folder)]), output=out, jobs=jobs, **work))


def test_processes_write_the_format_the_stamp_and_the_sidecar(folder, monkeypatch):
    monkeypatch.setattr(workers, "START", "fork")
    assert [one.exit_code for one in run(folder, jobs=2)] == [0, 0]
    for name in ("a", "sub/b"):
        result = folder.parent / "out" / f"{name}.deblurred.jpg"
        photo = read_photo(result)
        assert (photo.format, b'blurspace:Method="fake"' in photo.xmp) == ("JPEG", True)
        assert json.loads(result.with_name(result.name + ".json").read_text())["room"] == ROOM // 2
    assert all(one.done_before for one in run(folder, jobs=2))


@pytest.mark.parametrize("after", range(7))
def test_after_a_kill_result_and_sidecar_are_as_if_there_had_been_none(folder, monkeypatch, after):
    run(folder, output="whole")
    with monkeypatch.context() as patch:
        points_of_a_kill(patch, after)
        patch.setattr(files, "_part", lambda: f".blurspace-{files.machine()}-{dead_process()}-0")
        with pytest.raises((Killed, TypeError)):
            run(folder, output="cut")
    assert [one.exit_code for one in run(folder, output="cut")] == [0, 0]
    assert tree(folder.parent / "cut") == tree(folder.parent / "whole")


def test_a_result_of_a_folder_is_made_again_from_its_sidecar(folder, typed, capsys):
    assert typed("--sidecar")[0] == 0
    result = folder.parent / "out" / "sub" / "b.deblurred.tif"
    first = result.read_bytes()
    result.unlink()
    assert cli.main(["replay", str(result) + ".json"]) == 0
    assert "the same, to the byte" in capsys.readouterr().err
    assert result.read_bytes() == first


def test_a_lost_sidecar_is_made_again(folder, typed):
    typed("--sidecar")
    (folder.parent / "out" / "a.deblurred.png.json").unlink()
    code, _, calls = typed("--sidecar")
    assert (code, calls) == (0, 1)
    assert (folder.parent / "out" / "a.deblurred.png.json").exists()


def test_what_is_made_beside_a_result_is_no_other_result(typed):
    typed("--sidecar", "--plot")
    assert typed()[::2] == (0, 0)
    assert typed("--plot")[::2] == (0, 0)


def test_a_result_stays_until_the_one_with_more_beside_it_is_there(folder, typed, monkeypatch):
    typed()
    before = tree(folder.parent / "out")

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("blurspace.jobs.deblur.develop", stopped)
    assert typed("--sidecar")[0] == 130
    assert tree(folder.parent / "out") == before


@pytest.mark.parametrize(
    ("options", "code", "calls"),
    [
        (("--max-pixels", "5000"), 0, 0),  # what is finished stays so
        (("--format", "webp"), 0, 2),  # of other names
        (("--no-provenance",), 1, 0),
        (("--sidecar",), 0, 2),  # what is wanted beside results is made with them
    ],
)
def test_other_options_make_other_results(typed, options, code, calls):
    typed()
    found, told, worked = typed(*options)
    assert (found, worked) == (code, calls)
    assert ("exists already" in told) == (code == 1)


def test_a_dry_run_knows_formats_and_sidecars(folder, tmp_path):
    Pil.new("RGB", (32, 24)).save(folder / "a.png")  # of few bytes
    sources, wishes = find_sources([str(folder)]), Wishes(format="TIFF", sidecar=TYPED)

    def plan(**options):
        return list(dry_run(sources, output=str(tmp_path / "out"), **options))

    first, second = plan(wishes=wishes)
    assert (first.output, first.bytes) == (str(tmp_path / "out" / "a.deblurred.tif"), 32 * 24 * 3)
    assert second.bytes == (folder / "sub" / "b.tif").stat().st_size
    assert plan(wishes=Wishes(format="WEBP"))[0].bytes == (folder / "a.png").stat().st_size
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.deblurred.tif.json").touch()
    assert [one.verdict for one in plan(wishes=wishes)] == ["failed", "planned"]
    (wrong,) = dry_run([Source(str(folder / "a.png"))], output=str(tmp_path / "a.gif"))
    assert "no format that can be written" in wrong.reason


def test_standard_input_has_no_sidecar(tmp_path, capsys):
    assert cli.main(["deblur", "-", "-o", str(tmp_path / "a.png"), "--sidecar"]) == 2
    assert "standard input is nowhere" in capsys.readouterr().err
