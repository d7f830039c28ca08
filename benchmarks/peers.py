"""How good and how fast are other libraries' deconvolutions beside ours, on the same photos, in one run?

    python benchmarks/peers.py kodak24 [--photos 6] [--out FILE]

Writes peers.csv, a row for each peer and kernel. Photos and shakes are those of protocol `synthetic`, and so is the
score. Kernel `true`: every one is told it. Kernel `found`: every one is given what method `classical` finds, and keeps
what it makes of it. Kernel `none`: blind, which is what most people are: ours finds it in those seconds, sharpening
needs none. Peers get the photo with its edges reflected, since they take it to go on at the other side, and run as
their own examples do; a Wiener filter is told the noise. What is not installed (`pip install ".[peers]"`) is
left out.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from statistics import fmean, median

import cv2
import numpy as np
import PIL.Image
import PIL.ImageFilter
import torch
from run import HERE, write
from torch.nn import functional

from blurspace.bench.methods import STORED, Outcome, build, restore, scored
from blurspace.bench.result import Row
from blurspace.bench.synthetic import CROP, MAX_SHIFT, SEED, Recipe, draw, make_pair
from blurspace.builders import build_deblurrer
from blurspace.io.images import find_photos, read_photo
from blurspace.levels import to_8_bits, to_levels
from blurspace.pixels import inner
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.deconvolve import strength_for
from blurspace.restore.driver import Restoration
from blurspace.types import Image, Kernel, Pair

RICHARDSON_LUCY = (10, 30)  # steps: few amplify little noise
# Of deepinv: steps, those of its total variation in each, and how far one goes: of 2, 10 and 50 the best on a picture.
STEPS, INNER, STEP = 50, 10, 10.0
Peer = Callable[[Image, Kernel, float], Image]  # photo, kernel, standard deviation of the noise -> sharp picture


def richardson_lucy(steps: int) -> Peer:
    """scikit-image's, colour by colour."""

    def peer(blurry: Image, kernel: Kernel, _: float) -> Image:
        from skimage.restoration import richardson_lucy

        return by_colour(blurry, lambda plane: richardson_lucy(plane, kernel[0, 0].numpy(), num_iter=steps))

    return peer


def unsupervised_wiener(blurry: Image, kernel: Kernel, _: float) -> Image:
    """scikit-image's, colour by colour; it finds the noise itself."""
    from skimage.restoration import unsupervised_wiener

    return by_colour(blurry, lambda plane: unsupervised_wiener(plane, kernel[0, 0].numpy(), rng=SEED)[0])


