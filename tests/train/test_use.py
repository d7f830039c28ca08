"""Can what `train` makes be used? Every task trains for two steps on tiny data, and its file goes to its verb."""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import build_deblurrer, build_features, build_space
from blurspace.catalog import WEIGHTS
from blurspace.chance import chance
from blurspace.cli import main
from blurspace.data.crops import read_pixels
from blurspace.errors import ModelError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.search.generators import read_generator
from blurspace.search.manifold import ManifoldFinder, ManifoldSettings
from blurspace.search.solver import Joint
from blurspace.train import loop
from blurspace.train.deconvolver import build_deconvolver
from blurspace.train.recipes import TASKS
from blurspace.types import Photo

from .test_deconvolver import MAKING

KERNEL = line(5, 20, size=5)
TRIPLETS = {"side": 64, "batch": 1, "extents": (3, 5), "sigmas": (0.01, 0.01), "validation": 1}
PAIRS = {"kinds": ["shakes"], "side": 48, "batch": 1, "extents": [3, 5], "kernel_side": 5, "validation": 1}
UNPAIRED = {"data": {"side": 32, "batch": 1}, "restorer": {"widths": [4]}, "critic": {"width": 2, "layers": 1}}
SIDES = (5, 9, 13)  # of three pairs


def analysis(side):
    return {"side": side, "levels": 1, "width": 2, "features": 2, "filter": 3}


def synthesis(side):
    return {"side": side, "width": 4, "hidden": 4, "levels": 1}


ADAM = {"adam": {"learning_rate": 1e-3}}
FIVE = {"data": TRIPLETS, "analysis": analysis(5), "synthesis": synthesis(5)}
CLASSIFIER = {"side": 13, "width": 2, "features": 2, "filter": 3}
PLACES = {"side": 24, "batch": 2, "places": 1, "place": 44, "scales": [0.9, 1.1], "kernels": 4, "kernel_side": 5}
# Every run by its name: its task, and the tables of its recipe but for the loop.
RUNS = {
    "restorer": ("deblurrer", {**ADAM, "data": PAIRS, "restorer": {"widths": [4]}}),
    "nafnet": (
        "deblurrer",
        {**ADAM, "data": PAIRS, "nafnet": {"width": 4, "encoder": [1], "middle": 1, "decoder": [1]}},
    ),
    "restormer": (
        "deblurrer",
        {**ADAM, "data": PAIRS, "restormer": {"width": 4, "blocks": [1, 1], "heads": [1, 2], "refinement": 1}},
    ),
    "pair": ("pair", ADAM | FIVE),
    "analysis": ("analysis", {**ADAM, "data": TRIPLETS, "analysis": analysis(5)}),
    "synthesis": ("synthesis", {**ADAM, "data": TRIPLETS, "synthesis": synthesis(5)}),
    "pair of 9 px": ("pair", ADAM | FIVE | {"analysis": analysis(9), "synthesis": synthesis(9)}),
    "pair of 13 px": ("pair", ADAM | FIVE | {"analysis": analysis(13), "synthesis": synthesis(13)}),
    "classifier": ("classifier", {**ADAM, "data": TRIPLETS, "classifier": CLASSIFIER}),
    "cyclegan": ("cyclegan", UNPAIRED),
    "dualgan": ("dualgan", UNPAIRED),
    "kernel space": ("kernel space", {**ADAM, "data": PAIRS, "space": {"count": 4, "side": 7, "stride": 16}}),
    "encoder space": (
        "encoder space",
        {
            **ADAM,
            "data": PAIRS,
            "space": {"width": 4, "code_width": 6, "front_blocks": 1, "back_blocks": 1, "extractor_blocks": 1},
        },
    ),
    "features": ("features", {**ADAM, "data": PLACES, "features": {"widths": [4, 6]}}),
    "printer": (
        "printer",
        {
            **ADAM,
            "data": {"batch": 2, "kernels": 4, "kernel_side": 5, "validation": 2},
            "printer": {"numbers": 4, "width": 8, "blocks": 1, "maps": [8, 6, 4], "seen": [8, 6, 4]},
        },
    ),
    "denoiser": ("denoiser", {**ADAM, "data": {"side": 16, "batch": 1}, "denoiser": {"widths": [4, 4]}}),
}
NETWORK = {"kind": "unet", "widths": [4], "blocks": 1}
TRANSLATION = {
    "data": {"side": 32, "batch": 1, "validation": 1},
    "translator": NETWORK,
    "critic": {"width": 2, "layers": 1},
    "losses": {"through": 0.0, "adversarial": 0.0},
}


@pytest.fixture(scope="module")
def folders(photos, tmp_path_factory):
    """What the tasks on several folders read: blurry/, sharp/ and known/."""
    folder = tmp_path_factory.mktemp("folders")
    for path in sorted(photos.iterdir()):
        sharp = read_pixels(path)[None].float() / 255
        for name, picture in (
            ("sharp", sharp),
            ("blurry", blur(sharp, line(7, 90))),
            ("known/sharp", sharp),
            ("known/blur", blur(sharp, line(5, 0))),
        ):
            (folder / name).mkdir(parents=True, exist_ok=True)
            write_bytes(
                folder / name / path.name, encode_photo(Photo.of(picture), Photo.of(picture).samples), overwrite=False
            )
    return folder


