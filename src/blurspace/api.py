"""What is one call? `deblur`, `diagnose` and `transfer`, for whatever a picture may be in Python.

A picture is a path, the bytes of a file, a Pillow image, a NumPy array (h w) or (h w 3), with alpha (h w 2) or (h w 4),
of uint8, uint16 or floats in [0, 1], or a tensor (h w), (c h w) or (1 c h w) of the same kinds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from blurspace.builders import build_deblurrer, build_space
from blurspace.codes import transfer as transfer_code
from blurspace.errors import OutputError, PictureError, UsageError
from blurspace.io.images import MIN_SIDE, as_kernel, coding_for, encode_photo, read_photo, write_bytes
from blurspace.io.labels import MADE, labelled
from blurspace.io.raster import bare_exif
from blurspace.restore.diagnose import Diagnosis
from blurspace.restore.diagnose import diagnose as diagnose_seen
from blurspace.restore.driver import Restoration
from blurspace.restore.observed import Observed, as_float, as_stored
from blurspace.restore.origin import facts_of
from blurspace.restore.region import Mask, as_mask
from blurspace.run import Run, pick_device
from blurspace.runtimes.tuned import pick_runtime
from blurspace.types import Blur, Kernel, Pair, Photo, Receipt

What = str | Path | bytes | PIL.Image.Image | np.ndarray | Tensor

# What an option of `deblur` may be, and in words.
OPTIONS: dict[str, tuple[Any, str]] = {
    "method": (str, "the name of a method, such as auto"),
    "size": ((Integral, type(None)), "a whole number of px, or None"),
    "strength": (Real, "a number above 0 and at most 1"),
    "minutes": ((Real, type(None)), "a number above 0, or None"),
    "seed": ((Integral, type(None)), "a whole number, or None"),
    "generator": ((str, Path, type(None)), "printer, the path of a StyleGAN2's checkpoint, or None"),
    "weights": ((str, Path), "a path, or a list of them"),
    "device": (str, "auto, cpu, cuda or mps"),
    "runtime": (str, "auto, torch, onnx or openvino"),
    "run": ((Run, type(None)), "a Run, or None"),
}


@dataclass(frozen=True, repr=False)
class Result:
    """What became of one picture: the `restoration`, and the picture that was `given`."""

    restoration: Restoration
    given: "Picture"

    def __repr__(self) -> str:
        """What the interpreter shows."""
        return f"<blurspace.Result: {self.verdict}: {self.reason}>"

    @property
    def verdict(self) -> str:
        """ "restored", "left alone" or "refused"."""
        return self.restoration.receipt.verdict

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        return self.restoration.receipt.reason

    @property
    def blur(self) -> Blur | None:
        """The blur that was found; None where the picture is sharp."""
        return self.restoration.blur

    @property
    def receipt(self) -> Receipt:
        """What was done, in numbers."""
        return self.restoration.receipt

    @property
    def image(self) -> Any:
        """The picture, restored or as it was, as what was given: kind, shape and type; a NumPy array for files."""
        return self.given.like(self.restoration.restored) if self.verdict == "restored" else self.given.again()

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it in the format of the suffix, with the profile, EXIF and XMP of what was given.

        Of a file in that format, what is sharp already is written byte for byte. Raises OutputError where it was
        refused, where the path exists, or where the format cannot hold it.
        """
        if self.verdict == "refused":
            raise OutputError(f"there is nothing to save, for the picture was refused: {self.reason}")
        made = self.verdict == "restored" and MADE in self.restoration.notes
        write_bytes(path, self.given.encoded(self.restoration.restored, path, made=made), overwrite=overwrite)
        return Path(path)


