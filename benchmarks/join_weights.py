"""How do two trainings of the deconvolver become the weights of learned? As two networks in one file.

`python benchmarks/join_weights.py TRUSTING WARY` writes src/blurspace/weights/learned.safetensors: `TRUSTING` has
learned from kernels that are nearly right, `WARY` from kernels as a search finds them that is told nothing.
"""

import sys
from pathlib import Path

from blurspace.catalog import WEIGHTS
from blurspace.io.weights import read_weights, write_tensors

NAMES = ("trusting", "wary")


def main() -> None:
    """Read both, write one."""
    parts = {name: read_weights(Path(path)) for name, path in zip(NAMES, sys.argv[1:], strict=True)}
    tensors = {
        key.replace("deconvolver", name, 1): tensor for name, (own, _) in parts.items() for key, tensor in own.items()
    }
    about = {
        "architecture": {name: told["architecture"]["deconvolver"] for name, (_, told) in parts.items()},
        "trainings": {name: told for name, (_, told) in parts.items()},
    }
    write_tensors(WEIGHTS / "learned.safetensors", tensors, about=about, half=True)


if __name__ == "__main__":
    main()
