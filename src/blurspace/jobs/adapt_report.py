"""Should this translator be used? What was measured on pictures that training never saw, and the verdict, as files.

The camera's own blurry pictures have no truth, so three kinds of evidence stand side by side: how natural the results
look (NIQE) and whether they explain the photos (re-blur); what known and unknown blur look like to two judges (table 6
of pham2024); and PSNR where truth exists: on pairs of the camera, if the user has some, else on pairs that were made up
from a guess at its blur, which is weaker, and is called so. Where videos hold pairs of sharp and blurry frames, a
deblurrer that learned from those is judged beside the translation, on their last frames.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch

from blurspace.blur.spectra import KernelMixture
from blurspace.builders import build_naturalness
from blurspace.chance import chance
from blurspace.errors import UsageError
from blurspace.jobs.adapt_page import page
from blurspace.jobs.each import number
from blurspace.levels import to_8_bits
from blurspace.metrics import coarse_change, psnr, ssim
from blurspace.nets.kernel_space import BasisSpace
from blurspace.niqe import Naturalness, niqe
from blurspace.pixels import central
from blurspace.restore.network import Network, in_colour
from blurspace.restore.translated import Camera
from blurspace.train.converter import share_known, train_judge
from blurspace.train.translator import VALIDATION_SEED, Piles, TranslatorTask
from blurspace.types import AnyImage, Image, Pair
from blurspace.video.partners import Trusted

# By how much, in dB of PSNR, a translation must help on the mean, what counts as a loss on one picture (the eye hardly
# sees less), and which share of the pictures may lose that: receipts refuse some of those (ours).
LEAST_GAIN, WORST_LOSS, MOST_LOSERS = 0.3, 0.3, 0.1
# Of the judges of known blur: a translator that does not convert is not what helped (ours).
LEAST_CONVERTED = 0.5
MOST_DB = 100.0  # of two pictures that are the same; infinity is not JSON
MOST_PAIRS = 12  # made up for the report
STRIPS, STRIP_SIDE = 6, 224
KEEP, DEPLOY, NEITHER = "keep the plain deblurrer", "use the translator", "leave the photos alone"
PAIRED = "use the deblurrer that learned from pairs"
# What PSNR is told of.
OWN, LAST, MADE = (
    "pairs of this camera",
    "the videos' last frames (of scenes that were trained on), as far as their sharp neighbours show the same",
    "pairs made up from a guess at its blur",
)
# What to do without any training, and its name in a sentence.
ALTERNATIVES = {"plain": (KEEP, "the plain deblurrer"), "blurry": (NEITHER, "the photos as they are")}
Test = tuple[Pair, AnyImage | None]  # and where it counts


@dataclass(frozen=True, eq=False)
class Facts:
    """What the training was."""

    known: str
    distances: dict[str, float]
    pictures: dict[str, int]
    minutes: float
    steps: int
    mixture: KernelMixture
    sigma: float
    other_scenes: bool  # than those that were trained on, in the report's blurry pictures
    videos: Mapping[str, object] | None  # what their pairs are, and what was trained on them


@dataclass(frozen=True, eq=False)
class Found(Facts):
    """What was measured besides; `numbers` and `pairs` are rows of "blurry", "plain", "translated" and maybe "paired".

    `worst_gain`, `paired_worst_gain`: over the better of the first two, in dB.
    """

    verdict: str
    reason: str
    truth: str  # which pairs `pairs` is about
    pairs: dict[str, dict[str, float]]
    worst_gain: float
    paired_worst_gain: float | None
    numbers: dict[str, dict[str, float | None]]
    judges: dict[str, dict[str, float]]
    coarse_change: float
    seconds: float
    strips: tuple[tuple[Image, ...], ...]

    def record(self) -> dict[str, Any]:
        """All but the pictures, for JSON."""
        return {name: value for name, value in vars(self).items() if name not in ("mixture", "strips")}


def measure(
    camera: Camera,
    task: TranslatorTask,
    kept: Sequence[Image],
    *,
    facts: Facts,
    pairs: Sequence[Pair],
    space: BasisSpace,
    judge_steps: int,
    paired: Network | None = None,
    last: Sequence[Trusted] = (),
) -> Found:
    """Measure on the camera's blurry pictures (1 3 h w) that training never saw, and on pairs.

    `paired`: what learned from pairs of videos. `last`: those pairs of them that it never saw.
    """
    truth, tests = _tests(pairs, last, task.piles)
    restorers = ways(camera, paired)
    scores = {
        name: [_score(restore(pair.blurry), pair.sharp, trust) for pair, trust in tests]
        for name, restore in restorers.items()
    }
    start = time.perf_counter()
    results = {name: [restore(picture) for picture in kept] for name, restore in restorers.items()}
    seconds = (time.perf_counter() - start) / max(1, len(kept))
    model = build_naturalness()
    numbers = {name: _blind_numbers(pictures, kept, model, space) for name, pictures in results.items()}
    translated = [camera.translate(picture) for picture in kept]
    judges = _judges(task, kept, translated, steps=judge_steps)
    means = {name: {key: round(fmean(row[key] for row in rows), 4) for key in rows[0]} for name, rows in scores.items()}
    gains = {
        name: [one["psnr"] - other["psnr"] for one, other in zip(rows, scores[alternative(means)], strict=True)]
        for name, rows in scores.items()
    }
    verdict, reason = judge(means, gains["translated"], numbers, judges, truth)
    if paired is not None:
        verdict, reason = with_pairs(verdict, reason, means, gains["paired"], truth)
    columns = [
        kept,
        results["plain"],
        translated,
        *(results[name] for name in ("translated", "paired") if name in restorers),
    ]
    strips = [tuple(central(one, STRIP_SIDE, STRIP_SIDE) for one in row) for row in zip(*columns, strict=True)]
    return Found(
        **vars(facts),
        verdict=verdict,
        reason=reason,
        truth=truth,
        pairs=means,
        worst_gain=round(min(gains["translated"]), 4),
        paired_worst_gain=None if paired is None else round(min(gains["paired"]), 4),
        numbers=numbers,
        judges=judges,
        coarse_change=round(
            fmean(float(coarse_change(*pair)) for pair in zip(results["translated"], kept, strict=True)), 5
        ),
        seconds=round(seconds, 3),
        strips=tuple(strips[:STRIPS]),
    )


def judge(
    pairs: dict[str, dict[str, float]],
    gains: Sequence[float],
    numbers: dict[str, dict[str, float | None]],
    judges: dict[str, dict[str, float]],
    truth: str,
) -> tuple[str, str]:
    """The verdict and its reason, a sentence. `gains`: of each picture over the better `alternative`, in dB."""
    other = alternative(pairs)
    fallback, against = ALTERNATIVES[other]
    gain = pairs["translated"]["psnr"] - pairs[other]["psnr"]
    if gain < LEAST_GAIN:
        return fallback, f"it did not help: on {truth} the result is {gain:+.2f} dB against {against}"
    if lost := _lost(gains):
        return fallback, f"it helped by {gain:.2f} dB on the mean of {truth}, but {lost} against {against}"
    converted = fmean(row["translated"] for row in judges.values())
    if converted < LEAST_CONVERTED:
        return fallback, f"only {converted:.0%} of the translated pictures look like the known blur to our judges"
    natural = [numbers[name].get("niqe") for name in ("translated", other)]
    told = ""
    if natural[0] is not None and natural[1] is not None:
        told = f", and look {'less' if natural[0] > natural[1] else 'more'} natural (NIQE)"
    return DEPLOY, (
        f"on {truth} the results are {gain:.2f} dB better than {against} (worst picture {min(gains):+.2f} dB){told}"
    )


def with_pairs(
    verdict: str, reason: str, pairs: dict[str, dict[str, float]], gains: Sequence[float], truth: str
) -> tuple[str, str]:
    """The verdict and its reason where a deblurrer learned from pairs of videos as well: that one, if it is the better.

    `verdict`, `reason`: what `judge` says of the translation. `gains`: as there, of what learned from pairs.
    """
    other = alternative(pairs)
    gain, over = (pairs["paired"]["psnr"] - pairs[name]["psnr"] for name in (other, "translated"))
    lost = _lost(gains)
    if gain < LEAST_GAIN or lost or (verdict == DEPLOY and over <= 0):
        but = f", but {lost}" if lost else ""
        return verdict, f"{reason}; what learned from pairs of the videos is {gain:+.2f} dB there{but}"
    return PAIRED, (
        f"on {truth}, its results are {gain:.2f} dB better than {ALTERNATIVES[other][1]} (worst picture "
        f"{min(gains):+.2f} dB), and {over:+.2f} dB against the translation"
    )


def _lost(gains: Sequence[float]) -> str:
    """How many pictures lost more than is allowed, in words; nothing where few did."""
    losers = sum(one < -WORST_LOSS for one in gains) / len(gains)
    return f"{losers:.0%} of the pictures lost more than {WORST_LOSS} dB" if losers > MOST_LOSERS else ""


def alternative(pairs: dict[str, dict[str, float]]) -> str:
    """What to do without a translator: the plain deblurrer, or nothing where that is better."""
    return "plain" if pairs["plain"]["psnr"] > pairs["blurry"]["psnr"] else "blurry"


def report_files(found: Found) -> dict[str, bytes]:
    """The report by file suffix: JSON for programs, and one HTML page that needs nothing else."""
    record = json.dumps({"version": 1, **found.record()}, indent=1, allow_nan=False)
    return {".json": record.encode(), ".html": page(found, use=found.verdict in (DEPLOY, PAIRED)).encode()}


def ways(camera: Camera, paired: Network | None = None) -> dict[str, Callable[[Image], Image]]:
    """Doing nothing, the known deblurrer alone, and with the translation, and what learned from pairs, if it is there.

    Of a network what comes out, whatever a receipt says; of a method, which goes by receipts itself, what a user gets.
    """
    network, known = camera.network, camera.known
    found: dict[str, Callable[[Image], Image]] = {
        "blurry": lambda blurry: blurry,
        "plain": lambda blurry: known(blurry).restored,
        "translated": lambda blurry: camera(blurry).restored,
    }
    if network is not None:
        found["plain"] = lambda blurry: in_colour(network, blurry)
        found["translated"] = lambda blurry: in_colour(network, camera.translate(blurry))
    if paired is not None:
        found["paired"] = lambda blurry: in_colour(paired, blurry)
    return found


def _tests(pairs: Sequence[Pair], last: Sequence[Trusted], piles: Piles) -> tuple[str, list[Test]]:
    """The best truth there is, by its name."""
    if pairs:
        return OWN, [(pair, None) for pair in pairs]
    if last:
        return LAST, [(Pair(one.sharp, one.blurry), one.trust) for one in last]
    return MADE, [(pair, None) for pair in _made_pairs(piles)]


def _made_pairs(piles: Piles) -> list[Pair]:
    """The sharp pictures that training never saw, whole, under a guess at the camera's blur."""
    pairs = []
    for index, stack in enumerate(piles.held_out[:MOST_PAIRS]):
        sharp = stack[:1].float() / 255
        pairs.append(Pair(piles.guess.inner(sharp), piles.guess.photograph(sharp, chance(VALIDATION_SEED, index))))
    return pairs


