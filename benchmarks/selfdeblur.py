"""How far does a search come that knows nothing but one photo: SelfDeblur (Ren et al. 2020) in our solver, on Levin?

    python benchmarks/selfdeblur.py LEVIN

Writes selfdeblur.csv: of each picture of Levin's under one of the eight kernels, the PSNR of a deep image prior and a
kernel of softmax that both begin with random weights (the kernel's size is told, as published), and of free pixels and
the same kernel that begins with the one that our own search found. What is found counts, whatever a receipt says.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from run import HERE, write

from blurspace.bench.levin import CROP, MAX_SHIFT, LevinPair, load
from blurspace.bench.methods import shifted_psnr
from blurspace.bench.tran2021_search import one_kernel
from blurspace.chance import chance, seeded
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.search.blurs import SimplexKernel
from blurspace.search.objective import Objective
from blurspace.search.operators import Convolution
from blurspace.search.pictures import DeepImagePrior
from blurspace.search.solver import Joint, Problem
from blurspace.types import Image

SEED = 0
HOW = {"max_shift": MAX_SHIFT, "crop": CROP}  # as protocol `levin` scores
# Ren et al. 2020, section 4: the rates, halved three times; of their 5000 steps as many as there is time for here.
STEPS = Joint(1500, picture_rate=0.01, blur_rate=1e-4, last_rate=0.125)
NOTE = f"one search each; {STEPS.steps} steps of 5000, a smaller network than the published"


def main() -> None:
    """Measure, print and write a row for each of the eight kernels, every picture twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("levin", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS.steps, help="for a trial")
    asked = parser.parse_args()
    pairs, steps = load(asked.levin), replace(STEPS, steps=asked.steps)
    rows = [measure(pair, steps) for pair in (*pairs[::9], *pairs[4::9])]
    command = "python benchmarks/selfdeblur.py levin2009"
    write(rows, HERE / "selfdeblur.csv", command=command, data="levin2009", seed=str(SEED), note=NOTE)


def measure(pair: LevinPair, steps: Joint) -> dict[str, object]:
    """One row, and it is printed."""
    begun = time.perf_counter()
    pictures = {"nothing": from_nothing(pair, steps), "kernel": one_kernel(Observed(pair.blurry))}
    row: dict[str, object] = {
        "picture": pair.picture,
        "kernel": pair.shake,
        "blurry_psnr": shifted_psnr(pair.blurry, pair.sharp, **HOW),
    }
    row |= {f"from_{name}_psnr": shifted_psnr(one, pair.sharp, **HOW) for name, one in pictures.items()}
    row["seconds"] = round(time.perf_counter() - begun, 1)
    print(row, flush=True)
    return row


def from_nothing(pair: LevinPair, steps: Joint) -> Image:
    """The picture that is found with a kernel of the true size, from random weights."""
    size = pair.blurry.shape[-2], pair.blurry.shape[-1]
    with seeded(SEED):
        picture = DeepImagePrior(size, channels=1, generator=chance(SEED, 0))
        kernel = SimplexKernel(pair.kernel.shape[-1], generator=chance(SEED, 1))
    problem = Problem(pair.blurry, Convolution(), Objective(norm=0.0, gradients=0.0))
    return steps(problem, picture, lambda _: kernel, Run()).picture


if __name__ == "__main__":
    main()