@pytest.fixture(scope="module")
def trained(photos, folders, tmp_path_factory):
    """Gives the weights file of a run in `RUNS`, or of the three tasks that need another file; each trains once."""
    done, out = {}, tmp_path_factory.mktemp("runs")

    def file(name):
        if name not in done:
            task, tables = RUNS[name] if name in RUNS else others(name)
            recipe = TASKS[task].recipe.model_validate({"task": task, "loop": {"steps": 2}} | tables)
            data = folders if task in ("cyclegan", "dualgan", "translator") else photos
            options = {"data": data, "device": "cpu", "report": print}
            if task == "deconvolver":
                made = build_deconvolver(recipe, making=MAKING, **options)
            else:
                made = TASKS[task].build(recipe, **options)
            about = {"task": task, "recipe": recipe.model_dump(mode="json")}  # as `train` does
            done[name] = loop.run(made, recipe.loop, out=out / name, about=about)
        return done[name]

    def others(name):
        if name == "code prior":
            tables = {"start": file("kernel space"), "collected": 2, "cells": 8, "data": PAIRS, **ADAM}
            return name, tables | {"space": {"count": 4, "side": 7, "stride": 16, "latent": 2}}
        if name == "deconvolver":
            data = {"folder": str(out / "cases"), "shards": 1, "held_out_shards": 1, "validation": 1}
            return name, {
                **ADAM,
                "data": data,
                "deconvolver": {"rounds": 1, "widths": [4, 4]},
                "start": file("denoiser"),
            }
        return name, TRANSLATION | {"deblurrer": str(file("restorer"))}

    return file


@pytest.fixture(scope="module")
def pair(photos):
    sharp = read_pixels(sorted(photos.iterdir())[0])[None].float() / 255
    return sharp, blur(sharp, KERNEL)


@pytest.fixture
def files(pair, tmp_path):
    for name, picture in zip(("sharp", "blurry"), pair, strict=True):
        photo = Photo.of(picture)
        write_bytes(tmp_path / f"{name}.png", encode_photo(photo, photo.samples), overwrite=False)
    return tmp_path / "sharp.png", tmp_path / "blurry.png"


DEBLUR = {
    "restorer": ["restorer"],
    "nafnet": ["nafnet"],
    "restormer": ["restormer"],
    "deconvolver": ["deconvolver"],
    "pair": ["pair"],
    "analysis": ["analysis", "synthesis"],
    "pair of 9 px": ["pair of 9 px", "pair", "classifier", "pair of 13 px"],
    "cyclegan": ["cyclegan"],
    "dualgan": ["dualgan"],
    "translated, restorer": ["translator"],
    "translated, nafnet": ["translator", "nafnet"],
}
SPACES = ("kernel space", "code prior", "encoder space")
MANIFOLD = "printer"  # `deblur --generator` takes it
ALONE = {"synthesis": "analysis", "analysis": "synthesis"}


def test_every_task_is_used_here():
    runs = {*RUNS, *(name for names in DEBLUR.values() for name in names), *SPACES, MANIFOLD}
    assert {RUNS[name][0] if name in RUNS else name for name in runs} == TASKS.keys()


def test_a_manifold_takes_a_printer(trained):
    generator = read_generator(trained(MANIFOLD))
    photo = generator(generator.latent((32, 64), generator=chance(1, 0))).clamp(0, 1)
    settings = ManifoldSettings(joint=Joint(2))
    found = ManifoldFinder(generator, settings=settings)(Observed(photo, given=UniformBlur(KERNEL)), Run())
    assert found.picture.shape == photo.shape


@pytest.mark.parametrize("name", DEBLUR)
def test_deblur_takes_it(name, trained, pair):
    """The method is called as its run; the receipt of so little training may say anything, but there is one."""
    deblurrer = build_deblurrer("auto", weights=[trained(one) for one in DEBLUR[name]])
    result = deblurrer(pair[1])
    assert result.method == name
    assert result.receipt.verdict in ("restored", "refused", "left alone")
    assert result.restored.shape == pair[1].shape
    assert result.restored.isfinite().all()


@pytest.mark.parametrize("name", ["deconvolver", "pair", "pair of 9 px"])
def test_a_kernel_may_be_given_to_those_that_need_one(name, trained, pair):
    result = build_deblurrer("auto", weights=[trained(one) for one in DEBLUR[name]], kernel=KERNEL)(pair[1])
    assert torch.equal(result.kernel, KERNEL)


