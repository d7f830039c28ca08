"""Is the same kernel found in a photo that has hardly changed? A little noise, a shift, JPEG.

`python benchmarks/robust.py PHOTOS [--limit N]` writes robust.csv: each photo under one drawn blur, and the kernels
found in it and in three changed copies: one grey level of noise added, shifted by 3 px (another crop), JPEG 95. How
well each agrees with the kernel of the photo as it is, and that one with the true kernel.
"""

import argparse
import math
from pathlib import Path

import torch
from run import HERE, write

from blurspace.blur.agreement import offset
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import jpeg, to_display, to_linear
from blurspace.blur.kernels import disk, gaussian, line, shake
from blurspace.chance import chance_of
from blurspace.io.images import find_photos, read_photo
from blurspace.levels import to_8_bits
from blurspace.pixels import central
from blurspace.restore.finders import KernelFinder
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import Image, Kernel

COUNT, SIDE, SHIFT, LEVEL, QUALITY = 60, 512, 3, 1 / 255, 95
SIGMAS = (0.002, 0.004, 0.01)
SAME = 0.95  # agreement of kernels that count as the same
SHAKES = 3  # of so many and three others a photo has one


def main() -> None:
    """Measure, print how often the kernel stays the same, and note the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--limit", type=int, default=COUNT)
    asked = parser.parse_args()
    paths = find_photos(asked.photos)
    rows = []
    for number in range(asked.limit):
        rows.append(measured(paths[number % len(paths)], number))
        print(rows[-1], flush=True)
    for change in ("noise", "shift", "jpeg"):
        print(f"{change}: the same in {sum(float(str(row[change])) >= SAME for row in rows)} of {len(rows)}")
    names = [path.name for path in asked.photos]
    command = " ".join(
        ["python benchmarks/robust.py", *names, *([f"--limit {asked.limit}"] if asked.limit != COUNT else [])]
    )
    write(
        rows,
        HERE / "robust.csv",
        command=command,
        data=names[0],
        seed=0,
        note="agreement of kernels found in changed copies",
    )


def measured(path: Path, number: int) -> dict[str, object]:
    """One row."""
    chance = chance_of(f"robust {number} {path.name}")
    kind, kernel = drawn(number, chance)
    room = kernel.shape[-1] // 2 + SHIFT
    light = to_linear(central(read_photo(path).pixels, SIDE + 2 * room, SIDE + 2 * room))
    seen = to_display(blur(light, kernel, border="valid"))
    sigma = SIGMAS[int(torch.randint(len(SIGMAS), (), generator=chance))]
    seen = to_8_bits((seen + sigma * torch.randn(seen.shape, generator=chance)).clamp(0, 1))
    plain = found(seen[..., SHIFT:-SHIFT, SHIFT:-SHIFT])
    noisy = to_8_bits((seen + LEVEL * torch.randn(seen.shape, generator=chance)).clamp(0, 1))
    copies = {
        "noise": noisy[..., SHIFT:-SHIFT, SHIFT:-SHIFT],
        "shift": seen[..., 2 * SHIFT :, 2 * SHIFT :],
        "jpeg": jpeg(seen[..., SHIFT:-SHIFT, SHIFT:-SHIFT], quality=QUALITY),
    }
    facts = {
        "picture": path.name,
        "kind": kind,
        "true_px": kernel.shape[-1],
        "sigma": sigma,
        "true": agreement(plain, kernel),
    }
    return facts | {name: agreement(plain, found(copy)) for name, copy in copies.items()}


def drawn(number: int, chance: torch.Generator) -> tuple[str, Kernel]:
    """The kind of blur that a photo gets, and its kernel: half of them shakes."""
    share, angle = torch.rand(2, generator=chance).tolist()
    extent = 9 * 5**share
    if number % (2 * SHAKES) < SHAKES:
        return "shake", shake(math.ceil(extent) // 2 * 2 + 1, extent=extent, generator=chance)
    kinds = {"line": line(extent, 180 * angle), "disk": disk(1.5 + 4 * share), "gaussian": gaussian(0.8 + 1.7 * share)}
    return list(kinds.items())[number % SHAKES]


def found(picture: Image) -> Kernel:
    """The kernel that is found in a picture, in the light that is supposed there."""
    made = KernelFinder()(Observed(picture), Run())
    assert made.blur is not None
    return made.blur.kernel


def agreement(one: Kernel, other: Kernel) -> float:
    """How alike two kernels are."""
    return round(float(offset(one, other)[2]), 3)


if __name__ == "__main__":
    main()
