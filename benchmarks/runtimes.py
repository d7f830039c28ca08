"""How fast are the networks by each runtime, and how far is another runtime's picture from torch's?

    python benchmarks/runtimes.py --data kodak24 [--photos 2] [--turns 3] [--threads 2] [--out FILE]

Writes runtimes.csv. One row for each part of a shipped network that runtimes serve, and each number of threads: the
shortest of some seconds for a photo of 1024 x 768, all runtimes taking turns; `times`: torch's seconds over these. Then
one row for photos of `--data`, shaken over 31 px, that method `learned` restores with the kernel told: how far the
pictures are from torch's, at most, in 255ths, and the PSNR of each. Run it on a machine that does nothing else.
"""

import argparse
from pathlib import Path

import torch
from run import HERE, write

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.builders import build_deblurrer, shipped
from blurspace.io.files import find_photos
from blurspace.io.images import read_photo
from blurspace.metrics import psnr
from blurspace.runtimes.engines import installed
from blurspace.runtimes.tuned import speeds_of

SEED, KERNEL, SIGMA = 2026, 31, 0.01
NETWORKS = (
    ("learned", "trusting"),
    ("belt", "restorer"),
    ("kaufman2020-small", "analysis"),
    ("kaufman2020-small", "synthesis"),
)


def main() -> None:
    """Measure, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--out", type=Path, default=HERE / "runtimes.csv")
    asked = parser.parse_args()
    rows = []
    for threads in asked.threads:
        torch.set_num_threads(threads)
        for model, name in NETWORKS:
            for row in speed_rows(model, name, threads=threads, turns=asked.turns):
                rows.append(row)
                print(row, flush=True)
    rows.append(picture_row(find_photos([asked.data])[: asked.photos]))
    print(rows[-1])
    command = f"python benchmarks/runtimes.py --data {asked.data.name}"
    write(rows, asked.out, command=command, data=asked.data.name, seed=SEED, note="shortest times, runtimes in turn")


def speed_rows(model: str, name: str, *, threads: int, turns: int) -> list[dict[str, object]]:
    """The parts of one network."""
    rows = []
    for speed in speeds_of(shipped(model)[0].network(name), name, turns=turns):
        row: dict[str, object] = {"what": f"{model}: {speed.network}.{speed.part}".rstrip("."), "threads": threads}
        for runtime in ("torch", "onnx", "openvino"):
            took = speed.seconds.get(runtime)
            row[f"{runtime}_s"] = "" if took is None else round(took, 3)
            if runtime != "torch":
                row[f"{runtime}_times"] = "" if took is None else round(speed.seconds["torch"] / took, 2)
        rows.append(row | dict.fromkeys(("psnr", "onnx_255ths", "openvino_255ths"), ""))
    return rows


def picture_row(paths: list[Path]) -> dict[str, object]:
    """How far restored photos are from torch's."""
    kernel = shake(KERNEL, extent=KERNEL, generator=torch.Generator().manual_seed(SEED))
    pictures = {
        runtime: build_deblurrer("learned", kernel=kernel, force=True, runtime=runtime) for runtime in installed()
    }
    scores, worst = dict[str, list[float]](), dict.fromkeys(pictures, 0.0)
    for path in paths:
        sharp = read_photo(path).pixels
        noise = torch.Generator().manual_seed(SEED)
        blurry = photograph(sharp, kernel, response="linear", sigma=SIGMA, generator=noise)
        found = {runtime: deblurrer(blurry).restored for runtime, deblurrer in pictures.items()}
        for runtime, restored in found.items():
            worst[runtime] = max(worst[runtime], 255 * float((restored - found["torch"]).abs().max()))
            scores.setdefault(runtime, []).append(float(psnr(restored, sharp)))
    means = {runtime: f"{sum(values) / len(values):.4f}" for runtime, values in scores.items()}
    return {
        "what": f"{len(paths)} photos by learned, {KERNEL} px shake, kernel told",
        "psnr": "; ".join(f"{runtime} {value}" for runtime, value in means.items()),
        **{f"{runtime}_255ths": round(worst[runtime], 3) for runtime in worst if runtime != "torch"},
    }


if __name__ == "__main__":
    main()