def _score(restored: Image, sharp: Image, trust: AnyImage | None) -> dict[str, float]:
    """PSNR where it counts; SSIM, which looks at windows, only where all does."""
    restored = to_8_bits(restored)
    found = {"psnr": min(float(psnr(restored, sharp, trust=trust)), MOST_DB)}
    return found | ({"ssim": float(ssim(restored, sharp))} if trust is None else {})


def _blind_numbers(
    pictures: Sequence[Image], blurry: Sequence[Image], model: Naturalness, space: BasisSpace
) -> dict[str, float | None]:
    """Means over the pictures: NIQE, and how well blurring the result again gives the photo back."""
    natural, reblurred = [], []
    for picture, photo in zip(pictures, blurry, strict=True):
        with suppress(UsageError):  # too small or too flat for it
            natural.append(niqe(picture, model))
        with torch.no_grad():
            again = space.reblur(picture, space.extract(picture, photo)).clamp(0, 1)
        reblurred.append(float(psnr(to_8_bits(again), photo)))
    found: dict[str, float | None] = {"reblur_psnr": number(fmean(reblurred), 3)}
    return {"niqe": round(fmean(natural), 3), **found} if natural else found


def _judges(
    task: TranslatorTask, blurry: Sequence[Image], translated: Sequence[Image], *, steps: int
) -> dict[str, dict[str, float]]:
    """Acc1 and Acc2 of pham2024: the share that the critic, and a classifier of its own, call known blur."""
    independent = train_judge(
        lambda generator: task.batch(generator).blurry, lambda generator: task.batch(generator).known, steps=steps
    )
    judges = {"independent classifier": independent}
    if task.losses.adversarial:  # else the critic never learnt anything
        judges["critic"] = task.networks["critic"].eval()
    return {
        name: {"blurry": round(share_known(one, blurry), 3), "translated": round(share_known(one, translated), 3)}
        for name, one in judges.items()
    }
