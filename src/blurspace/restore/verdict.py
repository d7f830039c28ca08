"""Is a restored photo better than what was given, and how sure is that? Clues, what they weigh, and the receipt.

Verdicts: "restored"; "refused" (the result is probably no better than the photo); and "left alone" (the photo or a part
of it was sharp, or told nothing, before anything was tried; or next to nothing changed). The clues are numbers that
need no truth; what they weigh was fitted on made photos whose truth is known (`receipt.toml`), and `bench calibration`
says on others how often the stated probability is right.
"""

import math
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from blurspace.restore.evidence import LEAST, LEAST_NOISE, Evidence
from blurspace.restore.observed import Observed, as_float
from blurspace.restore.orientation import better_turn
from blurspace.run import Run
from blurspace.sharpness import SHARP, SMALLEST, narrowest
from blurspace.types import Blur, Kernel, Receipt

WEIGHTS = Path(__file__).parent.parent / "receipt.toml"
LOOKED_AT = 512  # px: a window of the result in which its edges are measured
MOST_LOG = 6.0  # a ratio of 400: what is farther off is a division by next to nothing
FAINT = 0.1  # of a kernel's largest value: the light in smaller ones is its haze
FARTHEST = 3.0  # standard deviations: a clue that is stranger than all that was fitted on says no more than this
# The rest may be this many times the noise (JPEG and a kernel that varies add to it), above 8-bit
# rounding, but not what no photo's noise reaches (at the highest ISO it is about 0.1); and of the gradients of the
# result, the mean in flat areas may be this share of the mean elsewhere.
RESIDUAL_PER_SIGMA, RESIDUAL_FLOOR, RESIDUAL_CEILING = 4.0, 6 / 255, 0.15
WORST_RINGING = 0.35
GHOSTLESS = 4.0  # px: so short a kernel makes no ghosts, and what it sharpens may be grain
# dB between photo and result of a network: a difference of 1.4 of 255 levels, which nobody sees (ours).
UNCHANGED = 45.0
# What speaks against a result, by the stable word for it.
REASONS = {
    "unexplained": "no single kernel explains this photo: blurring the result again does not give it back",
    "ghosts": "the result has ghosts rather than sharper edges, so the photo is better as it is",
    "rings": "the result rings in the photo's flat areas, so the photo is better as it is",
    "no_gain": "it is too uncertain that the result is better than the photo, which stays as it is",
}
# The same of a kernel that the user gave.
GIVEN = {
    "unexplained": "the given kernel does not explain this photo: blurring the result again does not give it back",
    "turned": "the given kernel fits this photo clearly better when {turn}: give it so",
}
# Which of them a clue speaks for.
SPEAKS_FOR = {
    "rest": "unexplained",
    "worst": "unexplained",
    "at_edges": "unexplained",
    "sparsity": "ghosts",
    "agreement": "ghosts",
    "haze": "ghosts",
    "edges_misfit": "ghosts",
    "too_sharp": "rings",
    "ringing": "rings",
    "rougher": "rings",
}


class Tried(Protocol):
    """What a method made of a photo."""

    @property
    def picture(self) -> Tensor:
        """The result (1 c h w), as the photo is stored."""

    @property
    def blur(self) -> Blur:
        """What was removed."""

    @property
    def evidence(self) -> Evidence:
        """Of all of it."""


@dataclass(frozen=True)
class Weight:
    """Of a clue: its `mean` and `scale` where it was fitted, dB of gain per scale, and log odds of a gain."""

    mean: float
    scale: float
    gain: float
    chance: float


@dataclass(frozen=True)
class Belief:
    """What clues weigh: a ridge regression of the gain in dB, and a logistic one of whether there is any.

    A result is believed from a probability of `least` on, under a kernel that the user gave from `least_known` on.
    `methods`: whose results it was fitted on; it is used for all that find a blur and remove it.
    """

    gain: float
    chance: float
    least: float
    least_known: float
    methods: tuple[str, ...]
    clues: dict[str, Weight]

    def of(self, clues: dict[str, float]) -> tuple[float, float]:
        """The probability that a result is better than the photo, and the gain in dB that is to be expected."""
        steps = {name: weight_steps(weight, clues.get(name, math.nan)) for name, weight in self.clues.items()}
        gain = self.gain + sum(steps[name] * weight.gain for name, weight in self.clues.items())
        odds = self.chance + sum(steps[name] * weight.chance for name, weight in self.clues.items())
        return 1 / (1 + math.exp(-odds)), gain

    def against(self, clues: dict[str, float]) -> str:
        """The word for what speaks most against a result."""
        said = dict.fromkeys(REASONS, 0.0)
        for name, weight in self.clues.items():
            said[SPEAKS_FOR.get(name, "no_gain")] += weight_steps(weight, clues.get(name, math.nan)) * weight.chance
        return min(said, key=lambda word: said[word])


