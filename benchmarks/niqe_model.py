"""What are patches of sharp photos like? `python benchmarks/niqe_model.py PHOTOS` writes weights/niqe.safetensors.

The tensors "naturalness.mean" (36,) and "naturalness.covariance" (36, 36) of `blurspace.niqe.fit`, in the package.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import blurspace
from blurspace.io.images import find_photos, read_photo
from blurspace.io.weights import write_tensors
from blurspace.niqe import fit

WEIGHTS = Path(blurspace.__file__).parent / "weights" / "niqe.safetensors"


def main() -> None:
    """Fit to every photo of the folder, and write what was found."""
    photos = find_photos([sys.argv[1]])
    model = fit(read_photo(path).pixels for path in photos)
    about = {
        "what": "NIQE: mean and covariance of 36 features over the sharp patches of photos",
        "data": f"{len(photos)} sharp photos of permissive licences",
        "command": f"python benchmarks/niqe_model.py {Path(sys.argv[1]).name}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    tensors = {"naturalness.mean": model.mean.float(), "naturalness.covariance": model.covariance.float()}
    write_tensors(WEIGHTS, tensors, about=about, half=False)
    print(f"{WEIGHTS}: {len(photos)} photos")


if __name__ == "__main__":
    main()