def deblur(
    what: What,
    *,
    method: str = "auto",
    kernel: Kernel | np.ndarray | None = None,
    size: int | None = None,
    response: str | None = None,
    strength: float = 1.0,
    minutes: float | None = None,
    seed: int | None = None,
    generator: str | Path | None = None,
    weights: str | Path | Sequence[str | Path] = (),
    device: str = "auto",
    runtime: str = "auto",
    near: Blur | None = None,
    force: bool = False,
    region: What | None = None,
    run: Run | None = None,
) -> Result:
    """Remove the blur of one picture. The options are those of `builders.build_deblurrer`.

    `kernel`: (k k) or (1 1 k k). `region`: restores only there, a grey picture of the same size, or "auto" for the part
    that is blurred while another is sharp. `minutes`: a search takes at most about so many, by fewer steps (None: as it
    needs). `seed`: what a search draws at first (None: 0). `generator`: whose pictures method manifold searches,
    "printer" or the path of a StyleGAN2's checkpoint (None: printer). `runtime`: what computes the networks, "auto"
    being what `blurspace tune` found, or else torch. `near`: a blur like it, such as that of a video's last frame.
    `run`: who is told how far it is and who may stop it; its device is `device`. Raises PictureError or
    UsageError on what is no picture or no kernel, UsageError on options that make no sense, ModelError on methods and
    weights that are not there, Cancelled as `run` says, MemoryExhaustedError where even the smallest tile does not fit.
    """
    asked: Any = {"size": size, "strength": strength, "minutes": minutes, "seed": seed, "generator": generator}
    _check_options(method=method, weights=weights, device=device, runtime=runtime, run=run, **asked)
    place = pick_device(device)
    deblurrer = build_deblurrer(
        method,
        kernel=None if kernel is None else as_kernel(np.asarray(kernel), name="kernel"),
        response=response,
        weights=weights,
        device=place,
        runtime=pick_runtime(runtime, place),
        force=force,
        region=mask_of(region),
        **asked,
    )
    given = picture(what)
    own, facts = deblurrer.run(), given.facts
    how = own if run is None else replace(run, device=own.device, half=own.half)
    return Result(deblurrer(given.values, alpha=given.alpha, near=near, run=how, **facts), given)


def diagnose(what: What, *, response: str | None = None, run: Run | None = None) -> Diagnosis:
    """Say whether a picture is blurry, and how.

    `response`, `run`: as of `deblur`. Raises PictureError or UsageError on what is no picture, UsageError on an unknown
    response, Cancelled as `run` says.
    """
    _check_options(run=run)
    given = picture(what)
    seen = Observed(given.values, alpha=given.alpha, response=response, **given.facts)
    return diagnose_seen(seen, run)


def transfer(pair: tuple[What, What], what: What, *, space: str | Path | None = None) -> Any:
    """A picture with the blur that is between the two of `pair`, sharp and blurry: same kind, shape and type.

    `space`: weights of a kernel space, None for ours. Raises PictureError or UsageError on what is no picture and on a
    pair of two sizes, ModelError on weights that are missing or of no kernel space. Source: Tran et al. 2021, section
    3.4.
    """
    sharp, blurry = (as_float(picture(one).values) for one in pair)
    given = picture(what)
    blurred = transfer_code(build_space(space), Pair(sharp, blurry), as_float(given.values))
    return given.like(as_stored(blurred, given.values.dtype))


def mask_of(region: What | None) -> Mask:
    """The mask in a grey picture, white where to restore; "auto" and None as they are. Raises as `picture` does.

    What is transparent counts as black, and arrays and tensors may be bool.
    """
    if region is None or (isinstance(region, str) and region == "auto"):
        return None if region is None else "auto"
    if isinstance(region, np.ndarray) and region.dtype == bool:
        region = region.astype(np.float32)
    elif isinstance(region, Tensor) and region.dtype == torch.bool:
        region = region.float()
    given = picture(region)
    return as_mask(given.values, given.alpha)


