"""What does a camera's translator learn from? Its unpaired pictures, a known domain of blur, and a recipe."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from blurspace.blur.spectra import mean_power, power_ratio, spectral_distance
from blurspace.builders import build_features, build_network, build_space
from blurspace.chance import chance
from blurspace.codes import BlurBank, code_for, pick
from blurspace.data.crops import HELD_OUT
from blurspace.data.layouts import find_pairs
from blurspace.data.pairs import PairPhotos
from blurspace.data.piles import read_pile
from blurspace.data.unpaired import UnpairedPhotos
from blurspace.errors import UsageError
from blurspace.io.vgg import read_vgg19_state
from blurspace.levels import to_levels
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.vgg import Vgg19
from blurspace.train.one_loss import Report, report_left_out
from blurspace.train.settings import AdamSettings, CriticNetwork, LoopSettings, Strict
from blurspace.train.translator import Piles, TranslationData, TranslationLosses, TranslatorNetwork, TranslatorTask
from blurspace.train.unknown import CameraGuess, guess_camera
from blurspace.types import Code, Pair

BLURRY, SHARP, KNOWN = "blurry", "sharp", "known"  # the folders that `train` finds in its --data
# Of the known blurs, from mild to strong, the one that made pairs aim at: the less is left to undo, the less does the
# deblurrer make of the translator's mistakes. The mildest of all might be no blur (ours).
MILD = 0.25
METRIC_PICTURES = 8  # that say how much a blur changes (ours)
# The recipe of `adapt`, for one CPU thread, which never does so many steps: all ours (see `recipes/blur2blur.toml`).
LOOP = LoopSettings(
    steps=200_000, schedule="minutes", max_minutes=30.0, warm_up=50, average=0.998, save_minutes=3.0, half=True
)


class TranslatorRecipe(Strict):
    """Recipe of task "translator"; `--data` is a folder with blurry/, sharp/ and known/, the last of pairs.

    `deblurrer`: weights of a known deblurrer that is a network (task deblurrer), to be asked in training. `vgg19`: the
    official file, for the paper's features instead of ours.
    """

    task: Literal["translator"] = "translator"
    loop: LoopSettings = LOOP
    adam: AdamSettings = AdamSettings(learning_rate=2e-3, clip=0.5)
    data: TranslationData = TranslationData(side=96, batch=8)
    translator: TranslatorNetwork = TranslatorNetwork()
    critic: CriticNetwork = CriticNetwork(width=32, layers=2)  # 96 px are 24 px at the third scale
    # Without the adversarial game, which made pairs leave nothing to do in the time of a CPU (ours).
    losses: TranslationLosses = TranslationLosses(through=5.0, adversarial=0.0)
    deblurrer: Path | None = None
    vgg19: Path | None = None
    judge_steps: int = Field(default=200, gt=0, description="of the independent judge of the report (ours)")
    pictures: int = Field(default=400, gt=0, description="at most so many of each pile, evenly spaced")
    on_pairs: float = Field(default=0.4, ge=0, lt=1, description="of the minutes, on pairs of videos; 0: never (ours)")


def build_translator(recipe: TranslatorRecipe, *, data: Path, device: str, report: Report) -> TranslatorTask:
    """The task, from folders. Raises NoInputError and UsageError as those who read them do, before any training."""
    piles = {name: read_pile([data / name], limit=recipe.pictures) for name in (BLURRY, SHARP)}
    report_left_out((*piles[BLURRY].skipped, *piles[SHARP].skipped), report)
    blurry, sharp = ([frame.pixels for frame in piles[name].frames] for name in (BLURRY, SHARP))
    space = build_space()
    bank = bank_of(PairPhotos(find_pairs(data / KNOWN)).wholes(), space, source=str(data / KNOWN))
    deblur = None if recipe.deblurrer is None else build_network(recipe.deblurrer)
    return translator_from(recipe, blurry, sharp, bank, space=space, deblur=deblur, device=device)


def translator_from(
    recipe: TranslatorRecipe,
    blurry: Sequence[Tensor],
    sharp: Sequence[Tensor],
    bank: BlurBank,
    *,
    space: BasisSpace,
    deblur: nn.Module | None,
    guess: CameraGuess | None = None,
    device: str = "cpu",
) -> TranslatorTask:
    """The same from pictures uint8 (3 h w) of a camera, unpaired, and the known blurs; `guess`: if made already."""
    guess = guess_camera(blurry, sharp) if guess is None else guess
    stacks = known_stacks(sharp, bank, space, seed=recipe.loop.seed)
    held_out = max(1, round(HELD_OUT * len(stacks)))
    if len(stacks) <= held_out:
        raise UsageError(f"{len(stacks)} sharp picture was given, and one more is held out: give two or more")
    piles = Piles(UnpairedPhotos(blurry), stacks[held_out:], stacks[:held_out], guess)
    return TranslatorTask(
        piles,
        network=recipe.translator,
        critic=recipe.critic,
        losses=recipe.losses,
        data=recipe.data,
        adam=recipe.adam,
        features=_features(recipe.vgg19) if recipe.losses.adversarial else lambda picture: (picture,),
        deblur=deblur,
        seed=recipe.loop.seed,
        device=device,
    )


@torch.no_grad()
def bank_of(pairs: Iterable[Pair], space: BasisSpace, *, source: str) -> BlurBank:
    """The codes of pairs (1 3 h w) of a known domain, which `source` names."""
    codes = tuple(space.extract(pair.sharp, pair.blurry) for pair in pairs)
    return BlurBank(codes, (source,) * len(codes), space.fingerprint())


@torch.no_grad()
def known_stacks(sharp: Sequence[Tensor], bank: BlurBank, space: BasisSpace, *, seed: int) -> list[Tensor]:
    """For each sharp picture uint8 (3 h w) a stack (3 3 h w): itself, under some known blur, under the mild one."""
    mild, stacks = mild_code(bank, space, sharp), []
    for index, pixels in enumerate(sharp):
        generator, picture = chance(seed, index), pixels[None].float() / 255
        code = code_for(space, pick(bank, generator), (picture.shape[-2], picture.shape[-1]), generator)
        blurred = [space.reblur(picture, one)[0] for one in (code, mild)]
        stacks.append(torch.stack((pixels, *(to_levels(one) for one in blurred))))
    return stacks


def mild_code(bank: BlurBank, space: BasisSpace, sharp: Sequence[Tensor]) -> Code:
    """One blur (1 c 1 1) of a bank, uniform and centred: of all, sorted by how much they change the pictures, `MILD`.

    `sharp`: pictures uint8 (3 h w), of which the first few are looked at.
    """
    codes = [space.centred(code.mean((2, 3), keepdim=True)) for code in bank.codes]
    metric = torch.stack([space.metric(pixels[None].float() / 255) for pixels in sharp[:METRIC_PICTURES]]).mean(0)
    weights = torch.stack([code[0, :-1, 0, 0] for code in codes])
    order = ((weights @ metric) * weights).sum(1).argsort()
    return codes[int(order[int(MILD * (len(codes) - 1))])]


def distance_to(stacks: Sequence[Tensor], guess: CameraGuess) -> float:
    """How far a known domain, as the second pictures of `known_stacks`, is from a camera: `spectral_distance`, dB."""
    sharp, known = (mean_power(stack[None, place].float() / 255 for stack in stacks) for place in (0, 1))
    return spectral_distance(power_ratio(known, sharp), guess.ratio)


def _features(vgg19: Path | None) -> nn.Module:
    if vgg19 is None:
        return build_features()
    network = Vgg19()
    network.load_official(read_vgg19_state(vgg19))
    return network
