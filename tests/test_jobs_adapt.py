"""Does a camera get its translator and an honest report, and is what cannot work said before any training?"""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from blurspace.blur import spectra
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.blur.spectra import KernelMixture, mean_power, power_ratio
from blurspace.builders import build_camera, build_deblurrer, build_space
from blurspace.catalog import WEIGHTS
from blurspace.data.crops import digest
from blurspace.data.piles import Frame, Pile
from blurspace.errors import ModelError, NoInputError, OutputError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.io.weights import read_weights
from blurspace.jobs import adapt as job
from blurspace.jobs import adapt_report
from blurspace.jobs.adapt import Given, _check_way, adapt_camera
from blurspace.jobs.adapt_report import DEPLOY, KEEP, NEITHER, judge
from blurspace.jobs.clips import Clips
from blurspace.jobs.domains import find_deblurrer, rank_domains
from blurspace.nets.restorer import Restorer
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.translated import camera as translating
from blurspace.train.adapt import TranslatorRecipe
from blurspace.train.unknown import CameraGuess
from blurspace.types import Photo

from .restore.made import finding, with_finder
from .restore.scenes import made_scene

SIDE = 160
LONGEST = (5, 7, 9, 11)  # px: lines that the camera's blur is told from
# With the game, which needs 64 px for features at the third scale.
RECIPE = TranslatorRecipe.model_validate(
    {
        "loop": {"steps": 3, "average": 0.9},  # the camera is the average
        "data": {"side": 64, "batch": 1, "validation": 1},
        "translator": {"widths": [4]},
        "critic": {"width": 2, "layers": 1},
        "losses": {"adversarial": 0.02},
        "judge_steps": 10,
    }
)


def scene(seed, angle=None):
    """Rectangles and disks (1 3 h w), under a line of 9 px at `angle`."""
    picture = made_scene(SIDE, seed=seed, channels=3)
    return picture if angle is None else blur(picture, line(9, angle)).clamp(0, 1)


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, encode_photo(Photo.of(picture), picture), overwrite=False)


