"""How much of a made camera's picture can be explained at all? The rest is its noise and JPEG, which no code holds.

`python benchmarks/ceiling.py PHOTOS` writes ceiling.csv: the test scenes of `tran2021-retrieval`, taken as they are and
once more without noise and JPEG; the PSNR of one against the other.
"""

import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from run import HERE, write

from blurspace.bench.tran2021_retrieval import SCENE_SIDE, SCENES, SEED
from blurspace.blur.cameras import CAMERAS
from blurspace.chance import chance
from blurspace.data.crops import SharpPhotos
from blurspace.data.sources import from_scenes
from blurspace.metrics import psnr

FILE = "ceiling.csv"
TAKEN = ("hand", "wheel")


def main() -> None:
    """Measure, print the mean of each camera, and note it."""
    folder = Path(sys.argv[1])
    photos = SharpPhotos(folder)
    rows = [
        {"camera": name, "scene": scene, "psnr": round(ceiling(photos, name, scene), 4)}
        for name in TAKEN
        for scene in range(SCENES)
    ]
    for name in TAKEN:
        print(name, round(fmean(float(row["psnr"]) for row in rows if row["camera"] == name), 2), "dB")
    command = f"python benchmarks/ceiling.py {folder.name}"
    note = "blurry scenes of tran2021-retrieval against themselves without noise and JPEG"
    write(rows, HERE / FILE, command=command, data=folder.name, seed=SEED, note=note)


def ceiling(photos: SharpPhotos, name: str, scene: int) -> float:
    """PSNR, dB. Noise is drawn last, so the scene is the same with it and without."""
    cameras = CAMERAS[name], replace(CAMERAS[name], sigma=0.0, jpeg=None)
    taken, clean = (from_scenes(photos, camera, side=SCENE_SIDE)(chance(SEED, scene), 1).blurry for camera in cameras)
    return float(psnr(taken, clean))


if __name__ == "__main__":
    main()
