"""Do folders, a known domain and a recipe become the task they should, and is what is wrong said at once?"""

import math

import pytest
import torch

from blurspace.blur import spectra
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.blur.spectra import KernelMixture, mean_power, power_ratio
from blurspace.builders import build_space
from blurspace.chance import chance
from blurspace.codes import BlurBank
from blurspace.data.crops import read_pixels
from blurspace.errors import NoInputError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.io.weights import write_weights
from blurspace.losses import charbonnier, perceptual
from blurspace.metrics import psnr
from blurspace.nets.features import FeatureNet
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.restorer import Restorer
from blurspace.train.adapt import (
    MILD,
    TranslatorRecipe,
    bank_of,
    build_translator,
    distance_to,
    known_stacks,
    mild_code,
    translator_from,
)
from blurspace.train.recipes import TASKS, read_recipe
from blurspace.train.steps import take
from blurspace.train.unknown import CameraGuess
from blurspace.types import Pair, Photo

RECIPE = TranslatorRecipe.model_validate(
    {
        "loop": {"steps": 2},
        "data": {"side": 32, "batch": 2, "validation": 2},
        "translator": {"widths": [4]},
        "critic": {"width": 2, "layers": 1},
        "losses": {"through": 0.0, "adversarial": 0.0},
    }
)
LENGTHS = (9, 3, 1, 7, 5)


def scene(seed, side=144):
    """Random rectangles, uint8 (3 side side)."""
    generator = torch.Generator().manual_seed(seed)
    picture = torch.zeros(3, side, side)
    for _ in range(150):
        top, left, high, wide = (int(torch.randint(low, high, (), generator=generator)) for low, high in SPANS)
        picture[:, top : top + high, left : left + wide] = torch.rand(3, 1, 1, generator=generator)
    return (picture * 255).round().to(torch.uint8)


SPANS = ((0, 144), (0, 144), (3, 25), (3, 25))


def blurry(pixels, length, angle):
    found = blur(pixels[None].float() / 255, line(length, angle))[0]
    return (found.clamp(0, 1) * 255).round().to(torch.uint8)


def pair_of(pixels, length, angle):
    return Pair(pixels[None].float() / 255, blurry(pixels, length, angle)[None].float() / 255)


def guess_of(length, angle):
    return CameraGuess(KernelMixture((line(length, angle),), torch.ones(1), 0.0), 0.0, torch.ones(128, 65))


@pytest.fixture(scope="module")
def space():
    return build_space()


@pytest.fixture(scope="module")
def sharp():
    return [scene(seed) for seed in range(5)]


@pytest.fixture(scope="module")
def bank(space, sharp):
    """Lines along the rows, not in order."""
    return bank_of((pair_of(sharp[0], length, 0) for length in LENGTHS), space, source="lines")


def test_the_recipe_file_is_the_default_field_by_field():
    found, default = read_recipe("recipes/adapt.toml").model_dump(), TranslatorRecipe().model_dump()
    assert found.keys() == default.keys()
    for name, value in default.items():
        assert found[name] == value, name
    assert TASKS["translator"].recipe is TranslatorRecipe


def test_a_bank_of_pairs(space, sharp, bank):
    assert bank.of(space) is bank
    assert bank.sources == ("lines",) * len(LENGTHS)
    for code, length in zip(bank.codes, LENGTHS, strict=True):
        again = space.reblur(sharp[0][None] / 255, code)
        assert float(psnr(again, blurry(sharp[0], length, 0)[None] / 255)) > 32
    with pytest.raises(UsageError, match="without blurs"):
        bank_of([], space, source="nothing")


def test_the_mild_code_is_among_the_milder(space, sharp, bank):
    mild = mild_code(bank, space, sharp)
    assert mild.shape == (1, bank.codes[0].shape[1], 1, 1)
    assert math.floor(MILD * (len(LENGTHS) - 1)) == 1  # the second mildest of these five
    wanted = space.centred(bank.codes[LENGTHS.index(3)].mean((2, 3), keepdim=True))
    torch.testing.assert_close(mild, wanted)
    alone = BlurBank(bank.codes[:1], bank.sources[:1], bank.space)
    assert torch.equal(mild_code(alone, space, sharp), space.centred(bank.codes[0].mean((2, 3), keepdim=True)))


