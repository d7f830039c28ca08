"""blurspace understands blur: it estimates, shows, synthesises and removes it, and says honestly what it did.

The public names are imported when they are first used, so that `import blurspace` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from blurspace.api import Result, deblur, diagnose, transfer
    from blurspace.augment import CameraBlur
    from blurspace.blur.kernels import extent, shake, show
    from blurspace.builders import build_camera, build_deblurrer, build_space
    from blurspace.errors import BlurspaceError
    from blurspace.io.images import encode_photo, read_kernel, read_photo, write_bytes, write_kernel
    from blurspace.metrics import psnr, ssim
    from blurspace.restore.deblurrer import Deblurrer
    from blurspace.restore.diagnose import Diagnosis
    from blurspace.restore.driver import Restoration
    from blurspace.run import Run
    from blurspace.types import Blur, Photo, Receipt

_HOMES = {
    "blurspace.api": ("Result", "deblur", "diagnose", "transfer"),
    "blurspace.augment": ("CameraBlur",),
    "blurspace.blur.kernels": ("extent", "shake", "show"),
    "blurspace.builders": ("build_camera", "build_deblurrer", "build_space"),
    "blurspace.restore.deblurrer": ("Deblurrer",),
    "blurspace.restore.driver": ("Restoration",),
    "blurspace.restore.diagnose": ("Diagnosis",),
    "blurspace.errors": ("BlurspaceError",),
    "blurspace.io.images": ("encode_photo", "read_kernel", "read_photo", "write_bytes", "write_kernel"),
    "blurspace.metrics": ("psnr", "ssim"),
    "blurspace.run": ("Run",),
    "blurspace.types": ("Blur", "Photo", "Receipt"),
}

__all__ = [
    "Blur",
    "BlurspaceError",
    "CameraBlur",
    "Deblurrer",
    "Diagnosis",
    "Photo",
    "Receipt",
    "Restoration",
    "Result",
    "Run",
    "build_camera",
    "build_deblurrer",
    "build_space",
    "deblur",
    "diagnose",
    "encode_photo",
    "extent",
    "psnr",
    "read_kernel",
    "read_photo",
    "shake",
    "show",
    "ssim",
    "transfer",
    "write_bytes",
    "write_kernel",
]


def __getattr__(name: str) -> Any:
    """Import a public name from the room it lives in."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'blurspace' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
