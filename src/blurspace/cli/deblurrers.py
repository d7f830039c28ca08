"""Which deblurrer do the options of `deblur` ask for?"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blurspace.errors import PictureError, UsageError

if TYPE_CHECKING:
    from blurspace.restore.deblurrer import Deblurrer

# What --camera leaves no room for.
SEARCHES: dict[str, Any] = {"minutes": None, "seed": None, "generator": None}
UNSET = {"size": None, "response": None, "strength": 1.0, "weights": (), **SEARCHES}


def deblurrer_of(asked: Mapping[str, Any]) -> "Deblurrer":
    """What the settings of `deblur` ask for. Raises UsageError where they contradict each other."""
    from blurspace.builders import build_deblurrer
    from blurspace.io.images import read_kernel, read_photo
    from blurspace.restore.region import as_mask

    method, camera, place = (asked[name] for name in ("method", "camera", "device"))
    kernel, force, region = (asked[name] for name in ("kernel", "force", "region"))
    settings = {name: asked[name] for name in UNSET}
    how = {"device": place, "runtime": asked.get("runtime", "torch")}  # older sidecars name none
    if region not in (None, "auto"):
        painted = _option(read_photo, Path(region))
        region = as_mask(painted.samples, painted.alpha)
    if camera is not None:
        from blurspace.builders import build_camera

        if method != "auto" or kernel is not None or force or settings != UNSET:
            raise UsageError("--camera brings its own method: leave --method, --kernel, --size and the like out")
        return replace(build_camera(camera, **how), region=region)
    if settings["weights"] and method != "auto":
        raise UsageError("--weights and --method were both given: the weights say which method they are of")
    if kernel is not None and settings["size"] is not None:
        raise UsageError("--kernel and --size were both given: a given kernel has its own size, leave --size out")
    given = None if kernel is None else _option(read_kernel, kernel)
    return build_deblurrer(method, kernel=given, force=force, region=region, **how, **settings)


def rebuilt(settings: Mapping[str, Any], device: str) -> "Deblurrer":
    """The same on another device, where a worker has it; it reads the files that were named."""
    return deblurrer_of({**settings, "device": device})


def _option(read: Callable[[Path], Any], path: Path) -> Any:
    """What an option's file holds. Raises UsageError where it cannot be read: no photo has failed yet."""
    try:
        return read(path)
    except PictureError as error:
        raise UsageError(str(error)) from error
