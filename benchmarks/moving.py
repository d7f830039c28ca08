"""Is a photo with moving things ever made worse? The GoPro test pairs and ten of REDS, of half the size.

    python benchmarks/moving.py TEST TRAIN

Writes moving.csv: what `auto` says of each real photo whose blur is not uniform, and what its result gains in dB, at
the best shift; of REDS every fifth pair. No network of `auto` saw these pictures; what counts
as an error of the blur (`restore.total_variation`) was chosen with three of the GoPro pairs in view.
"""

import argparse
from pathlib import Path

from run import HERE, write

from blurspace.bench.levin import CROP
from blurspace.bench.methods import build, gave, score
from blurspace.io.images import find_photos, read_photo
from blurspace.restore.observed import as_float

NOTE = "gain in dB after the receipt, at the best shift, of real photos whose blur is not uniform"
MAX_SHIFT, EVERY, CLIP = 5, 5, Path("reds_half") / "020"


def main() -> None:
    """Measure, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("test", type=Path)
    parser.add_argument("train", type=Path)
    asked = parser.parse_args()
    gopro, reds = find_photos([asked.test / "gopro" / "blur"]), find_photos([asked.train / CLIP / "blur"])[::EVERY]
    rows = [measure(path) for path in (*gopro, *reds)]
    command = "python benchmarks/moving.py test train"
    write(rows, HERE / "moving.csv", command=command, data="test", seed="none", note=NOTE)


def measure(path: Path) -> dict[str, object]:
    """One row; the photo stays as it is unless the verdict is "restored"."""
    deblurrer, blurry = build("auto", response=None), read_photo(path)
    sharp = read_photo(path.parent.parent / "sharp" / path.name).pixels
    assert deblurrer is not None
    done = gave(deblurrer, blurry)
    restored = done.receipt.verdict == "restored"
    before = score(blurry.pixels, sharp, max_shift=MAX_SHIFT, crop=CROP).psnr
    after = score(as_float(done.restored), sharp, max_shift=MAX_SHIFT, crop=CROP).psnr if restored else before
    row = {
        "picture": f"{path.parents[1].name}/{path.name}",
        "blurry_psnr": before,
        "verdict": done.receipt.verdict,
        "code": done.receipt.code,
        "method": done.method,
        "gain_db": round(after - before, 3),
    }
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