def weight_steps(weight: Weight, value: float) -> float:
    """How many scales a clue is from where it was fitted, at most FARTHEST; 0 where nothing is known."""
    if not math.isfinite(value):
        return 0.0
    return min(max((value - weight.mean) / weight.scale, -FARTHEST), FARTHEST)


@cache
def fitted(path: Path = WEIGHTS) -> Belief:
    """The weights that `benchmarks/fit_receipt.py` wrote."""
    told = tomllib.loads(path.read_text("utf-8"))
    weights = {name: Weight(**row) for name, row in told.pop("clues").items()}
    return Belief(clues=weights, methods=tuple(told.pop("methods")), **told)


@dataclass(frozen=True)
class Referee:
    """Says before and after whether a photo is to be restored.

    `belief`: what the clues weigh. `forced`: a kernel that the user gave is undone whatever speaks against it.
    """

    belief: Belief = field(default_factory=fitted)
    forced: bool = False

    def before(self, seen: Observed) -> Receipt | None:
        """Why a photo is left alone before anything is tried; None where it is not."""
        return None if seen.given is not None else nothing_to_do(seen)

    def after(
        self, seen: Observed, tried: Tried, *, method: str, confidence: float | None, known: bool, at_once: bool
    ) -> Receipt:
        """The receipt of what `method` made (its name does not count); `at_once`: a network that tells no blur."""
        del method
        evidence = tried.evidence
        if at_once and evidence.change_psnr > UNCHANGED:
            reason = "the network changed next to nothing: it sees no blur that it knows"
            return left_alone("unchanged", reason, sigma=seen.sigma)
        if not evidence.change or torch.equal(tried.picture, seen.pixels):
            return left_alone("unchanged", "removing the blur changes nothing here", sigma=seen.sigma)
        code, probability, gain = self._believed(seen, tried, confidence=confidence, known=known, at_once=at_once)
        believed = code == "restored"
        length = tried.blur.length_angle()[0]
        reason = f"a blur of {length:.0f} px was removed, and blurring the result again gives the photo"
        if not believed:
            turn = seen.find(better_turn, Run()) if known else None
            reason = (REASONS | GIVEN)[code].format(turn=turn) if known else REASONS[code]
        if forced := self.forced and known and not believed:
            code, reason = "forced", f"forced, against the receipt: {reason}"
        return Receipt(
            verdict="restored" if believed or forced else "refused",
            reason=reason,
            sigma=seen.sigma,
            reblur_psnr=evidence.reblur_psnr,
            change_psnr=evidence.change_psnr,
            kernel_length=length,
            ringing=evidence.ringing,
            code=code,
            probability_better=probability,
            expected_gain_db=gain,
            confidence=probability if believed or forced or probability is None else 1 - probability,
        )

    def _believed(
        self, seen: Observed, tried: Tried, *, confidence: float | None, known: bool, at_once: bool
    ) -> tuple[str, float | None, float | None]:
        """The word for what is to be done, the probability of a gain, and the gain in dB; None where nothing is known.

        Limits come first, for what is stranger than all that the belief was fitted on. Of networks that restore without
        a blur nothing more is known, and of photos without edges no number is told: none was fitted on.
        """
        broken = beyond_limits(tried.evidence, seen.sigma, tried.blur.length_angle()[0])
        if known and seen.find(better_turn, Run()):
            broken = "turned"
        if broken or at_once:
            return broken or "restored", None, None
        belief, found = self.belief, clues(seen, tried, confidence=confidence)
        probability, gain = belief.of(found)
        enough = probability >= (belief.least_known if known else belief.least) and gain > 0
        code = "restored" if enough else belief.against(found)
        return (code, None, None) if math.isinf(seen.sharpness) else (code, probability, gain)


def beyond_limits(evidence: Evidence, sigma: float, length: float) -> str:
    """The word for what shows that a kernel of that length is wrong, with no need for more clues; empty for nothing."""
    before, after = evidence.sparsities
    if not evidence.rest <= min(max(RESIDUAL_FLOOR, RESIDUAL_PER_SIGMA * sigma), RESIDUAL_CEILING):  # nor for NaN
        return "unexplained"
    if after > before and length > GHOSTLESS:
        return "ghosts"
    return "rings" if evidence.ringing > WORST_RINGING else ""