def save_pairs(folder, seeds, angle):
    for seed in seeds:
        save(folder / "sharp" / f"{seed}.png", scene(seed))
        save(folder / "blur" / f"{seed}.png", scene(seed, angle))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The camera blurs along the columns, the known domain along the rows."""
    folder = tmp_path_factory.mktemp("home")
    for seed in range(10):
        save(folder / "blurry" / f"{seed}.png", scene(seed, 90))
    for seed in range(20, 28):
        save(folder / "sharp" / f"{seed}.png", scene(seed))
    save_pairs(folder / "known", range(40, 43), 0)
    save_pairs(folder / "own", range(50, 52), 90)
    (folder / "blurry" / "bad.png").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def given(home):
    return Given(
        blurry=[home / "blurry"],
        sharp=[home / "sharp"],
        known=[str(home / "known")],
        deblurrer="belt",
        pairs=home / "own",
    )


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def done(home, given, patch):
    said = []
    patch.setattr(spectra, "LONGEST", LONGEST)
    out = home / "out" / "camera.safetensors"
    record = adapt_camera(given, out=out, recipe=RECIPE, report=said.append)
    return SimpleNamespace(record=record, said=said, out=out, folder=out.parent)


def test_all_files_are_there(done):
    assert sorted(path.name for path in done.folder.iterdir()) == [
        "camera.html",
        "camera.json",
        "camera.safetensors",
        "camera.safetensors.training",
    ]
    assert (done.out.with_name(f"{done.out.name}.training") / "log.csv").is_file()
    assert done.record["camera"] == str(done.out)
    assert done.record["report"] == str(done.out.with_suffix(".html"))


def test_the_record_is_json_with_the_verdict(done):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    record = json.loads(done.out.with_suffix(".json").read_text(), parse_constant=refuse)
    assert record.pop("version") == 1
    assert record == {name: value for name, value in done.record.items() if name not in ("camera", "report")}
    assert record["verdict"] in (KEEP, DEPLOY, NEITHER)
    assert record["reason"]
    assert record["steps"] == 3
    assert record["pictures"] == {"blurry": 8, "sharp": 8, "kept for this report": 2}
    assert record["truth"] == "pairs of this camera"
    assert list(record["distances"]) == [record["known"]]
    assert set(record["pairs"]) == set(record["numbers"]) == {"blurry", "plain", "translated"}
    assert set(record["judges"]) == {"critic", "independent classifier"}
    assert record["pairs"]["blurry"]["psnr"] == pytest.approx(22.9, abs=4)
    plain, translated = (record["pairs"][name]["psnr"] for name in ("plain", "translated"))
    assert record["worst_gain"] <= translated - plain + 1e-3
    assert abs(translated - plain) < 1  # three steps change little
    assert record["coarse_change"] >= 0


def test_a_known_blur_that_is_wrong_is_not_recommended(done):
    """A deblurrer along the rows spoils a blur along the columns, and three steps teach nothing."""
    assert done.record["pairs"]["plain"]["psnr"] < done.record["pairs"]["blurry"]["psnr"]
    assert done.record["verdict"] == NEITHER


def test_the_page_shows_the_verdict_and_needs_nothing_else(done):
    page = done.out.with_suffix(".html").read_text()
    assert done.record["verdict"].capitalize() in page
    assert page.count("<img") == 1 + 2 * 4  # the kernel, and four of each picture kept
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "known blur" in page


def test_it_says_what_it_does(done):
    assert any("bad.png" in sentence for sentence in done.said)
    (blurs,) = [sentence for sentence in done.said if "spreads light" in sentence]
    rows, columns = (float(number) for number in re.findall(r"([\d.]+) px", blurs))
    assert columns == pytest.approx((81 / 12) ** 0.5, rel=0.2)  # of a line of 9 px, the variance is 9^2 / 12
    assert rows < 0.8
    assert any("dB from this camera's" in sentence for sentence in done.said)
    assert any(sentence.startswith("step 3") for sentence in done.said)


def test_the_camera_file_is_a_camera(done, given):
    camera = build_camera(done.out)
    assert isinstance(camera.network, Restorer)
    assert [method.name for method in camera.known.methods] == [given.known[0]]
    trained = read_weights(done.folder / "camera.safetensors.training" / "weights.safetensors")[0]
    for name, tensor in read_weights(done.out)[0].items():
        if name.startswith("translator."):
            assert torch.equal(tensor, trained[name].half().float())
    belt = read_weights(WEIGHTS / "belt.safetensors")[0]
    for name, tensor in camera.network.state_dict().items():
        assert torch.equal(tensor, belt[f"restorer.{name}"])
    photo = scene(70, 90)
    assert camera(photo).restored.shape == photo.shape
    about = read_weights(done.out)[1]
    assert (about["known"], about["steps"]) == (given.known[0], 3)
    assert about["recipe"] == RECIPE.model_dump(mode="json")


def test_what_exists_is_kept(done, given):
    before = {path: path.read_bytes() for path in done.folder.iterdir() if path.is_file()}
    with pytest.raises(OutputError, match=r"camera\.safetensors exists already: give --overwrite"):
        adapt_camera(given, out=done.out, recipe=RECIPE)
    assert before == {path: path.read_bytes() for path in done.folder.iterdir() if path.is_file()}


def test_an_earlier_training_makes_way_only_if_told_to(tmp_path):
    out, folder = tmp_path / "camera.safetensors", tmp_path / "camera.safetensors.training"
    folder.mkdir()
    (folder / "checkpoint.pt").write_bytes(b"a training")
    with pytest.raises(OutputError, match=r"checkpoint\.pt exists already: give --overwrite, --resume"):
        _check_way(out, folder, resume=False, overwrite=False)
    _check_way(out, folder, resume=True, overwrite=False)
    assert (folder / "checkpoint.pt").exists()
    _check_way(out, folder, resume=False, overwrite=True)
    with pytest.raises(UsageError, match=r"no checkpoint\.pt .* to resume"):
        _check_way(out, tmp_path, resume=True, overwrite=False)
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        _check_way(tmp_path / "folder.safetensors", folder, resume=False, overwrite=True)
    assert (folder / "checkpoint.pt").exists()  # only what is about to be replaced is taken away


def test_only_the_same_training_is_resumed(tmp_path):
    job._settle(tmp_path / "folder" / "adapt.json", {"known": "belt"}, resume=False)
    job._settle(tmp_path / "folder" / "adapt.json", {"known": "belt"}, resume=True)
    with pytest.raises(UsageError, match=r"adapt\.json is of other pictures, another known blur, deblurrer or recipe"):
        job._settle(tmp_path / "folder" / "adapt.json", {"known": "shakes"}, resume=True)
    job._settle(tmp_path / "folder" / "adapt.json", {"known": "shakes"}, resume=False)


def test_other_pictures_are_told_from_the_same():
    one, other = torch.zeros(3, 4, 4, dtype=torch.uint8), torch.ones(3, 4, 4, dtype=torch.uint8)
    assert digest([one, other]) == digest([one.clone(), other.clone()])
    assert digest([one, other]) != digest([other, one])


def test_time_must_be_left(given, tmp_path):
    with pytest.raises(UsageError, match="leaves no time"):
        adapt_camera(given, out=tmp_path / "camera.safetensors", recipe=RECIPE, minutes=0)


@pytest.mark.parametrize("name", ["classical", "learned", "auto"])
def test_a_method_behind_the_translator_goes_by_its_receipts(name):
    """What it refuses, is the photo: not its translation."""
    deblurrer = with_finder(build_deblurrer(name), finding(UniformBlur(line(9, 0)), known=True))
    camera = translating(lambda blurry: 1 - blurry, deblurrer.methods, build_space())
    ways = dict(adapt_report.ways(camera))
    photo = scene(70, 90)[..., :112, :112]
    assert ways["blurry"](photo) is photo
    assert torch.equal(ways["plain"](photo), deblurrer(photo).restored)
    assert torch.equal(ways["translated"](photo), camera(photo).restored)
    assert float((ways["translated"](photo) - photo).abs().mean()) < 0.1  # of no method is a negative taken


def refused(given, tmp_path, error, match):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=match) as problem:
        adapt_camera(given, out=tmp_path / "camera.safetensors", recipe=RECIPE)
    assert "\n" not in str(problem.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_piles_that_cannot_work_are_refused_before_any_training(home, given, tmp_path):
    bad = [
        (replace(given, sharp=()), UsageError, "give --blurry and --sharp"),
        (replace(given, blurry=()), UsageError, "give --blurry and --sharp"),
        (replace(given, blurry=(), sharp=()), UsageError, "or one --mixed pile"),
        (replace(given, mixed=[home / "blurry"]), UsageError, "or one --mixed pile"),
        (replace(given, sharp=[home / "known" / "sharp"]), UsageError, "3 sharp pictures are there, where 8"),
        (replace(given, blurry=given.sharp, sharp=given.blurry), UsageError, "swap the piles"),
        (replace(given, sharp=given.blurry), UsageError, "in the blurry pile too"),
        (replace(given, blurry=(), sharp=(), mixed=given.sharp), UsageError, "8 pictures look all sharp"),
        (replace(given, blurry=(), sharp=(), mixed=given.blurry), UsageError, "10 pictures look all blurry"),
        (replace(given, blurry=[tmp_path / "none"]), NoInputError, "none"),
        (replace(given, every=0), UsageError, "give 1 or more"),
        (replace(given, pairs=tmp_path / "none"), NoInputError, "none does not exist"),
    ]
    for wrong, error, match in bad:
        refused(wrong, tmp_path, error, match)


def test_pieces_larger_than_the_pictures_are_refused(given, tmp_path):
    large = RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"side": SIDE + 2})})
    with pytest.raises(UsageError, match=f"too small for crops of {SIDE + 2} px"):
        adapt_camera(given, out=tmp_path / "camera.safetensors", recipe=large)


def test_a_mixed_pile_is_sorted(home):
    said = []
    mixed = Given(mixed=[home / "blurry", home / "sharp"])
    blurry, sharp = job._piles(mixed, RECIPE, Clips(), said.append)
    assert {Path(frame.name).parent.name for frame in blurry.frames} == {"blurry"}
    assert {Path(frame.name).parent.name for frame in sharp.frames} == {"sharp"}
    assert len(blurry.frames) >= 8
    assert any(sentence.startswith("sorted into ") for sentence in said)


def pile(counts):
    """So many frames of each scene."""
    pixels = torch.zeros(3, 1, 1, dtype=torch.uint8)
    return Pile(tuple(Frame(f"{s}-{n}", f"scene {s}", pixels) for s, count in enumerate(counts) for n in range(count)))


@pytest.mark.parametrize(
    ("counts", "kept", "apart"),
    [
        *[([1] * 8, 2, True), ([1] * 50, 5, True), ([1] * 300, 12, True), ([40] * 8, 12, True), ([90, 10], 10, True)],
        *[([20, 20], 4, False), ([390, 200], 12, False), ([5], 2, False), ([100], 10, False)],
    ],
)
def test_pictures_kept_for_the_report_are_of_other_scenes_where_there_are_enough(counts, kept, apart):
    training, report, told = job._kept_apart(pile(counts), Clips())
    assert told == apart
    assert len(report.frames) == kept
    assert len(training.frames) >= 0.74 * sum(counts) if sum(counts) > 5 else 3
    names = [{frame.name for frame in one.frames} for one in (training, report)]
    assert not names[0] & names[1]
    scenes = [{frame.source for frame in one.frames} for one in (training, report)]
    assert bool(scenes[0] & scenes[1]) != apart
    assert job._kept_apart(pile(counts), Clips())[1].frames[0].name == report.frames[0].name


def as_bytes(picture):
    return (picture[0] * 255).round().to(torch.uint8)


def test_the_nearest_known_domain_comes_first(home):
    """The made camera blurs along the rows, as "belt" does."""
    sharp, blurry = ([as_bytes(scene(seed, angle)) for seed in range(4)] for angle in (None, 0))
    powers = [mean_power(one[None].float() / 255 for one in pile) for pile in (blurry, sharp)]
    guess = CameraGuess(KernelMixture((line(9, 0),), torch.ones(1), 0.0), 0.0, power_ratio(*powers))
    found = rank_domains(("shakes", "belt"), sharp, guess, build_space(), seed=0, count=3)
    assert [domain.name for domain in found] == ["belt", "shakes"]
    assert found[0].distance < found[1].distance
    assert [domain.deblurrer for domain in found] == [WEIGHTS / "belt.safetensors", "auto"]
    assert [len(domain.bank.codes) for domain in found] == [3, 3]


def test_what_undoes_the_known_blur(home):
    assert find_deblurrer("shakes", None) == "auto"
    assert find_deblurrer("belt", "auto") == "auto"
    assert find_deblurrer(str(home / "known"), "classical") == "classical"
    belt = WEIGHTS / "belt.safetensors"
    assert find_deblurrer("belt", None) == find_deblurrer(str(home / "known"), str(belt)) == belt
    with pytest.raises(UsageError, match=r"what undoes it is not known: give --deblurrer"):
        find_deblurrer(str(home / "known"), None)
    with pytest.raises(ModelError, match="no model named bels"):
        find_deblurrer("belt", "bels")


def verdict(blurry, plain, translated, *, gains=(1.0,), converted=1.0, niqe=(3.0, 4.0)):
    """`niqe`: of the translated results, and of all else."""
    pairs = {"blurry": blurry, "plain": plain, "translated": translated}
    naturals = {"translated": niqe[0], "plain": niqe[1], "blurry": niqe[1]}
    return judge(
        {name: {"psnr": value, "ssim": 0.5} for name, value in pairs.items()},
        gains,
        {name: {"reblur_psnr": 30.0} | ({} if one is None else {"niqe": one}) for name, one in naturals.items()},
        {"one": {"blurry": 0.0, "translated": converted + 0.1}, "two": {"blurry": 0.0, "translated": converted - 0.1}},
        "made pairs",
    )


@pytest.mark.parametrize(
    ("numbers", "options", "wanted", "told"),
    [
        ((25, 20, 24), {}, NEITHER, "-1.00 dB against the photos as they are"),
        ((25, 24.5, 20), {}, NEITHER, "-5.00 dB against the photos"),
        ((25, 25, 25), {}, NEITHER, "+0.00 dB"),
        ((25, 20, 25.2), {}, NEITHER, "+0.20 dB against the photos"),
        ((25, 28, 28.2), {}, KEEP, "+0.20 dB against the plain deblurrer"),
        ((25, 28, 20), {}, KEEP, "-8.00 dB against the plain deblurrer"),
        ((25, 28, 30), {"gains": (3.0, -0.31)}, KEEP, "50% of the pictures lost more than 0.3 dB against the plain"),
        ((25, 20, 30), {"gains": (3.0, -0.31)}, NEITHER, "lost more than 0.3 dB against the photos as they are"),
        ((25, 28, 30), {"converted": 0.4}, KEEP, "only 40% of the translated pictures look like the known blur"),
        ((25, 20, 30), {"converted": 0.4}, NEITHER, "only 40%"),
        ((25, 28, 30), {"niqe": (5.0, 4.0)}, DEPLOY, "look less natural (NIQE)"),
        ((25, 28, 30), {"gains": (2.0, -0.29)}, DEPLOY, "2.00 dB better than the plain deblurrer (worst picture -0.29"),
        ((25, 28, 30), {"gains": (*(2.0,) * 9, -1.0)}, DEPLOY, "worst picture -1.00 dB), and look more natural"),
        ((25, 28, 28.31), {"converted": 0.5}, DEPLOY, "0.31 dB"),
        ((25, 20, 26), {}, DEPLOY, "1.00 dB better than the photos as they are"),
        ((25, 28, 30), {"niqe": (None, None)}, DEPLOY, "2.00 dB better"),
    ],
)
def test_verdicts(numbers, options, wanted, told):
    found, reason = verdict(*numbers, **options)
    assert found == wanted
    assert told in reason
    assert ("NIQE" in reason) == (wanted == DEPLOY and options.get("niqe") != (None, None))  # claimed if measured
