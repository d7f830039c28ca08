"""How much faster is the shipped pair than one of the paper's size? One 1024 x 768 colour photo, one run, a ratio.

`python benchmarks/paper_size.py` writes paper-size.csv. The paper's networks have random weights, which take as long.
"""

import time

import torch
from run import HERE, write

from blurspace.bench.speed import BLOCK, KERNEL, SEED, blurry_block, made_kernel, sharp_block
from blurspace.builders import build_deblurrer
from blurspace.levels import to_8_bits
from blurspace.nets.analysis import Analysis
from blurspace.nets.synthesis import Synthesis
from blurspace.pixels import luminance

FILE = "paper-size.csv"


def main() -> None:
    """Time both, and note the ratio."""
    blurry = to_8_bits(blurry_block(sharp_block(), made_kernel(KERNEL))[..., : BLOCK[0], : BLOCK[1]])
    analysis, synthesis = Analysis().eval(), Synthesis().eval().to(memory_format=torch.channels_last)
    rows = []
    with torch.inference_mode():
        kernel = _timed(rows, "kaufman2020, the paper's size: analysis", lambda: analysis(luminance(blurry)))
        _timed(rows, "kaufman2020, the paper's size: synthesis", lambda: synthesis(blurry, kernel))
    deblurrer = build_deblurrer("learned", response="linear")
    _timed(rows, "learned, all of it", lambda: deblurrer(blurry))
    _timed(rows, "learned, all of it, again", lambda: deblurrer(blurry))
    paper, ours = rows[0]["seconds"] + rows[1]["seconds"], rows[3]["seconds"]
    rows.append({"task": "the paper's size over learned", "seconds": round(paper / ours, 2)})
    command = "python benchmarks/paper_size.py"
    write(rows, HERE / FILE, command=command, data="made", seed=SEED, note="random weights for the paper")


def _timed(rows, task, call):
    start = time.perf_counter()
    result = call()
    rows.append({"task": task, "seconds": round(time.perf_counter() - start, 2)})
    print(rows[-1], flush=True)
    return result


if __name__ == "__main__":
    main()
