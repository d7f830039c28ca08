"""Instead of slow deblurrers: one that does as a test wants."""

import math

import numpy as np
from PIL import Image as Pil

from blurspace.blur.kernels import disk
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Restoration
from blurspace.restore.observed import as_float, as_stored
from blurspace.types import Receipt


def noisy_photos(folder, names):
    """Small photos of noise in a folder and its subfolders, each other than the others."""
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Pil.fromarray(np.random.default_rng(seed).integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(path)
    return folder


class Fake(Deblurrer):
    """A gentle change (or `change`), and whatever verdict the test wants; `error` is raised instead, if any."""

    def __init__(
        self,
        verdict="restored",
        *,
        change=lambda blurry: blurry * 0.5,
        kernel=True,
        error=None,
        psnr=math.inf,
        as_it_is=False,
    ):
        super().__init__(())
        for name, value in {
            **{"verdict": verdict, "change": change, "kernel": kernel, "error": error, "psnr": psnr},
            **{"as_it_is": as_it_is, "calls": 0, "asked": None},
        }.items():
            object.__setattr__(self, name, value)

    def __call__(self, blurry, *, alpha=None, least_sigma=0.0, near=None, origin=None, run=None):
        object.__setattr__(self, "calls", self.calls + 1)
        object.__setattr__(self, "asked", run)
        if self.error is not None:
            raise self.error
        restored = blurry
        if self.verdict == "restored" or self.as_it_is:
            restored = self.change(as_float(blurry))
            restored = restored if self.as_it_is else as_stored(restored, blurry.dtype)
        receipt = Receipt(self.verdict, "because of the test", 0.01, 40.0, self.psnr, 3.0, 0.0)
        blur = UniformBlur(disk(2.0)) if self.kernel is True else self.kernel
        return Restoration(restored, blur or None, receipt, "fake", ("worked quickly",))
