"""Do our features see what is there, whatever its blur? `python benchmarks/features_check.py PHOTOS [WEIGHTS]`.

Writes features-check.csv, from all crops of 96 px of photos that training never saw. Perceptual distances
(`blurspace.losses.perceptual`) from each crop to itself blurred by a line of 9 px (`blurred`), to itself moved by 8 px
(`moved`), and to a crop of the photo before (`other`). `matched`: the share of crops, blurred and moved at once, that
are nearer to their own sharp crop than to all others of all photos, by the cosine of the last map's means; and
`matched_grey`, where all crops are grey, of the same mean and contrast, so that no colour can tell; `matched_mirrored`,
where the blurred and moved crops are mirrored too, and have 0.6 of the contrast. Each is measured
with all stages ("ours") and with the last one ("ours, last"), and as yardsticks with the pixels ("pixels") and with the
network untrained ("untrained").
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

import blurspace
from blurspace.bench.result import BenchResult
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import build_features
from blurspace.chance import seeded
from blurspace.io.files import find_photos
from blurspace.io.images import read_photo
from blurspace.losses import perceptual
from blurspace.nets.features import FeatureNet
from blurspace.train.features import similarity
from blurspace.types import Image

HERE = Path(__file__).parent
WEIGHTS = Path(blurspace.__file__).parent / "weights" / "features.safetensors"
SIDE, LENGTH, MOVE, ROOM = 96, 9, 8, 16
Features = Callable[[Image], Sequence[Tensor]]
Change = Callable[[Image], Image]


@torch.no_grad()
def main() -> None:
    """Measure with all, write every row, and print a line each."""
    paths = find_photos([sys.argv[1]])
    crops = [crops_of(read_photo(path).pixels, angle=180 * index / len(paths)) for index, path in enumerate(paths)]
    rows = [row for name, features in networks().items() for row in measure(name, features, paths, crops)]
    (HERE / "features-check.csv").write_text(BenchResult(rows, summary(rows)).csv(), encoding="utf-8")
    print(f"{sum(len(one['sharp']) for one in crops)} crops of {len(paths)} photos")
    for name in networks():
        means = {key: fmean(row[key] for row in rows if row["features"] == name) for key in list(rows[0])[2:]}
        shares = f"blurred / other {means['blurred'] / means['other']:.3f}"
        print(f"{name}: " + ", ".join(f"{key} {mean:.3f}" for key, mean in means.items()) + f", {shares}")


def summary(rows: Sequence[dict]) -> dict[str, float]:
    """The means of ours."""
    ours = [row for row in rows if row["features"] == "ours"]
    return {name: round(fmean(row[name] for row in ours), 4) for name in list(rows[0])[2:]}


def networks() -> dict[str, Features]:
    """What is measured, by name."""
    ours = build_features(sys.argv[2] if len(sys.argv) > 2 else WEIGHTS)
    with seeded(0):
        untrained = FeatureNet()
    return {
        "ours": ours,
        "ours, last": lambda picture: ours(picture)[-1:],
        "pixels": lambda picture: (picture,),
        "untrained": untrained,
    }


def crops_of(photo: Image, *, angle: float) -> dict[str, Image]:
    """All crops of the photo that have room, and their changed versions, (n 3 SIDE SIDE) each."""
    blurry = blur(photo, line(LENGTH, angle))
    height, width = photo.shape[-2:]
    corners = [
        (top, left)
        for top in range(ROOM, height - SIDE - ROOM + 1, SIDE)
        for left in range(ROOM, width - SIDE - ROOM + 1, SIDE)
    ]
    versions = {"sharp": (photo, 0), "blurred": (blurry, 0), "moved": (photo, MOVE), "both": (blurry, MOVE)}
    return {
        name: torch.cat([of[..., top : top + SIDE, left + move : left + move + SIDE] for top, left in corners])
        for name, (of, move) in versions.items()
    }


def measure(name: str, features: Features, paths: Sequence[Path], crops: Sequence[dict[str, Image]]) -> list[dict]:
    """One row per photo."""
    matched = matches(features, crops, as_it_is, as_it_is)
    matched_grey = matches(features, crops, grey, grey)
    matched_mirrored = matches(features, crops, mirrored, as_it_is)
    rows = []
    for index, (path, one) in enumerate(zip(paths, crops, strict=True)):
        before = crops[index - 1]["sharp"]
        count = min(len(before), len(one["sharp"]))
        far = {
            "blurred": perceptual(features, one["sharp"], one["blurred"]),
            "moved": perceptual(features, one["sharp"], one["moved"]),
            "other": perceptual(features, one["sharp"][:count], before[:count]),
            "matched": matched[index],
            "matched_grey": matched_grey[index],
            "matched_mirrored": matched_mirrored[index],
        }
        rows.append({"features": name, "picture": path.name} | {key: round(float(one), 4) for key, one in far.items()})
    return rows


def matches(features: Features, crops: Sequence[dict[str, Image]], change: Change, of_sharp: Change) -> list[Tensor]:
    """Of each photo, the share of crops that find themselves among all crops of all photos."""
    both, sharp = (
        torch.cat([features(to(one[kind]))[-1].mean((-2, -1)) for one in crops])
        for kind, to in (("both", change), ("sharp", of_sharp))
    )
    right = similarity(both, sharp).argmax(1) == torch.arange(len(sharp))
    return [one.float().mean() for one in right.split([len(one["sharp"]) for one in crops])]


def mirrored(crops: Image) -> Image:
    """Left is right, and the contrast is less."""
    return 0.5 + 0.6 * (crops.flip(-1) - 0.5)


def as_it_is(crops: Image) -> Image:
    """No change."""
    return crops


def grey(crops: Image) -> Image:
    """Three equal channels, of mean 0.5 and standard deviation 0.2."""
    plain = crops.mean(1, keepdim=True)
    plain = (plain - plain.mean((2, 3), keepdim=True)) / plain.std((2, 3), keepdim=True).clamp(min=1e-3)
    return (0.5 + 0.2 * plain).clamp(0, 1).expand(-1, 3, -1, -1)


if __name__ == "__main__":
    main()
