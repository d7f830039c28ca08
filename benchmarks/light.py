"""Is the light found in which a photo was blurred, and what does an error cost? Made photos in both lights.

`python benchmarks/light.py PHOTOS [--limit N]` writes light.csv: each photo under one kernel, blurred in stored values
and in sRGB, judged with the true kernel and with the one that is found in sRGB; and dB of total variation with the true
kernel in both lights. `--fit` prints weights for `restore.light` that suit these rows instead. Those there
were fitted on other photos (training ones) by a scratch script.
"""

import argparse
import math
from pathlib import Path

import torch
from run import HERE, write

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import jpeg, to_display, to_linear
from blurspace.blur.kernels import disk, gaussian, line, shake
from blurspace.chance import chance_of
from blurspace.io.images import find_photos, read_photo
from blurspace.levels import to_8_bits
from blurspace.metrics import psnr
from blurspace.pixels import central, inner, luminance
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Found, in_tiles
from blurspace.restore.finders import KernelFinder
from blurspace.restore.light import CAMERA, FOUND, LIGHTS, MOST, decide, measure
from blurspace.restore.methods import classical
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import Image, Kernel

SIDE, FRAME = 352, 16
SIGMAS, QUALITIES = (0.0, 0.004, 0.01, 0.02), (None, None, 92, 75)
KERNELS = {  # by extent in px and chance
    "shake": lambda extent, chance: shake(math.ceil(extent) // 2 * 2 + 1, extent=extent, generator=chance),
    "line": lambda extent, chance: line(extent, 180 * torch.rand((), generator=chance).item()),
    "disk": lambda extent, _: disk(extent / 4),
    "gaussian": lambda extent, _: gaussian(extent / 10),
}


def main() -> None:
    """Measure, print how often each way is right and what its errors cost, and note the rows; or fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--fit", action="store_true")
    asked = parser.parse_args()
    paths = find_photos([asked.photos])[: asked.limit]
    rows = [row for count, path in enumerate(paths) for row in measure_photo(path, list(KERNELS)[count % len(KERNELS)])]
    if asked.fit:
        for way in ("known", "found"):
            print(way, fit(rows, way))
        return
    for way in ("known", "found", *LIGHTS):
        wrong = [row for row in rows if row.get(f"{way} light", way) != row["light"]]
        cost = sum(float(row["right, dB"]) - float(row["wrong, dB"]) for row in wrong) / len(rows)
        print(f"{way}: {1 - len(wrong) / len(rows):.3f} right, {cost:.3f} dB lost")
    command = f"python benchmarks/light.py {asked.photos.name}"
    command += "" if asked.limit is None else f" --limit {asked.limit}"
    write(
        rows, HERE / "light.csv", command=command, data=asked.photos.name, seed=0, note="in which light was it blurred?"
    )


def measure_photo(path: Path, kind: str) -> list[dict[str, object]]:
    """Two rows, one for each light."""
    chance = chance_of(f"light {path.name}")
    extent = 5 * 8 ** torch.rand((), generator=chance).item()
    kernel = KERNELS[kind](extent, chance)
    number = int(torch.randint(16, (), generator=chance))
    sigma, quality = SIGMAS[number // 4], QUALITIES[number % 4]
    margin = kernel.shape[-1] // 2
    sharp = central(read_photo(path).pixels, SIDE + 2 * margin, SIDE + 2 * margin)
    rows = []
    for response in LIGHTS:
        display = to_display(blur(to_linear(sharp, response), kernel, border="valid"), response)
        display = (display + sigma * torch.randn(display.shape, generator=chance)).clamp(0, 1)
        blurry = to_8_bits(display) if quality is None else jpeg(display, quality=quality)
        facts = {"picture": path.name, "kernel": kind, "px": round(extent, 1), "sigma": sigma, "quality": quality}
        rows.append({**facts, "light": response, **judged(blurry, inner(sharp, margin), kernel, response)})
        print(rows[-1], flush=True)
    return rows


def judged(blurry: Image, sharp: Image, kernel: Kernel, response: str) -> dict[str, object]:
    """The columns of a row that are about what was decided, and what that is worth."""
    seen = Observed(blurry)
    seen.suppose(CAMERA)
    searched = KernelFinder().searched(seen, None, Run()).kernel
    row: dict[str, object] = {}
    for way, by in (("known", kernel), ("found", searched)):
        light = decide(blurry, seen.trust(seen.area), by, known=way == "known")
        row |= {f"{way} light": light.response, f"{way} sure": round(light.confidence, 3)}
        row |= {f"{way} {name}": round(value, 3) for name, value in measure(blurry, seen.trust(seen.area), by).items()}
    other = LIGHTS[1 - LIGHTS.index(response)]
    return row | {
        f"{word}, dB": round(undone(blurry, sharp, kernel, light), 3)
        for word, light in (("right", response), ("wrong", other))
    }


def undone(blurry: Image, sharp: Image, kernel: Kernel, response: str) -> float:
    """PSNR of the luminance in dB, without a frame, of total variation in that light, with the true kernel."""
    deblurrer = Deblurrer(classical(None), UniformBlur(kernel), response)
    seen = deblurrer.observe(blurry)
    restored = in_tiles(seen, deblurrer.methods[0], Found(UniformBlur(kernel), known=True), Run()).picture
    return float(psnr(*(inner(luminance(picture), FRAME) for picture in (restored, sharp))))


def fit(rows: list[dict[str, object]], way: str, *, decay: float = 3.0) -> tuple[dict[str, float], float]:
    """Logistic regression by Newton's method, with so much weight decay on measures of unit scale."""
    names = list(FOUND[0])
    seen = torch.tensor([[float(row[f"{way} {name}"]) for name in names] for row in rows]).clamp(-MOST, MOST).double()
    scale = torch.cat((seen.std(0), torch.ones(1)))
    seen = torch.cat((seen, torch.ones(len(rows), 1)), 1) / scale
    wanted = torch.tensor([float(row["light"] == "srgb") for row in rows]).double()
    kept, weights = torch.diag(torch.tensor([decay] * len(names) + [0.0]).double()), torch.zeros(seen.shape[1]).double()
    for _ in range(30):
        likely = torch.sigmoid(seen @ weights)
        curvature = seen.T @ (seen * (likely * (1 - likely))[:, None]) + kept
        weights -= torch.linalg.solve(curvature, seen.T @ (likely - wanted) + kept @ weights)
    *found, bias = (weights / scale).tolist()
    return dict(zip(names, found, strict=True)), bias


if __name__ == "__main__":
    main()
