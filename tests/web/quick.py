"""A server whose deblurring takes no time, and waits where a test wants it to."""

import io
import threading
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image as Pil

from blurspace.blur.kernels import disk
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Found, Method, Restoration
from blurspace.types import Receipt

HERE = "http://127.0.0.1"


def find(seen, run):
    return Found(UniformBlur(disk(2.0)), 0.9)


METHOD = Method("quick", find, lambda seen, found, run: None)


@dataclass(frozen=True)
class Quick(Deblurrer):
    """Makes photos darker. `gate`: what it waits for; `asked`: the strengths that it was asked for."""

    verdict: str = "restored"
    gate: Any = None
    asked: list = field(default_factory=list)

    def restored(self, seen, run):
        run.step("looking for the blur", 1, 2)
        while self.gate is not None and not self.gate.wait(0.01):
            run.check()
        self.asked.append((id(seen), self.strength))
        receipt = Receipt(self.verdict, "because of the test", 0.01, 40.0, 30.0, 4.0, 0.0, "test", 0.8, 1.5, 0.8)
        pixels = seen.pixels // 2 if self.verdict == "restored" else seen.pixels
        return Restoration(pixels, find(seen, run).blur, receipt, "quick", ("worked quickly",), 0.9)


def png(width=40, height=24, seed=0, mode="RGB", **saved):
    """A photo of noise."""
    shape = (height, width, 3) if mode == "RGB" else (height, width)
    written = io.BytesIO()
    Pil.fromarray(np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)).save(written, "PNG", **saved)
    return written.getvalue()


def jpeg(orientation=1, width=40, height=24):
    """The same as a JPEG that a camera held in some way."""
    exif = Pil.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "a camera"
    written = io.BytesIO()
    picture = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    Pil.fromarray(picture).save(written, "JPEG", exif=exif, quality=95)
    return written.getvalue()


def make_quick(monkeypatch, **facts):
    """Put a quick deblurrer in the place of all; what it was asked, and its gate."""
    made = Quick((METHOD,), **facts)
    monkeypatch.setattr(
        "blurspace.web.work.build_deblurrer",
        lambda method, *, kernel=None, force=False, region=None, device="cpu": replace(
            made, given=None if kernel is None else UniformBlur(kernel), region=region
        ),
    )
    return made


def gate():
    """What a test opens when the work may go on."""
    return threading.Event()
