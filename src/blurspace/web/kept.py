"""What is kept of one photo, so that another strength works out only what hangs on the strength?"""

import threading
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePath

from torch import Tensor

from blurspace.io.images import kernel_bytes
from blurspace.jobs.develop import Developed, Stamp, develop
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Method, Restoration, in_order
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import Blur, Photo
from blurspace.web import pictures
from blurspace.web.preview import Small, made_small
from blurspace.web.visitors import File, Held


@dataclass(eq=False)
class Kept:
    """A photo that was looked at, with all that was found: other strengths need no other search."""

    photo: Photo
    deblurrer: Deblurrer
    seen: Observed
    methods: tuple[Method, ...]
    taken: Method | None = None  # whose result was believed last
    searched: bool = False  # to its end
    drawn: tuple[Blur | None, dict[str, File]] | None = None  # the blur that was drawn last, and its pictures
    lock: threading.Lock = field(default_factory=threading.Lock)

    def restored(self, strength: float, run: Run) -> tuple[Developed, float]:
        """What `develop` makes of it at some strength, and the seconds."""
        with self.lock:
            start, every = time.perf_counter(), replace(self.deblurrer, strength=strength)
            first = replace(every, methods=self.methods)
            developed = develop(self.photo, first, run, stamp=Stamp(), seen=self.seen)
            if developed.restoration.receipt.verdict == "refused" and len(self.methods) < len(every.methods):
                developed = develop(self.photo, every, run, stamp=Stamp(), seen=self.seen)
            self.take(developed.restoration, run)
            self.searched = True
            return developed, time.perf_counter() - start

    def take(self, done: Restoration, run: Run) -> None:
        """Keep to the methods that were asked until one was believed: of these one is believed again, nearly always."""
        if done.receipt.verdict != "restored":
            return
        order = in_order(self.seen, self.deblurrer.methods, run)
        names = [method.name for method in order]
        self.methods = tuple(order[: names.index(done.method.partition(",")[0]) + 1])
        self.taken = self.methods[-1]

    def preview(self, strength: float, run: Run) -> Tensor | None:
        """How another strength will look, smaller; None where no result was believed, or where it comes as soon."""
        with self.lock:
            if self.taken is None or self.small is None:
                return None
            return self.small.restored(self.taken, self.seen.find(self.taken.find, run), strength, run)

    @cached_property
    def small(self) -> Small | None:
        """The photo made smaller, with its noise and what of it tells nothing; asked for once its light is known."""
        return made_small(self.seen)

    def files(self, blur: Blur | None, held: Held) -> dict[str, File]:
        """The map of the photo and its blur, as was found: drawn once, for no strength changes them."""
        with self.lock:
            if self.drawn is None or self.drawn[0] is not blur:
                self.drawn = blur, {"map": pictures.map_file(self.seen, held.orientation), **blur_files(blur, held)}
            return self.drawn[1]


def blur_files(blur: Blur | None, held: Held) -> dict[str, File]:
    """The blur of a photo: its one kernel to save and to look at, and its kernels upon the photo."""
    if blur is None:
        return {}
    kernel = blur.kernel.cpu()
    return {
        "kernel_file": File(kernel_bytes(kernel), "image/tiff", f"{PurePath(held.file.name).stem}.kernel.tiff"),
        "kernel": pictures.kernel_picture(kernel, held.orientation),
        "field": pictures.field_picture(blur, (held.height, held.width), held.orientation),
    }
