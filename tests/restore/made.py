"""Methods that do as told, for tests of what stands around them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from blurspace.areas import whole
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Found, Method, Restoration
from blurspace.types import Blur, Image


@dataclass(frozen=True)
class MadeRestorer:
    """A restorer that is a function of a tile's light."""

    restore: Callable[[Tensor], Tensor]
    margin: int = 32
    multiple: int = 1
    bytes_per_px: int = 100

    def __call__(self, tile, area, run):
        return self.restore(tile)


def restoring(restore: Callable[[Tensor], Tensor], **facts: int):
    """What builds the restorer that is this function; `facts`: its margin and so on."""
    return lambda seen, found, run: MadeRestorer(restore, **facts)


def finding(blur: Blur | None, confidence: float | None = None, **facts):
    """A finder that always finds this."""
    return lambda seen, run: Found(blur, confidence, **facts)


def made_method(restore: Callable[[Tensor], Tensor], blur: Blur, *, name: str = "made", **facts: int) -> Method:
    """The method that finds this blur, and restores by this function."""
    return Method(name, finding(blur), restoring(restore, **facts))


def with_restorers(deblurrer: Deblurrer, **restorers) -> Deblurrer:
    """The deblurrer, whose methods of these names restore by other functions."""
    return replace(
        deblurrer,
        methods=tuple(
            replace(method, restorer=restorers.get(method.name, method.restorer)) for method in deblurrer.methods
        ),
    )


def with_finder(deblurrer: Deblurrer, find) -> Deblurrer:
    """The deblurrer, all of whose methods ask this finder."""
    return replace(deblurrer, methods=tuple(replace(method, find=find) for method in deblurrer.methods))


def reblurred(result: Restoration) -> Image:
    """The restored picture under the blur that was found."""
    return result.blur.reblur(result.restored, whole(tuple(result.restored.shape[-2:])))
