"""What do the protocols of Blur2Blur share? A world with an unknown camera, trainings in it, and scores.

One network and as many steps for all methods, on one CPU thread. Translations and games are trained by `train.loop`,
with their weights averaged, plain deblurrers by `spaces.fit`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor, nn

from blurspace.bench.result import BenchResult, Progress, Row, reduced
from blurspace.bench.spaces import trained_restorer
from blurspace.bench.tables import fixed
from blurspace.builders import build_space, finest
from blurspace.chance import chance
from blurspace.data.crops import SharpPhotos
from blurspace.data.degradations import from_lines, from_practical_degradation, from_realistic_synthesis
from blurspace.data.sources import Source
from blurspace.data.unpaired import UnpairedPhotos, draw_unturned
from blurspace.io.weights import load_into, read_weights
from blurspace.levels import to_8_bits, to_levels
from blurspace.metrics import coarse_change, psnr, ssim
from blurspace.train.converter import share_known, train_judge
from blurspace.train.unknown import guess_camera
from blurspace.types import Image, Pair

if TYPE_CHECKING:
    from blurspace.train.loop import Task
    from blurspace.train.translator import TranslatorTask

SEED, BATCH, CROP, FRAME, RATE, CLIP = 2403, 8, 96, 192, 2e-3, 0.5
STEPS = 800
WIDTHS = (32, 48, 64)
CRITIC_WIDTH = 32  # of the unpaired games
BANK = 64  # pairs of the known camera
RENDERED = 400  # pairs, of those that are made by drawing
# What the judges say of a picture before and after: classifier, critic; and how long training took.
JUDGED = ("input_known", "translated_known", "input_fools_critic", "translated_fools_critic", "training_seconds")
Deblur = Callable[[Image], Image]  # or translate
BASELINES = ("lines", "practical", "realistic", "cyclegan", "dualgan", "made pairs", "source domain")


@dataclass(frozen=True)
class Setting:
    """What one translation is trained with; the rest: fields of our recipe that differ."""

    steps: int = STEPS
    share: float = 0.6  # of the photos that are blurry
    size: float = 1.0  # of all the photos
    network: dict[str, object] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    adam: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class World:
    """An unknown camera: its blurry pictures and, of other scenes, sharp ones, uint8 (3 h w), and test pairs."""

    blurry: list[Tensor]
    sharp: list[Tensor]
    sharp_photos: SharpPhotos
    source: Source  # pairs of the unknown camera, which only the upper bound may see
    known_pairs: list[Pair]
    known: nn.Module
    tests: list[Pair]


def measured(world: World, method: str, setting: Setting | None, *, limit: int | None, progress: Progress) -> list[Row]:
    """Train a translation, or without a setting a baseline, and measure it on the test pairs."""
    deblur: Deblur = world.known
    translate: Deblur | None = None
    judged: list[Row] = [dict.fromkeys(JUDGED) for _ in world.tests]
    if setting is not None:
        task, seconds = translation(world, setting, steps=limit or setting.steps)
        translate = finest(task.networks["translator"])
        judged = [{**row, "training_seconds": round(seconds)} for row in converted(task, translate, world)]
    else:
        deblur = baseline(method, world, steps=limit or STEPS)
    tests = progress(world.tests, total=len(world.tests), what="pictures")
    return [
        {**score(index, pair, deblur, translate, world.known), **row}
        for index, (pair, row) in enumerate(zip(tests, judged, strict=True))
    ]


def means_of(rows: Sequence[Row]) -> Row:
    """Adds means; the gain is over the known deblurrer without a translation."""
    gains = [{"gain": row["psnr"] - row["plain_psnr"]} for row in rows]
    means = {
        f"mean_{column}": reduced(fmean, rows, column)
        for column in ("blurry_psnr", "plain_psnr", "coarse_change", *JUDGED)
    }
    ends = {
        "gain_over_plain": reduced(fmean, gains, "gain"),
        "worst_gain_over_plain": reduced(min, gains, "gain"),
        "most_coarse_change": reduced(max, rows, "coarse_change"),
    }
    return {**means, **ends}


def table_of(
    results: Sequence[BenchResult], order: Sequence[str], paper: Mapping[str, float] | None = None
) -> list[Row]:
    """One line per method, in that order; the paper's number, of other data, beside it where there is a `paper`."""
    lines: list[Row] = []
    for summary in sorted((result.summary for result in results), key=lambda one: order.index(one["method"])):
        judged = [summary[f"mean_{name}"] for name in ("input_known", "translated_known")]
        over = summary["mean_psnr"] - summary["mean_blurry_psnr"]
        line = {
            "method": summary["method"],
            "PSNR, dB": fixed(summary["mean_psnr"], 2),
            "SSIM": fixed(summary["mean_ssim"], 3),
            "over blurry (worst), dB": f"{over:+.2f} ({summary['min_gain_db']:+.2f})",
            "over known (worst), dB": f"{summary['gain_over_plain']:+.2f} ({summary['worst_gain_over_plain']:+.2f})",
            "judged known, before / after": "" if None in judged else f"{judged[0]:.0%} / {judged[1]:.0%}",
            "coarse change, mean / most": f"{summary['mean_coarse_change']:.1%} / {summary['most_coarse_change']:.1%}",
            "training, s": fixed(summary["mean_training_seconds"], 0),
        }
        lines.append(line if paper is None else {**line, "paper, dB": fixed(paper.get(summary["method"]), 2)})
    return lines


def rendered(source: Source, count: int) -> list[Tensor]:
    """`count` pairs of a source as stacks uint8 (2 3 h w), sharp before blurry, so that each is made only once."""
    pairs = (source(chance(SEED, index), 1) for index in range(count))
    return [to_levels(torch.cat((pair.sharp, pair.blurry))) for pair in pairs]


