"""What is done for the page, with photos in memory? What the command line does, so that the bytes are the same."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area
from blurspace.builders import build_deblurrer, build_space
from blurspace.codes import BlurBank, show_code
from blurspace.errors import Cancelled, PictureError
from blurspace.io.exif import orientation
from blurspace.io.files import FORMAT_SUFFIXES
from blurspace.io.images import encode_photo, read_photo
from blurspace.jobs.dry_run import RESTORE, SEARCH, search_seconds
from blurspace.jobs.each import describe_kernel, number, picture_bytes
from blurspace.jobs.files import DEBLURRED
from blurspace.jobs.pairs import pair_of
from blurspace.jobs.transfer import Draw
from blurspace.levels import from_levels, to_levels
from blurspace.metrics import psnr
from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.blurs import CodeBlur
from blurspace.restore.finders import KernelFinder
from blurspace.restore.observed import Observed
from blurspace.restore.origin import facts_of
from blurspace.restore.region import Mask, as_mask
from blurspace.restore.verdict import nothing_to_do
from blurspace.run import Run, fast_in_half, pick_device
from blurspace.types import Kernel, Photo
from blurspace.web import pictures
from blurspace.web.kept import Kept
from blurspace.web.limits import Limits
from blurspace.web.visitors import File, Held, Outcome
from blurspace.web.words import receipt_told

TRANSFER_SECONDS = 3.0  # per megapixel, as a first guess
SHOWN_CODE = (512, 512)  # px, of the picture that shows a code


@dataclass(frozen=True)
class Wish:
    """What is asked of one photo: as the options of `deblur`. `name`: of all but the strength, to know it again."""

    name: str
    strength: float = 1.0
    method: str = "auto"
    kernel: Kernel | None = None
    force: bool = False
    region: Mask = None


class Workshop:
    """Does the work. `device`: as of `deblur --device`."""

    def __init__(self, limits: Limits, *, device: str = "auto") -> None:
        """Keep nothing yet."""
        self.limits, self.device = limits, pick_device(device)
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._space: BasisSpace | None = None

    def how(self) -> Run:
        """How it is worked: as the command line does."""
        return Run(device=self.device, half=fast_in_half(self.device))

    def warm(self) -> None:
        """Load the networks once, so that the first photo does not wait for it."""
        build_deblurrer("auto", device=self.device)

    def admit(self, data: bytes, name: str) -> Held:
        """A photo that came as bytes. Raises PictureError on what is none, or is too large."""
        photo = self.photo(File(data, "", name))
        turned = orientation(photo.exif)
        view = pictures.viewable(data, photo, photo.samples, turned)
        height, width = photo.samples.shape[-2:]
        return Held(File(data, pictures.kind_of(data), name), width, height, turned, view)

    def photo(self, file: File) -> Photo:
        """A file decoded. Raises PictureError."""
        return read_photo(file.data, max_pixels=self.limits.pixels, name=file.name)

    def mask(self, data: bytes, held: Held) -> Tensor:
        """A grey picture of the upright photo, of any size, as a region of it. Raises PictureError, UsageError."""
        painted = read_photo(data, max_pixels=self.limits.pixels, min_side=1, name="the mask")
        mask = pictures.stored(as_mask(painted.samples, painted.alpha), held.orientation)
        size = held.height, held.width
        if mask.shape[-2:] != size:
            mask = to_levels(functional.interpolate(from_levels(mask), size, mode="bilinear"))
        return mask.contiguous()

    def expected(self, held: Held, method: str, *, given: bool, kept: bool) -> float:
        """About how many seconds a photo takes, before anything is known of this machine."""
        search = search_seconds(method, given=given or kept)
        return (SEARCH["auto"] if search is None else search) + RESTORE * held.width * held.height / 1e6

    def is_kept(self, held: Held, wish: Wish) -> bool:
        """Whether another strength needs no search."""
        with self._lock:
            return (held.id, wish.name) in self._kept

    def forget(self, photo: str) -> None:
        """Let go of all that is kept of a photo."""
        with self._lock:
            for key in [one for one in self._kept if one[0] == photo]:
                del self._kept[key]

    def preview(self, held: Held, wish: Wish, run: Run) -> File | None:
        """How another strength will look, soon; None where nothing is kept, or the result comes as soon."""
        with self._lock:
            kept = self._kept.get((held.id, wish.name))
        small = None if kept is None else kept.preview(wish.strength, run)
        return None if kept is None or small is None else pictures.viewable(None, kept.photo, small, held.orientation)

    def deblur(self, held: Held, wish: Wish, run: Run) -> Outcome:
        """Restore a photo, and draw what was found. Raises whatever `develop` raises."""
        kept = self._kept_for(held, wish)
        light = kept.seen.lit
        try:
            developed, seconds = kept.restored(wish.strength, run)
        except BaseException as error:  # a search that was stopped may have settled things: the next begins afresh
            if not (isinstance(error, Cancelled) and kept.searched and kept.seen.lit is light):
                with self._lock:
                    self._kept.pop((held.id, wish.name), None)
            raise
        restoration, photo = developed.restoration, kept.photo
        known = kept.deblurrer.given is not None
        painted = isinstance(wish.region, Tensor)
        told = receipt_told(
            restoration.receipt,
            developed.record,
            strength=wish.strength,
            seconds=seconds,
            known=known,
            painted=painted,
        )
        files = dict(kept.files(restoration.blur, held))
        if developed.data is not None:
            files["file"] = File(developed.data, pictures.kind_of(developed.data), result_name(held.file.name, photo))
            files["view"] = pictures.viewable(developed.data, photo, restoration.restored, held.orientation)
        if restoration.blur is not None:
            kernel = restoration.blur.kernel.cpu()
            values = pictures.upright(kernel[0, 0], held.orientation)
            told["kernel"] = {**describe_kernel(kernel), "values": rounded(values)}
        return Outcome({**told, "photo": held.id}, files)

    def kernel_of(self, held: Held, box: pictures.Box, run: Run) -> Kernel:
        """The kernel of a box of the upright photo, as `blurspace kernel` finds it in such a piece.

        Raises PictureError where the piece is sharp, or tells nothing.
        """
        photo = self.photo(held.file)
        left, top, right, bottom = pictures.stored_box(box, held.orientation)
        rows = round(top * held.height), round(bottom * held.height)
        columns = round(left * held.width), round(right * held.width)
        area = Area(rows, columns, (held.height, held.width))
        alpha = None if photo.alpha is None else area.cut(photo.alpha).contiguous()
        seen = Observed(area.cut(photo.samples).contiguous(), alpha=alpha, **facts_of(photo))
        if told := nothing_to_do(seen):
            raise PictureError(f"this place gave no kernel: {told.reason.replace('the photo', 'the box')}")
        found = seen.find(KernelFinder(), run)
        assert found.blur is not None
        return found.blur.kernel.cpu()

    @torch.no_grad()
    def transfer(self, sharp: Held, blurry: Held, to: Held, run: Run) -> Outcome:
        """The blur between two photos, given to a third, as `blurspace transfer` does. Raises UsageError."""
        space = self._space = self._space or build_space()
        names = (sharp.file.name, blurry.file.name)
        pair = pair_of(self.photo(sharp.file), self.photo(blurry.file), names=names)
        run.step("reading the blur", 0, 2)
        code = space.extract(pair.sharp, pair.blurry).half()
        bank = BlurBank((code,), (" -> ".join(names),), space.fingerprint())
        run.step("blurring", 1, 2)
        photo = self.photo(to.file)
        _, pixels = next(Draw(bank, space).blurred(photo.pixels, 0))
        plain = Photo(photo.samples, icc=photo.icc)
        data = encode_photo(plain, pixels)
        run.step("blurring", 2, 2)
        kernel = CodeBlur(code.float(), space).kernel
        again = space.reblur(pair.sharp, code.float()).clamp(0, 1)
        told = {
            **describe_kernel(kernel),
            "explained_db": number(float(psnr(again, pair.blurry)), 1),
            "before_db": number(float(psnr(pair.sharp, pair.blurry)), 1),
        }
        files = {
            "file": File(data, pictures.KINDS["PNG"], f"{PurePath(to.file.name).stem}.blurred.png"),
            "view": pictures.viewable(None, plain, pixels.clamp(0, 1), to.orientation),
            "code": File(picture_bytes(show_code(space, code.float(), size=SHOWN_CODE).clamp(0, 1)), "image/png"),
        }
        return Outcome(told, files)

    def _kept_for(self, held: Held, wish: Wish) -> Kept:
        """What is kept of a photo and a wish, or a fresh look; the oldest go where they are too many pixels."""
        key = held.id, wish.name
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        photo = self.photo(held.file)
        deblurrer = build_deblurrer(
            wish.method, kernel=wish.kernel, force=wish.force, region=wish.region, device=self.device
        )
        seen = deblurrer.observe(photo.samples, alpha=photo.alpha, **facts_of(photo))
        kept = Kept(photo, deblurrer, seen, deblurrer.methods)
        with self._lock:
            self._kept[key] = kept
            while len(self._kept) > 1 and self._pixels() > self.limits.alive_pixels:
                self._kept.popitem(last=False)
        return kept

    def _pixels(self) -> int:
        return sum(one.photo.samples.shape[-1] * one.photo.samples.shape[-2] for one in self._kept.values())


def rounded(values: Tensor) -> Sequence[Sequence[float]]:
    """The values of a kernel (k k) for the page: its largest is 1."""
    return [[round(one, 4) for one in row] for row in (values / values.max()).tolist()]


def result_name(name: str, photo: Photo) -> str:
    """What a result is called: as the command line calls it."""
    own, allowed = PurePath(name), FORMAT_SUFFIXES[photo.format]
    suffix = own.suffix if own.suffix.lower() in allowed else allowed[0]
    return f"{own.stem}{DEBLURRED}{suffix}"