@dataclass(frozen=True)
class Picture:
    """A picture that was `given`: its `values` (1 c h w) as they are stored, and `alpha` (1 1 h w) beside them."""

    given: Any
    values: Tensor
    alpha: Tensor | None = None
    photo: Photo | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What its file tells, if it was one: the noise that JPEG left in it, and in which light it is stored."""
        return {} if self.photo is None else facts_of(self.photo)

    def like(self, values: Tensor) -> Any:
        """New values (1 c h w) as what was given."""
        planes = values if self.alpha is None else torch.cat((values, self.alpha), 1)
        if isinstance(self.given, Tensor):
            return planes.reshape(self.given.shape).to(self.given)
        array = planes[0].permute(1, 2, 0).cpu().numpy()
        if isinstance(self.given, np.ndarray):
            return array.reshape(self.given.shape).astype(self.given.dtype)
        array = array[..., 0] if array.shape[-1] == 1 else array
        if not isinstance(self.given, PIL.Image.Image):
            return array
        image = PIL.Image.fromarray(array)
        image.info = dict(self.given.info)
        return image

    def again(self) -> Any:
        """What was given once more: arrays and tensors as a copy, files as an array."""
        if isinstance(self.given, Tensor):
            return self.given.clone()
        return self.given.copy() if hasattr(self.given, "copy") else self.like(self.values)

    def encoded(self, values: Tensor, path: str | Path, *, made: bool = False) -> bytes:
        """New values (1 c h w) as a file of the format that the path names; `made`: it says that a generator did."""
        coding = coding_for(path)
        if self.photo is not None:
            photo = labelled(self.photo) if made else self.photo
            if photo.format != coding.format:
                return encode_photo(replace(photo, coding=coding), values)
            same = photo.source is not None and values is self.values
            return photo.source if same else encode_photo(photo, values)  # type: ignore[return-value]
        dtype = torch.uint8 if values.is_floating_point() else values.dtype
        alpha = None if self.alpha is None else as_stored(self.alpha, dtype).cpu()
        told = getattr(self.given, "info", {})  # of a Pillow image
        exif = bare_exif(told.get("exif"))
        photo = Photo(as_stored(values, dtype).cpu(), alpha, coding, icc=told.get("icc_profile"), exif=exif)
        return encode_photo(labelled(photo) if made else photo, photo.samples)


def picture(what: What) -> Picture:
    """What was given, as a picture. Raises PictureError on files that are none, UsageError on other shapes or types."""
    if isinstance(what, (str, Path, bytes)):
        photo = read_photo(what)
        return Picture(what, photo.samples, photo.alpha, photo)
    if isinstance(what, PIL.Image.Image):
        if what.mode not in ("L", "LA", "RGB", "RGBA", "I;16"):
            raise UsageError(f"a Pillow image of mode {what.mode} was given: convert it to L, LA, RGB, RGBA or I;16")
        try:
            plain = np.array(what).reshape(what.height, what.width, -1)
        except (OSError, SyntaxError, ValueError) as problem:  # Pillow decodes it only now
            given = f"the Pillow image cannot be decoded ({problem})"
            raise PictureError(f"{given}: open it again from a whole file") from problem
        planes = torch.from_numpy(plain).permute(2, 0, 1)
    elif isinstance(what, (np.matrix, np.ma.MaskedArray)):
        raise UsageError(f"a NumPy {type(what).__name__} was given: give a plain array, for nothing else of it is kept")
    elif isinstance(what, np.ndarray):
        if what.ndim not in (2, 3) or not what.size:
            raise UsageError(f"an array of shape {what.shape} was given: give (h, w) or (h, w, channels)")
        if what.dtype.kind not in "uif" or what.dtype.itemsize > 8:
            raise UsageError(f"an array of {what.dtype} was given: give uint8, uint16 or floats in [0, 1]")
        plain = np.require(what, what.dtype.newbyteorder("="), ["C", "W"]).reshape(*what.shape[:2], -1)
        planes = torch.from_numpy(plain).permute(2, 0, 1)
    elif isinstance(what, Tensor):
        if what.ndim not in (2, 3, 4) or (what.ndim == 4 and len(what) != 1):
            raise UsageError(f"a tensor of shape {tuple(what.shape)} was given: give (h, w), (c, h, w) or (1, c, h, w)")
        if what.layout != torch.strided or what.is_meta:
            raise UsageError("a sparse or empty tensor was given: give a dense one")
        planes = what.detach().reshape(-1, *what.shape[-2:])
    else:
        raise UsageError(f"{type(what).__name__} was given: give a path, bytes, a Pillow image, an array or a tensor")
    return _checked(what, planes[None])


def _check_options(**given: object) -> None:
    """Raise UsageError on the first option that is of no kind that it may be."""
    for name, value in given.items():
        kinds, wanted = OPTIONS[name]
        many = value if name == "weights" and isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        if not all(isinstance(one, kinds) for one in many):
            raise UsageError(f"{name}={value!r} was given: give {wanted}")


def _checked(what: What, planes: Tensor) -> Picture:
    """Split off alpha, and see that the values can be a picture."""
    channels, size = planes.shape[1], planes.shape[-2:]
    if min(size) < MIN_SIDE:
        raise UsageError(f"a picture of {size[1]} x {size[0]} pixels was given: give at least {MIN_SIDE} a side")
    if not 1 <= channels <= 4:
        raise UsageError(f"a picture with {channels} channels was given: give 1 or 3, or with alpha 2 or 4")
    if planes.is_floating_point():
        planes = planes.float()
        if not bool((planes >= 0).all() and (planes <= 1).all()):  # nor where it is no number
            raise UsageError("a picture of floats was given with values outside [0, 1]: scale it first")
    elif planes.dtype not in (torch.uint8, torch.uint16):
        raise UsageError(f"a picture of {planes.dtype} was given: give uint8, uint16 or floats in [0, 1]")
    colours = channels - 1 + channels % 2
    return Picture(what, planes[:, :colours], planes[:, colours:] if colours < channels else None)