def opencv_wiener(blurry: Image, kernel: Kernel, sigma: float) -> Image:
    """The Wiener filter of OpenCV's tutorial on deblurring, by cv2.dft: OpenCV has no deconvolution of its own."""
    height, width = blurry.shape[-2:]
    side = kernel.shape[-1]
    centred = np.zeros((height, width), np.float32)
    centred[:side, :side] = kernel[0, 0].numpy()
    transfer = cv2.dft(np.roll(centred, (-(side // 2), -(side // 2)), (0, 1)), flags=cv2.DFT_COMPLEX_OUTPUT)
    power = (transfer**2).sum(-1, keepdims=True)

    def undo(plane: np.ndarray) -> np.ndarray:
        spectrum = cv2.dft(plane, flags=cv2.DFT_COMPLEX_OUTPUT)
        undone = cv2.mulSpectrums(spectrum, transfer, 0, conjB=True) / (power + sigma**2 / plane.var())
        return cv2.idft(undone, flags=cv2.DFT_REAL_OUTPUT | cv2.DFT_SCALE)

    return by_colour(blurry, undo)


def deepinv(blurry: Image, kernel: Kernel, sigma: float) -> Image:
    """deepinv's ADMM with total variation, as strong as ours: the same sum is minimised."""
    from deepinv.optim import ADMM, L2, TVPrior
    from deepinv.physics import BlurFFT

    physics = BlurFFT(img_size=tuple(blurry.shape[1:]), filter=kernel)
    how = {"lambda_reg": strength_for(sigma), "stepsize": STEP, "max_iter": STEPS}
    return ADMM(data_fidelity=L2(), prior=TVPrior(n_it_max=INNER), **how)(blurry, physics).detach()


def pillow_unsharp(blurry: Image, _kernel: Kernel, _sigma: float) -> Image:
    """Pillow's unsharp mask with its own settings."""
    photo = PIL.Image.fromarray(to_levels(blurry)[0].movedim(0, -1).contiguous().numpy())
    sharpened = np.asarray(photo.filter(PIL.ImageFilter.UnsharpMask()))
    return torch.from_numpy(sharpened.copy()).movedim(-1, 0)[None] / 255


def skimage_unsharp(blurry: Image, _kernel: Kernel, _sigma: float) -> Image:
    """scikit-image's unsharp mask with its own settings."""
    from skimage.filters import unsharp_mask

    return by_colour(blurry, unsharp_mask)


def by_colour(blurry: Image, undo: Callable[[np.ndarray], np.ndarray]) -> Image:
    """What is made of each colour's plane."""
    return torch.from_numpy(np.stack([undo(plane) for plane in blurry[0].numpy()]).astype(np.float32))[None]


# What it is -> the package that it needs, whether it needs a kernel, and how it is called.
PEERS: dict[str, tuple[str, bool, Peer]] = {
    **{
        f"scikit-image: Richardson-Lucy, {steps} steps": ("scikit-image", True, richardson_lucy(steps))
        for steps in RICHARDSON_LUCY
    },
    "scikit-image: unsupervised Wiener": ("scikit-image", True, unsupervised_wiener),
    "OpenCV: Wiener by cv2.dft, as in its tutorial": ("opencv-python-headless", True, opencv_wiener),
    "deepinv: ADMM, total variation": ("deepinv", True, deepinv),
    "Pillow: unsharp mask": ("pillow", False, pillow_unsharp),
    "scikit-image: unsharp mask": ("scikit-image", False, skimage_unsharp),
}
OURS = ("classical", "learned")


def main() -> None:
    """Measure, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=6)
    parser.add_argument("--out", type=Path, default=HERE / "peers.csv")
    asked = parser.parse_args()
    cases = []
    for path in find_photos([asked.data])[: asked.photos]:
        recipe = draw(path.name)
        cases.append(Case(make_pair(read_photo(path).pixels, recipe), recipe))
    rows = list[Row]()
    for row in chain(ours(cases), others(cases)):
        rows.append(row)
        print(row, flush=True)
    command = f"python benchmarks/peers.py {asked.data.name} --photos {asked.photos}"
    note = "photos and shakes of protocol synthetic; all in one run; seconds of the call alone"
    write(rows, asked.out, command=command, data=asked.data.name, seed=SEED, note=note)


@dataclass
class Case:
    """A pair, how it was made, and the kernel that was found in its blurry picture; None before, or where none was."""

    pair: Pair
    recipe: Recipe
    found: Kernel | None = None


def ours(cases: Sequence[Case]) -> Iterator[Row]:
    """Each of our methods blind, and told the kernel; notes what the first of them finds."""
    for method in OURS:
        told = [blind(build(method), case) for case in cases]
        yield summed(f"blurspace: {method}", "blurspace", "none", cases, told)
        known = [build_deblurrer(method, kernel=case.recipe.kernel, response=STORED) for case in cases]
        told = [restore(one, case.pair.blurry) for one, case in zip(known, cases, strict=True)]
        yield summed(f"blurspace: {method}", "blurspace", "true", cases, told)


def blind(deblurrer: Deblurrer, case: Case) -> Outcome:
    """What a deblurrer makes of a photo; notes the kernel in the case."""

    def noting(blurry: Image) -> Restoration:
        result = deblurrer(blurry)
        case.found = result.kernel if case.found is None else case.found
        return result

    return restore(noting, case.pair.blurry)


def others(cases: Sequence[Case]) -> Iterator[Row]:
    """Each peer that is installed, with each kernel."""
    for name, (package, needs_kernel, peer) in PEERS.items():
        if installed(package) is None:
            print(f"{name}: left out, {package} is not installed")
            continue
        for kernel in ("true", "found") if needs_kernel else ("none",):
            told = []
            for case in cases:
                given = case.recipe.kernel if kernel == "true" else case.found
                told.append(undone(peer, case, given) if given is not None else restore(None, case.pair.blurry))
            yield summed(name, package, kernel, cases, told)


def undone(peer: Peer, case: Case, kernel: Kernel) -> Outcome:
    """What a peer makes of a photo whose edges are reflected, rounded to 8 bits."""
    margin = kernel.shape[-1]
    start = time.perf_counter()
    padded = functional.pad(case.pair.blurry, (margin,) * 4, mode="reflect")
    restored = to_8_bits(inner(peer(padded, kernel, case.recipe.sigma), margin).clamp(0, 1))
    return Outcome(restored, restored, time.perf_counter() - start)


def summed(name: str, package: str, kernel: str, cases: Sequence[Case], told: Sequence[Outcome]) -> Row:
    """A row: means over the photos."""
    rows = [scored(one, case.pair, max_shift=MAX_SHIFT, crop=CROP) for one, case in zip(told, cases, strict=True)]
    return {
        "what": name,
        "version": installed(package),
        "kernel": kernel,
        "photos": len(rows),
        **{column: round(fmean(row[column] for row in rows), 3) for column in ("psnr", "ssim", "gain_db")},
        "worst_gain_db": round(min(row["gain_db"] for row in rows), 3),
        "seconds": round(median(row["seconds"] for row in rows), 3),
    }


def installed(package: str) -> str | None:
    """The version of a package; None where it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