def translation(world: World, setting: Setting, *, steps: int) -> "tuple[TranslatorTask, float]":
    """The task, trained for so many steps, and the seconds that took."""
    from blurspace.train.adapt import TranslatorRecipe, bank_of, translator_from

    usual = TranslatorRecipe().model_dump()
    differing = {"losses": setting.losses, "translator": setting.network, "adam": setting.adam}
    recipe = TranslatorRecipe.model_validate(usual | {key: usual[key] | own for key, own in differing.items()})
    space = build_space()
    bank = bank_of(world.known_pairs, space, source="known")
    task = translator_from(recipe, world.blurry, world.sharp, bank, space=space, deblur=world.known)
    start = time.perf_counter()
    trained(task, steps=steps)
    return task, time.perf_counter() - start


def baseline(method: str, world: World, *, steps: int) -> Deblur:
    """A deblurrer of one of the other rows, trained for so many steps."""
    if method not in BASELINES:
        return (lambda blurry: blurry) if method == "blurry" else world.known
    if method in ("cyclegan", "dualgan"):
        return unpaired(method, world, steps=steps)
    sources: dict[str, Callable[[], Source]] = {
        "lines": lambda: from_lines(world.sharp_photos, side=FRAME),
        "practical": lambda: from_practical_degradation(world.sharp_photos, side=FRAME),
        "realistic": lambda: from_realistic_synthesis(world.sharp_photos, side=FRAME),
        "made pairs": lambda: made_pairs(world),
        "source domain": lambda: world.source,
    }
    return supervised(rendered(sources[method](), RENDERED), steps=steps)


def supervised(stacks: Sequence[Tensor], *, steps: int) -> nn.Module:
    """A deblurrer like the known one, trained on pairs uint8 (2 3 h w)."""

    def batch(generator: Generator) -> Pair:
        drawn = draw_unturned(stacks, generator, count=BATCH, side=CROP)
        return Pair(drawn[:, 0], drawn[:, 1])

    return trained_restorer(batch, widths=WIDTHS, steps=steps, seed=SEED, rate=RATE, clip=CLIP)


def made_pairs(world: World) -> Source:
    """The camera's sharp pictures under a guess at its blur: what a translator learns from, without a translation."""
    guess, sharp = guess_camera(world.blurry, world.sharp), UnpairedPhotos(world.sharp)

    def draw(generator: Generator, count: int) -> Pair:
        roomy = sharp.draw(generator, count=count, side=FRAME)
        return Pair(guess.inner(roomy), guess.photograph(roomy, generator))

    return draw


def unpaired(game: str, world: World, *, steps: int) -> nn.Module:
    """CycleGAN or DualGAN, from the blurry pile to the sharp one."""
    from blurspace.train.unpaired import UnpairedTask

    piles = [UnpairedPhotos(pile) for pile in (world.blurry, world.sharp)]
    blurry, sharp = (lambda generator, count, pile=pile: pile.draw(generator, count=count, side=CROP) for pile in piles)
    task = UnpairedTask(
        game,
        blurry=blurry,
        sharp=sharp,
        batch=BATCH // 2,
        widths=WIDTHS,
        critic_width=CRITIC_WIDTH,
        critic_layers=3,
        seed=SEED,
    )
    trained(task, steps=steps)
    return task.networks["sharpen"]


def trained(task: "Task", *, steps: int) -> None:
    """Train with the only loop, as `adapt` does but for so many steps; the networks then hold the running mean."""
    from blurspace.train import loop
    from blurspace.train.settings import LoopSettings

    settings = LoopSettings(steps=steps, seed=SEED, warm_up=50, average=0.998, save_minutes=60)
    with TemporaryDirectory() as out:
        load_into(task.networks, read_weights(loop.run(task, settings, out=Path(out)))[0])
    for network in task.networks.values():
        network.eval().requires_grad_(False)


@torch.no_grad()
def score(index: int, pair: Pair, deblur: Deblur, translate: Deblur | None, known: nn.Module) -> Row:
    """The row of one scene."""
    translated = pair.blurry if translate is None else translate(pair.blurry).clamp(0, 1)
    restored, plain = (to_8_bits(one) for one in (deblur(translated), known(pair.blurry)))
    found = {
        "psnr": psnr(restored, pair.sharp),
        "ssim": ssim(restored, pair.sharp),
        "blurry_psnr": psnr(pair.blurry, pair.sharp),
        "plain_psnr": psnr(plain, pair.sharp),
        "coarse_change": coarse_change(restored, pair.blurry),
    }
    row = {"scene": index + 1, **{name: round(float(value), 5) for name, value in found.items()}}
    return {**row, "gain_db": round(row["psnr"] - row["blurry_psnr"], 5)}


def converted(task: "TranslatorTask", translate: Deblur, world: World) -> list[Row]:
    """Table 6, of each test picture: do the translator's critic and an independent classifier see known blur (1)?"""
    classifier = train_judge(
        lambda generator: task.batch(generator).blurry, lambda generator: task.batch(generator).known, seed=SEED + 1
    )
    # Without the game the critic never learnt anything.
    critic = task.networks["critic"] if task.losses.adversarial else None
    rows = []
    for pair in world.tests:
        with torch.no_grad():
            translated = translate(pair.blurry).clamp(0, 1)
        found = [
            None if judge is None else share_known(judge, [picture])
            for judge in (classifier, critic)
            for picture in (pair.blurry, translated)
        ]
        rows.append(dict(zip(JUDGED, found, strict=False)))
    return rows