def test_the_mild_code_does_not_move_the_picture(space, sharp):
    """Blurry pictures that are a px to the right of the sharp ones."""
    pair = pair_of(sharp[0], 5, 0)
    bank = bank_of([Pair(pair.sharp, pair.blurry.roll(1, -1))], space, source="moved")

    def moves(code):
        kernel = space.kernels(code[:, :-1]).mean((0, 1, 2))
        place = torch.arange(len(kernel)) - len(kernel) // 2
        return [float((kernel.sum(axis) * place).sum()) for axis in (0, 1)]

    assert abs(moves(bank.codes[0])[0]) > 0.5
    assert moves(mild_code(bank, space, sharp)) == pytest.approx([0, 0], abs=1e-3)


def test_known_stacks(space, sharp, bank):
    odd = [sharp[0], sharp[1][:, :130, :141]]
    stacks = known_stacks(odd, bank, space, seed=0)
    assert [(stack.shape, stack.dtype) for stack in stacks] == [
        ((3, 3, 144, 144), torch.uint8),
        ((3, 3, 130, 141), torch.uint8),
    ]
    mild = mild_code(bank, space, odd)
    for stack, pixels in zip(stacks, odd, strict=True):
        assert torch.equal(stack[0], pixels)
        wanted = space.reblur(pixels[None] / 255, mild).clamp(0, 1)[0]
        assert float((stack[2] / 255 - wanted).abs().max()) <= 0.5 / 255 + 1e-5
    again, other = (known_stacks(sharp[:3], bank, space, seed=seed) for seed in (0, 1))
    assert torch.equal(again[0][:2], stacks[0][:2])
    assert any(not torch.equal(one[1], two[1]) for one, two in zip(again, other, strict=True))
    alone = BlurBank(bank.codes[:1], bank.sources[:1], bank.space)
    (stack,) = known_stacks(sharp[:1], alone, space, seed=0)
    wanted = blurry(sharp[0], LENGTHS[0], 0)
    assert float(psnr(stack[1][None] / 255, wanted[None] / 255)) > 30  # its own code onto its own picture


def test_the_nearer_domain_is_nearer(space, sharp):
    camera = [blurry(scene(seed), 7, 90) for seed in range(20, 26)]
    powers = [mean_power(one[None].float() / 255 for one in pile) for pile in (camera, sharp[:3])]
    guess = CameraGuess(KernelMixture((line(7, 90),), torch.ones(1), 0.0), 0.0, power_ratio(*powers))

    def distance(length, angle):
        domain = bank_of([pair_of(sharp[0], length, angle)], space, source="")
        return distance_to(known_stacks(sharp[:3], domain, space, seed=0), guess)

    same, near, far = distance(7, 90), distance(5, 90), distance(7, 0)
    assert same < near < far
    assert far > 2 * same


def test_stacks_are_held_out_and_never_trained_on(space, sharp, bank):
    task = translator_from(RECIPE, sharp, sharp, bank, space=space, deblur=None, guess=guess_of(3, 90))
    assert len(task.piles.held_out) == 1
    assert len(task.piles.stacks) == 4
    assert torch.equal(task.piles.held_out[0][0], sharp[0])
    assert [torch.equal(*both) for both in zip((one[0] for one in task.piles.stacks), sharp[1:], strict=True)] == (
        [True] * 4
    )
    assert task.piles.guess.reach == 1
    assert len(task.validation) == 2
    assert torch.equal(task.piles.blurry.stacks[2][0], sharp[2])
    two = translator_from(RECIPE, sharp, sharp[:2], bank, space=space, deblur=None, guess=guess_of(3, 90))
    assert (len(two.piles.held_out), len(two.piles.stacks)) == (1, 1)
    with pytest.raises(UsageError, match="1 sharp picture was given"):
        translator_from(RECIPE, sharp, sharp[:1], bank, space=space, deblur=None, guess=guess_of(3, 90))


