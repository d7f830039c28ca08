"""How do two trainings of the deconvolver become the weights of learned, and these what trainings start from again?

`python benchmarks/join_weights.py TRUSTING WARY` writes src/blurspace/weights/learned.safetensors as two networks in
one file: `TRUSTING` has learned from kernels that are nearly right, `WARY` from kernels as a search finds them that is
told nothing. `--split FOLDER` writes both of them back into files of their own, for `--set start=FILE`.
"""

import sys
from pathlib import Path

from blurspace.catalog import WEIGHTS
from blurspace.io.weights import read_weights, write_tensors

NAMES = ("trusting", "wary")
OWN, JOINED = "deconvolver", WEIGHTS / "learned.safetensors"


def main() -> None:
    """Read both, write one; or the other way round."""
    if sys.argv[1] == "--split":
        split(Path(sys.argv[2]))
    else:
        join([Path(path) for path in sys.argv[1:]])


def join(paths: list[Path]) -> None:
    """Two files become one."""
    parts = {name: read_weights(path) for name, path in zip(NAMES, paths, strict=True)}
    tensors = {key.replace(OWN, name, 1): tensor for name, (own, _) in parts.items() for key, tensor in own.items()}
    about = {
        "architecture": {name: told["architecture"][OWN] for name, (_, told) in parts.items()},
        "trainings": {name: told for name, (_, told) in parts.items()},
    }
    write_tensors(JOINED, tensors, about=about, half=True)


def split(folder: Path) -> None:
    """One file becomes two: FOLDER/trusting.safetensors and FOLDER/wary.safetensors."""
    tensors, about = read_weights(JOINED)
    for name in NAMES:
        own = {key.replace(name, OWN, 1): one for key, one in tensors.items() if key.startswith(f"{name}.")}
        told = about["trainings"][name] | {"architecture": {OWN: about["architecture"][name]}}
        write_tensors(folder / f"{name}.safetensors", own, about=told, half=True)


if __name__ == "__main__":
    main()
