"""How do floating-point samples become pixels in [0, 1], and what does 1 stand for then?"""

import numpy as np

from blurspace.errors import PictureError


def finite(samples: np.ndarray) -> np.ndarray:
    """As float32. Raises PictureError ("THIS FILE" holds ...) where there are others than finite numbers."""
    with np.errstate(over="ignore"):  # a double that is no float32 becomes infinity, and is refused
        samples = samples.astype(np.float32)
    if not np.isfinite(samples).all():
        raise PictureError("holds NaN or infinity, where numbers were wanted: fill these pixels first")
    return samples


def into_range(samples: np.ndarray) -> tuple[float, tuple[str, ...]]:
    """Bring samples (h w c) into [0, 1], in place; what 1 stands for from now on, and what must be said.

    Numbers up to 1 stay as they are; where there are higher ones, all colours are divided by the highest.
    """
    colours = samples[..., : samples.shape[-1] - 1 + samples.shape[-1] % 2]
    told = ("its values below 0 become 0",) if colours.min() < 0 else ()
    scale = max(1.0, float(colours.max()))
    colours /= np.float32(scale)
    samples.clip(0, 1, out=samples)
    return scale, told