def test_features_are_built_for_the_game_alone(space, sharp, bank):
    def features(**losses):
        recipe = RECIPE.model_copy(update={"losses": RECIPE.losses.model_copy(update=losses)})
        return translator_from(recipe, sharp, sharp[:2], bank, space=space, deblur=None, guess=guess_of(3, 90)).features

    picture, other = torch.rand(2, 1, 3, 32, 32)
    assert isinstance(features(adversarial=1.0), FeatureNet)
    without = features(adversarial=0.0)
    assert float(perceptual(without, picture, other)) == pytest.approx(float((picture - other).abs().mean()))


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = pixels[None].float() / 255
    write_bytes(path, encode_photo(Photo.of(picture), picture), overwrite=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folders as of `train`: the camera blurs along the columns, the known domain along the rows."""
    folder = tmp_path_factory.mktemp("camera")
    for seed in range(4):
        save(folder / "blurry" / f"{seed}.png", blurry(scene(seed + 20), 5, 90))
        save(folder / "sharp" / f"{seed}.png", scene(seed))
    for seed in range(2):
        save(folder / "known" / "sharp" / f"{seed}.png", scene(seed + 40))
        save(folder / "known" / "blur" / f"{seed}.png", blurry(scene(seed + 40), 5, 0))
    (folder / "sharp" / "0bad.png").write_bytes(b"")
    weights = {"restorer": Restorer(widths=(4, 6))}
    write_weights(folder / "known.safetensors", weights, about={"architecture": {"restorer": {"widths": [4, 6]}}})
    return folder


def test_folders_become_a_task(data, monkeypatch):
    said = []
    monkeypatch.setattr(spectra, "LONGEST", (3, 5, 7))
    changes = {
        "deblurrer": data / "known.safetensors",
        "pictures": 3,
        "losses": RECIPE.losses.model_copy(update={"through": 1.0}),
    }
    task = build_translator(RECIPE.model_copy(update=changes), data=data, device="cpu", report=said.append)
    assert [sentence.startswith("left out: ") and "0bad.png" in sentence for sentence in said] == [True]
    assert len(task.piles.blurry.stacks) == 3  # of four, by `pictures`
    assert (len(task.piles.stacks), len(task.piles.held_out)) == (1, 1)  # of five, one of which cannot be read
    files = {name: [read_pixels(path) for path in sorted((data / name).glob("?.png"))] for name in ("blurry", "sharp")}
    for pixels, name in ((task.piles.blurry.stacks[0][0], "blurry"), (task.piles.held_out[0][0], "sharp")):
        assert any(torch.equal(pixels, one) for one in files[name])
    kernel = task.piles.guess.mixture.mean()[0, 0]
    place = torch.arange(len(kernel)) - len(kernel) // 2
    along_rows, along_columns = (float((kernel.sum(axis) * place.square()).sum()) for axis in (0, 1))
    assert along_columns > 3 * along_rows
    stack = task.piles.stacks[0].float() / 255
    kept = [float((stack[1] - stack[1].roll(1, axis)).square().mean()) for axis in (-2, -1)]
    whole = [float((stack[0] - stack[0].roll(1, axis)).square().mean()) for axis in (-2, -1)]
    assert kept[1] / whole[1] < 0.6 * kept[0] / whole[0]  # softer along the rows: the known blur
    assert isinstance(task.deblur, Restorer)
    batch = task.batch(chance(0, 0))
    pairs = float(charbonnier(batch.made, batch.target))
    assert take([task.step(batch)])["loss"] > 0.5 * pairs
    assert not any(one.requires_grad for one in task.deblur.parameters())


def test_missing_folders_are_said_before_any_training(data, tmp_path):
    with pytest.raises(NoInputError, match=r"blurry does not exist"):
        build_translator(RECIPE, data=tmp_path, device="cpu", report=print)
    for name in ("blurry", "sharp"):
        (tmp_path / name).symlink_to(data / name)
    (tmp_path / "known").mkdir()
    with pytest.raises(NoInputError, match="no sharp-blurry pairs"):
        build_translator(RECIPE, data=tmp_path, device="cpu", report=print)


def test_a_space_of_its_own_may_be_given(sharp):
    torch.manual_seed(0)
    own = BasisSpace(count=4, side=5, stride=16).requires_grad_(False)
    domain = bank_of([pair_of(sharp[0], 3, 0)], own, source="")
    assert domain.space == own.fingerprint()
    assert mild_code(domain, own, sharp).shape == (1, 5, 1, 1)
