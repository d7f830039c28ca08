"""How well are the 48 really shaken photos of Köhler et al. 2012 deblurred? Protocol `kohler`.

4 printouts, each photographed while a robot played back 12 recorded shakes; along every trajectory about 199 sharp
frames (198 to 200) were recorded, and any of them is a right answer. Layout of the download (names and numbers as
deepinv's `Kohler` lists them; BlurryImages.zip and GroundTruth_pngs_Image1.zip to 4, unpacked into one folder):

    Blurry1_1.png ... Blurry4_12.png                            printout, trajectory
    Image1/Kernel1/GroundTruth1_1_1.png ... GroundTruth4_12_198.png    and frame

Only the names matter, not the folders. One middle frame for each photo will do (GroundTruth1_1_100.png), but scores a
little less.

The score is as described in Köhler et al. 2012: one factor on the intensities and one translation, both by least
squares, then PSNR, and the best over the frames of the trajectory. It was written anew here, since the authors' MATLAB
script was not available; PROTOCOL says what was chosen where that leaves anything open, and MSSIM is the mean SSIM of
Wang et al. 2004. Hence PSNR may differ from the script's by tenths of a dB. There is no true kernel: the shake has six
dimensions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from blurspace.bench.fit import Fit, Movable, find_named, fit, fitted, movable
from blurspace.bench.methods import BLURRY, build, restore
from blurspace.bench.published import KOHLER, SKIPPED
from blurspace.bench.result import Progress, Row, blurry_summary, each_of, grouped, no_progress, reduced
from blurspace.bench.tables import methods_table
from blurspace.catalog import deblurrers
from blurspace.errors import NoInputError
from blurspace.io.images import read_photo
from blurspace.metrics import ssim
from blurspace.pixels import inner
from blurspace.restore.deblurrer import Deblurrer

# Our choices: about half of the longest shake, since a kernel's own centre may lie anywhere on the path, and as many px
# cut off. SSIM takes 3 s a frame, and neighbouring frames differ little: only the likeliest are asked.
MAX_SHIFT, SSIM_FRAMES = 30, 5
PHOTOS = 48
BIG = (8, 9, 10)  # Kaufman and Fattal 2020, section 4: bigger than their kernels
PROTOCOL = (
    "kohler 1: as described in Köhler et al. 2012, implemented anew; colour; kernel size not told; restored rounded to "
    f"8 bits; against each frame: shift searched in +-{MAX_SHIFT} px by 0.25 px, bilinear, and one factor on all "
    f"intensities, least SSD over all colours, {MAX_SHIFT} px cut off each side, not clamped; PSNR: the best over all "
    f"frames; SSIM: Gaussian, mean over colours, the best over the {SSIM_FRAMES} frames of the best PSNR; a picture "
    "not restored counts as its input; gain over the input scored the same way; seconds of the deblurrer alone, after "
    "one warm-up picture"
)
METHODS = (BLURRY, *deblurrers())
PUBLISHED = KOHLER
table = methods_table


@dataclass(frozen=True)
class Shot:
    """One photo and the sharp frames of its trajectory, by number: all files."""

    printout: int
    trajectory: int
    blurry: Path
    frames: Mapping[int, Path]


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Measure one method on the photos below the folder `data`, all or the first `limit`."""
    shots = find(data)[:limit]
    deblurrer = build(method)
    restore(deblurrer, read_photo(shots[0].blurry).pixels)  # warm-up: the first call plans FFTs and starts threads
    return [measure(shot, deblurrer) for shot in progress(shots, total=len(shots), what="kohler")]


def find(data: Path) -> list[Shot]:
    """All photos with their frames, by printout and trajectory. Raises NoInputError where any is missing."""
    photos = find_named(data, r"Blurry(\d+)_(\d+)\.png")
    if not photos:
        raise NoInputError(f"{data} holds no Blurry1_1.png: give --data the folder with Köhler's unpacked archives")
    frames: dict[tuple[int | str, ...], dict[int, Path]] = {key: {} for key in photos}
    for key, path in find_named(data, r"GroundTruth(\d+)_(\d+)_(\d+)\.png").items():
        frames.setdefault(key[:2], {})[int(key[2])] = path
    for (printout, trajectory), path in photos.items():
        if not frames[printout, trajectory]:
            raise NoInputError(
                f"{path.name} has no sharp frame GroundTruth{printout}_{trajectory}_*.png below {data}: unpack "
                f"GroundTruth_pngs_Image{printout}.zip there"
            )
    return [Shot(int(key[0]), int(key[1]), path, frames[key]) for key, path in photos.items()]


def measure(shot: Shot, deblurrer: Deblurrer | None) -> Row:
    """One row: the score on one photo, and the gain over the photo itself."""
    blurry = read_photo(shot.blurry).pixels
    outcome = restore(deblurrer, blurry)
    pictures = [outcome.restored] if outcome.restored is blurry else [outcome.restored, blurry]
    moving = [movable(picture, max_shift=MAX_SHIFT) for picture in pictures]
    ranked = rank(moving, shot.frames)
    (number, best), (_, before) = ranked[0][0], ranked[-1][0]
    return {
        "picture": shot.printout,
        "trajectory": shot.trajectory,
        "psnr": round(best.psnr, 4),
        "ssim": round(best_ssim(moving[0], ranked[0][:SSIM_FRAMES], shot.frames), 4),
        "blurry_psnr": round(before.psnr, 4),
        "gain_db": round(best.psnr - before.psnr, 4),
        "frame": number,
        "frames": len(shot.frames),
        "scale": round(best.scale, 4),
        "seconds": outcome.seconds,
        "verdict": outcome.verdict,
        "kernel_px": outcome.kernel_px,
    }


def rank(moving: Sequence[Movable], frames: Mapping[int, Path]) -> list[list[tuple[int, Fit]]]:
    """For each picture all frames' numbers and fits, the best PSNR first. Each frame is read once."""
    found: list[list[tuple[int, Fit]]] = [[] for _ in moving]
    for number, path in frames.items():
        sharp = read_photo(path).pixels
        for picture, fits in zip(moving, found, strict=True):
            fits.append((number, fit(picture, sharp)))
    return [sorted(fits, key=lambda one: -one[1].psnr) for fits in found]


def best_ssim(picture: Movable, candidates: Sequence[tuple[int, Fit]], frames: Mapping[int, Path]) -> float:
    """The best SSIM over some frames, each at its fit."""
    sharps = ((inner(read_photo(frames[number]).pixels, MAX_SHIFT), found) for number, found in candidates)
    return max(float(ssim(fitted(picture, found), sharp)) for sharp, found in sharps)


def summary(rows: Sequence[Row]) -> Row:
    """Adds means without the biggest trajectories, and one line per trajectory.

    `n` of `of`: means over fewer photos than the 48 cannot be compared with the table. `least_frames`: the fewest
    frames that a photo was compared with; with one each, the score is lower than the published way.
    """
    small = [row for row in rows if row["trajectory"] not in BIG]
    more = {
        "of": PHOTOS,
        f"mean_psnr_{SKIPPED}": reduced(fmean, small, "psnr"),
        f"mean_ssim_{SKIPPED}": reduced(fmean, small, "ssim"),
        "least_frames": min(row["frames"] for row in rows),
    }
    return {**blurry_summary(rows, more), "trajectories": grouped(rows, each_of(rows, "trajectory"))}