def nothing_to_do(seen: Observed) -> Receipt | None:
    """Why a photo needs no restoring, or tells too little; None where it is blurred all over."""
    sharpness, box = seen.sharpness, seen.parts.box
    sure = min(1.0, abs(sharpness - SHARP) / (SHARP / 2)) if math.isfinite(sharpness) else 0.0
    if min(seen.size) <= SMALLEST:
        code, reason = "too_small", f"the photo is too small to judge by: fewer than {SMALLEST + 1} px a side"
    elif math.isinf(sharpness):
        code, reason = "nothing_to_judge_by", "the photo has no edges to judge by"
    elif box is not None:
        left, top, right, bottom = box
        place = f"from {left} to {right} % across and {top} to {bottom} % down"
        code, reason = "part_blurred", f"a part of the photo is blurred, {place}, and the rest is sharp"
    elif seen.parts.subject:
        code, reason = "sharp", "the photo's subject is sharp, before a background that is not"
    elif sharpness >= SHARP and not seen.parts.nowhere_sharp:
        code, reason = "sharp", "the photo is sharp: its edges are as narrow as pixels allow"
    else:
        return None
    return replace(left_alone(code, reason, sigma=seen.sigma), confidence=sure)


def left_alone(code: str, reason: str, *, sigma: float) -> Receipt:
    """The receipt of a photo in which there was nothing to do: its pixels stay as they are."""
    return Receipt("left alone", reason, sigma, math.inf, math.inf, kernel_length=1.0, ringing=0.0, code=code)


def labelled(receipt: Receipt, label: str) -> Receipt:
    """The receipt of a picture that is what a `label` says, so that clues tell no number of it; "": as it is."""
    if not label:
        return receipt
    said = replace(receipt, reason=f"{receipt.reason}; {label}")
    return replace(said, confidence=None, probability_better=None, expected_gain_db=None)


def clues(seen: Observed, tried: Tried, *, confidence: float | None) -> dict[str, float]:
    """What speaks for or against a result, by name; NaN where nothing is known. Lengths and ratios as logarithms."""
    evidence, kernel = tried.evidence, tried.blur.kernel.detach().cpu()
    noise, rest = max(seen.sigma, LEAST_NOISE), evidence.rest
    before, after = evidence.sparsities
    length, sharpness = tried.blur.length_angle()[0], seen.sharpness
    misfit = _log(narrowest(kernel) / sharpness if math.isfinite(sharpness) else math.nan)
    result = _sharpness_of(seen, tried.picture)
    return {
        "noise": _log(noise),
        "rest": _log(rest / noise),
        "worst": _log(evidence.worst(0.05)),
        "uneven": _log(evidence.worst(0.05) / evidence.worst(0.5)),
        "at_edges": _log(evidence.rest_at_edges),
        "change": _log(evidence.changed / noise),
        "change_of_rest": _log(evidence.changed / max(rest, LEAST)),
        "sparsity": _log(after / max(before, LEAST)),
        "sparsity_after": _log(after),
        "steeper": _log(evidence.steeper),
        "ringing": evidence.ringing,
        "rougher": min(max(_log(evidence.rougher), -2.0), 2.0),
        "length": _log(length),
        "length_share": _log(length / min(seen.size)),
        "spread": _log(spread(kernel) / length),
        "peak": float(kernel.max()),
        "haze": float(kernel[kernel < FAINT * kernel.max()].sum()),
        "sharpness": _log(sharpness),
        "edges_misfit": abs(misfit),
        "edges_wider": misfit,
        "sharpness_after": _log(result),
        "too_sharp": max(result - 0.5, 0.0) if math.isfinite(result) else math.nan,
        "agreement": math.nan if confidence is None else math.log(max(1.02 - confidence, 0.01)),
    }


def spread(kernel: Kernel) -> float:
    """How many px a kernel (1 1 k k) covers: the exponential of its entropy. A thin path covers about its length."""
    light = kernel[kernel > 0].double()
    return math.exp(-float((light * light.log()).sum()))


def _sharpness_of(seen: Observed, picture: Tensor) -> float:
    """How sharp the result's edges are, where the photo has most of them."""
    area = seen.window(LOOKED_AT, light=False)
    return min(seen.sharpnesses_of(as_float(area.cut(picture)) * seen.gain, area))


def _log(value: float) -> float:
    """The logarithm, within what is met in photos; NaN stays, and of what is infinite nothing is known."""
    return min(max(math.log(max(value, LEAST)), -MOST_LOG), MOST_LOG) if math.isfinite(value) else math.nan