def test_the_classifier_chooses_the_pair(trained, pair):
    """With kernels given, the smallest pair that can take one; without, the one that it says."""
    names = DEBLUR["pair of 9 px"]
    for extent, place in ((3, 0), (7, 1), (13, 2), (15, 2)):
        kernel = line(extent, 0, size=extent)
        (method,) = build_deblurrer("auto", weights=[trained(one) for one in names], kernel=kernel).methods
        both = method.find.__self__
        assert [one.analysis.side for one in both.finders] == list(SIDES)
        deblurrer = build_deblurrer("auto", weights=[trained(one) for one in names], kernel=kernel)
        assert deblurrer.observe(pair[1]).find(deblurrer.methods[0].find, deblurrer.run()).pair == place
    blind = build_deblurrer("auto", weights=[trained(one) for one in names])
    both = blind.methods[0].find.__self__
    for place in range(3):
        with torch.no_grad():
            both.classifier.classify.weight.zero_()
            both.classifier.classify.bias.copy_(torch.eye(3)[place])
        seen = blind.observe(pair[1])
        found = blind.methods[0].find(seen, blind.run())
        assert found.pair == place
        assert both.restorer(seen, found, blind.run()).guide.shape[-1] == SIDES[place]


@pytest.mark.parametrize("name", ALONE)
def test_half_of_a_method_says_what_is_missing(name, trained):
    with pytest.raises(UsageError, match=f"the weights of {name} hold no network {ALONE[name]}: give"):
        build_deblurrer("auto", weights=[trained(name)])


def test_pairs_that_are_not_complete(trained):
    with pytest.raises(UsageError, match="0 pairs of networks and a classifier"):
        build_deblurrer("auto", weights=[trained("classifier")])
    with pytest.raises(UsageError, match="2 pairs of networks and a classifier of sizes were given: give 3"):
        build_deblurrer("auto", weights=[trained(one) for one in ("pair", "pair of 9 px", "classifier")])
    with pytest.raises(UsageError, match="hold no analysis with its synthesis for each size of kernels: give all"):
        build_deblurrer("auto", weights=[trained(one) for one in ("pair", "analysis", "classifier")])
    with pytest.raises(UsageError, match="hold 2 networks analysis"):
        build_deblurrer("auto", weights=[trained(one) for one in ("pair", "pair of 9 px")])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "kernel space",
            "holds nothing that deblurs but a kernel space, which kernel --pair, transfer and blur take with --space",
        ),
        ("denoiser", "a denoiser, from which the training of a deconvolver starts"),
        ("features", "features, by which the training of a translator compares pictures"),
    ],
)
def test_what_does_not_deblur_says_what_it_is_for(name, words, trained):
    with pytest.raises(ModelError, match=words):
        build_deblurrer("auto", weights=[trained(name)])


@pytest.mark.parametrize("name", ["denoiser", "features", "translator", "restorer"])
def test_what_is_no_kernel_space_says_what_it_is(name, trained):
    with pytest.raises(ModelError, match="holds no kernel space but "):
        build_space(trained(name))


def test_features_are_used(trained, pair):
    assert len(build_features(trained("features"))(pair[0])) == 2


@pytest.mark.parametrize("name", SPACES)
def test_spaces_are_used_by_their_verbs(name, trained, files, tmp_path, capsys):
    """Read a pair, keep its blur in a bank, give it to another picture, and blur by the bank."""
    space = trained(name)

    def typed(line):
        return main([str(one) for one in line])

    assert typed(["kernel", "--pair", *files, "--space", space, "--plot", tmp_path / "k.png"]) == 0
    assert ("px long" in capsys.readouterr().out) == (name != "encoder space")
    bank = tmp_path / "bank.safetensors"
    assert typed(["transfer", "--from", *files, "--bank", bank, "--space", space]) == 0
    wanted = ["transfer", "--bank", bank, "--to", files[0], "--space", space]
    assert typed([*wanted, "-o", tmp_path / "set"]) == 0
    assert (tmp_path / "set" / "blur" / "sharp.png").is_file()
    assert typed([*wanted[:-2], "-o", tmp_path / "other"]) == 4
    assert "made with another kernel space" in capsys.readouterr().err
    assert typed(["blur", files[0], "--code", bank, "--space", space, "-o", tmp_path / "coded.png"]) == 0


def test_what_the_published_space_cannot_do_is_said(trained, files, tmp_path, capsys):
    space = trained("encoder space")

    def refused(line, code=2):
        assert main([str(one) for one in line]) == code
        return capsys.readouterr().err

    words = refused(["kernel", "--pair", *files, "--space", space, "--save", tmp_path / "k.tiff"])
    assert "the published kernel space has no kernels to save: give --plot" in words
    pair = ["transfer", "--from", *files, "--to", files[0], "--space", space, "-o", tmp_path / "set", "--centred"]
    assert "--centred moves the kernels of a code, and the published kernel space has none" in refused(pair)
    assert "--weights" in refused(["kernel", "--pair", *files, "--space", WEIGHTS / "belt.safetensors"], 4)


def test_blurs_are_drawn_from_a_prior(trained, files, tmp_path, capsys):
    out = str(tmp_path / "out.png")
    assert main(["blur", str(files[0]), "--sample", "--space", str(trained("code prior")), "-o", out]) == 0
    assert main(["blur", str(files[0]), "--sample", "--space", str(trained("kernel space")), "-o", out, "--overwrite"])
    assert "no prior to draw codes from" in capsys.readouterr().err
