"""Is our NIQE that of its authors? `python benchmarks/niqe_check.py PHOTOS LIVE.npz [PYTHON]` writes niqe-check.csv.

Each photo, grey, in 8 bits, sharp and damaged, is scored with our features under the parameters of the authors' release
at LIVE (research only: not in this repository) as `niqe_live`, and under our own model as `niqe_ours`.

PYTHON, an interpreter that has scikit-video 1.1.11 (BSD), adds an independent oracle under the parameters of LIVE.
It differs from the release in ways that are known (its issue 116): its own parameters, zeros beyond the frame, half
size by a function that scipy dropped, and the left scale twice for both diagonals. The first three are mended from
outside; the fourth is done to ours instead, as `live_fault`, which shall equal `oracle`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from scipy.stats import spearmanr

import blurspace
from blurspace.bench.result import BenchResult
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import delta, disk, gaussian, line
from blurspace.io.images import find_photos, read_photo
from blurspace.io.weights import read_weights
from blurspace.levels import to_levels
from blurspace.niqe import Naturalness, distance, features
from blurspace.pixels import luminance
from blurspace.types import Image

HERE = Path(__file__).parent
WEIGHTS = Path(blurspace.__file__).parent / "weights" / "niqe.safetensors"
# name: (kernel, sigma of the noise added)
VARIANTS = {
    "sharp": (delta(), 0.0),
    "gaussian, sigma 1": (gaussian(1.0), 0.0),
    "gaussian, sigma 2": (gaussian(2.0), 0.0),
    "disk, radius 4": (disk(4.0), 0.0),
    "line, 15 px": (line(15, 35.0), 0.0),
    "noise 0.02": (delta(), 0.02),
    "noise 0.05": (delta(), 0.05),
}
LEFT, RIGHT = [12, 16, 30, 34], [13, 17, 31, 35]  # the scales of both diagonals, at full and half size
ORACLE = """
import sys, warnings
warnings.simplefilter("ignore")
import numpy as np
np.float, np.int = float, int
import scipy.io, scipy.misc
from PIL import Image
import skvideo.measure
theirs = sys.modules["skvideo.measure.niqe"]
live = np.load(sys.argv[1])
scipy.io.loadmat = lambda *_: {"pop_mu": live["mu_pris_param"], "pop_cov": live["cov_pris_param"]}
scipy.misc.imresize = lambda picture, part, interp, mode: np.asarray(
    Image.fromarray(picture).resize([round(part * length) for length in picture.shape[::-1]], Image.BICUBIC))
normalised = theirs.compute_image_mscn_transform
theirs.compute_image_mscn_transform = lambda picture: normalised(picture, extend_mode="nearest")
for picture in np.load(sys.argv[2]).values():
    print(theirs.niqe(picture[None, :, :, None].astype(np.float32))[0])
"""


def main() -> None:
    """Score all, print how far the columns agree, and write them."""
    live, ours = live_model(sys.argv[2]), own_model()
    rows, pictures = [], {}
    for path in find_photos([sys.argv[1]]):
        for variant, picture in variants(path).items():
            rows.append({"picture": path.name, "variant": variant, **scores(picture, live, ours)})
            pictures[f"{path.name} {variant}"] = to_levels(picture[0, 0]).numpy()
    if len(sys.argv) > 3:
        found = ask_oracle(sys.argv[3], pictures)
        rows = [{**row, "oracle": round(score, 4)} for row, score in zip(rows, found, strict=True)]
    (HERE / "niqe-check.csv").write_text(BenchResult(rows, summarise(rows)).csv(), encoding="utf-8")


def live_model(path: str) -> Naturalness:
    """The parameters of the release."""
    stored = np.load(path)
    return Naturalness(torch.from_numpy(stored["mu_pris_param"][0]), torch.from_numpy(stored["cov_pris_param"]))


def own_model() -> Naturalness:
    """The parameters of the package."""
    tensors, _ = read_weights(WEIGHTS)
    return Naturalness(tensors["naturalness.mean"], tensors["naturalness.covariance"])


def variants(path: Path) -> dict[str, Image]:
    """The grey photo, and damaged versions of it, rounded to 8 bits."""
    grey = luminance(read_photo(path).pixels)
    generator = torch.Generator().manual_seed(0)
    return {
        name: photograph(grey, kernel, response="linear", sigma=sigma, round8=True, generator=generator)
        for name, (kernel, sigma) in VARIANTS.items()
    }


def scores(picture: Image, live: Naturalness, ours: Naturalness) -> dict[str, float]:
    """The columns that are ours."""
    rows = features(picture)
    faulty = rows.clone()
    faulty[:, RIGHT] = rows[:, LEFT]
    found = {"niqe_live": (rows, live), "niqe_ours": (rows, ours), "live_fault": (faulty, live)}
    return {name: round(distance(*given), 4) for name, given in found.items()}


def ask_oracle(python: str, pictures: dict[str, np.ndarray]) -> list[float]:
    """The scores of scikit-video, mended, under the parameters of LIVE."""
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/pictures.npz", allow_pickle=False, **pictures)
        command = [python, "-c", ORACLE, str(Path(sys.argv[2]).resolve()), f"{folder}/pictures.npz"]
        told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    return [float(line) for line in told.stdout.split()]


def summarise(rows: list[dict]) -> dict[str, float]:
    """Means, correlations and the distance from the oracle; print them per variant."""
    for variant in VARIANTS:
        chosen = [row for row in rows if row["variant"] == variant]
        live, ours = ([row[name] for row in chosen] for name in ("niqe_live", "niqe_ours"))
        rank = spearmanr(live, ours).statistic
        print(f"{variant}: LIVE {fmean(live):.2f}, ours {fmean(ours):.2f}, rank correlation {rank:.3f}")
    live, ours = ([row[name] for row in rows] for name in ("niqe_live", "niqe_ours"))
    found = {"rank_correlation": spearmanr(live, ours).statistic, "ours_less_live": fmean(ours) - fmean(live)}
    if "oracle" in rows[0]:
        gaps = [abs(row["oracle"] - row["live_fault"]) for row in rows]
        found |= {"oracle_gap": fmean(gaps), "greatest_oracle_gap": max(gaps)}
    print(found)
    return {name: round(float(value), 4) for name, value in found.items()}


if __name__ == "__main__":
    main()
