"""Does a space know blurs it has never seen? Protocol `tran2021-retrieval`: the paper's table 3, two by two, twice.

Tran et al. 2021, section 4.2.2: a space trained on one domain explains pairs of the same or the other one, its code
searched with the space frozen (step B); how near what it makes is to the blurry picture. Our domains: two made cameras
(`blur.cameras.CAMERAS`, synthetic), and GoPro and REDS at half size. Of REDS there is one clip only, so its same-domain
figure is of the clip that it was trained on, an upper bound; of GoPro the test scenes are others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from blurspace.bench.result import Progress, Row, no_progress
from blurspace.bench.spaces import all_pairs, best_uniform_psnr, halved, rounded_psnr, trained_space
from blurspace.bench.tables import rows_table
from blurspace.blur.cameras import CAMERAS
from blurspace.chance import chance
from blurspace.codes import retrieve
from blurspace.data.crops import SharpPhotos
from blurspace.data.pairs import spaced_pairs
from blurspace.data.sources import Source, from_pairs, from_scenes
from blurspace.nets.kernel_space import EXPONENTS, BasisSpace
from blurspace.types import Pair

SEED, STEPS, COUNT, SIDE = 2021, 40, 48, 33
# Of scenes the pairs to test on and their side; of frames as many, whole.
TRAIN_CROP, SCENE_SIDE, SCENES, FRAMES, RETRIEVAL_STEPS = 160, 320, 4, 6, 30
GROUPS = (("hand", "wheel"), ("gopro half", "reds half"))
SAME_CLIP = ("reds half", "reds half")
# (trained on, tested on) -> dB in table 3, which has whole GoPro and REDS at full size.
PAPER = {
    ("reds half", "reds half"): 34.35,
    ("reds half", "gopro half"): 30.67,
    ("gopro half", "reds half"): 31.38,
    ("gopro half", "gopro half"): 35.13,
}
PROTOCOL = (
    f"tran2021-retrieval 2: table 3; domains {GROUPS}; {COUNT} filters of {SIDE} px, {STEPS} steps on crops of "
    f"{TRAIN_CROP} px, seed {SEED}; made cameras: trained on train/photos, tested on {SCENES} scenes of {SCENE_SIDE} "
    f"px of test/kodak24; GoPro: trained on train/gopro_half, tested on test/gopro averaged 2 x 2; REDS: "
    f"train/reds_half for both; {FRAMES} whole pairs, evenly spaced; codes searched {RETRIEVAL_STEPS} steps of Adam "
    f"from the extracted ones; uniform = the least-squares kernel of {SIDE} px for the whole pair in the best of the "
    f"lights {EXPONENTS}; "
    "PSNR over all colours, both rounded to 8 bits, mean"
)


@dataclass(frozen=True)
class Domain:
    """Where pairs to train on are drawn from, the pairs to test on, and dB of the best uniform kernel of each."""

    draw: Source
    pairs: list[Pair]
    uniform: list[float]


def run(data: Path, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Train four spaces and measure each on two domains; `limit`: so many pairs of each. `data`: as `PROTOCOL` says."""
    domains = {name: _domain(data, name, limit) for group in GROUPS for name in group}
    rows: list[Row] = []
    for name in progress(list(domains), total=len(domains), what="domains"):
        space = trained_space(domains[name].draw, count=COUNT, side=SIDE, steps=STEPS, seed=SEED)
        group = next(group for group in GROUPS if name in group)
        rows += [measure(name, other, space, domains[other]) for other in group]
    return rows


def measure(trained_on: str, tested_on: str, space: BasisSpace, domain: Domain) -> Row:
    """One cell of the table."""
    found = [_one(pair, space, uniform) for pair, uniform in zip(domain.pairs, domain.uniform, strict=True)]
    return {
        "trained_on": trained_on,
        "tested_on": tested_on,
        "pairs": len(found),
        "paper_psnr": PAPER.get((trained_on, tested_on)),
        **{name: round(fmean(one[name] for one in found), 4) for name in found[0]},
        "note": "same clip" if (trained_on, tested_on) == SAME_CLIP else None,
    }


def summary(rows: Sequence[Row]) -> Row:
    """Adds what crossing costs: dB below the space trained on the domain itself."""
    same = {row["tested_on"]: row["psnr"] for row in rows if row["trained_on"] == row["tested_on"]}
    crossed = [same[row["tested_on"]] - row["psnr"] for row in rows if row["trained_on"] != row["tested_on"]]
    return {
        "most_lost_across_domains": round(max(crossed), 4),
        "least_gain_over_uniform": round(min(row["psnr"] - row["uniform_psnr"] for row in rows), 4),
    }


table = rows_table(
    *("trained_on", "tested_on", "sharp_psnr", "uniform_psnr", "extracted_psnr", "psnr", "paper_psnr", "note"),
    uniform_psnr="best uniform kernel, dB",
    extracted_psnr="extracted, dB",
    psnr="searched, dB",
)


def _one(pair: Pair, space: BasisSpace, uniform: float) -> dict[str, float]:
    codes = {
        "psnr": retrieve(space, pair, steps=RETRIEVAL_STEPS),
        "extracted_psnr": space.extract(pair.sharp, pair.blurry),
    }
    return {
        **{name: rounded_psnr(space.reblur(pair.sharp, code), pair.blurry) for name, code in codes.items()},
        "uniform_psnr": uniform,
        "sharp_psnr": rounded_psnr(pair.sharp, pair.blurry),
    }


def _domain(data: Path, name: str, limit: int | None) -> Domain:
    if name in CAMERAS:
        draw = from_scenes(SharpPhotos(data / "train/photos"), CAMERAS[name], side=TRAIN_CROP)
        held_out = from_scenes(SharpPhotos(data / "test/kodak24"), CAMERAS[name], side=SCENE_SIDE)
        tests = [held_out(chance(SEED, index), 1) for index in range(SCENES)]
    else:
        training = data / "train" / name.replace(" ", "_")
        draw = from_pairs(all_pairs(training).pairs, side=TRAIN_CROP)
        tests = spaced_pairs(training if name == "reds half" else data / "test/gopro", FRAMES)
        tests = [halved(pair) for pair in tests] if name == "gopro half" else tests
    uniform = [best_uniform_psnr(pair, exponents=EXPONENTS, side=SIDE) for pair in tests[:limit]]
    return Domain(draw, tests[:limit], uniform)
