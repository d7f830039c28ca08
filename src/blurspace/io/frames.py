"""What are the pixels of a video's frame, and how does it get new ones?"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from blurspace.levels import from_levels, to_levels
from blurspace.types import Image

QUARTER = 90  # degrees


@dataclass(frozen=True)
class VideoFrame:
    """A frame: its `index` in the video, from 0, and PyAV's `frame`, of whose pixels copies are made when asked for."""

    index: int
    frame: Any

    @property
    def seconds(self) -> float:
        """When it is shown."""
        return float(self.frame.time or 0.0)

    @property
    def depth(self) -> int:
        """Bits of its deepest component."""
        return depth_of(self.frame.format)

    def grey(self) -> Image:
        """How bright it is (1 1 h w), in [0, 1]."""
        return from_levels(torch.from_numpy(np.ascontiguousarray(self.frame.to_ndarray(format="gray")))[None, None])

    def pixels(self) -> Tensor:
        """Its RGB values (1 3 h w), as they are stored, not turned: uint8, or float32 in [0, 1] if they are deeper."""
        deep = self.depth > 8
        array = self.frame.to_ndarray(format="rgb48le" if deep else "rgb24", **_exactly())
        values = torch.from_numpy(array).permute(2, 0, 1)[None]
        return from_levels(values) if deep else values.contiguous()

    def upright(self) -> Tensor:
        """The same, turned by the quarters that its file asks for; other angles are left."""
        turns, rest = divmod(int(self.frame.rotation), QUARTER)  # degrees, counter-clockwise
        return self.pixels() if rest else torch.rot90(self.pixels(), turns % 4, (-2, -1)).contiguous()

    def replaced(self, pixels: Tensor) -> "VideoFrame":
        """The frame with other RGB values (1 3 h w; uint8, or float32 in [0, 1]); time, format and colours stay."""
        from av import VideoFrame as AvFrame

        old, deep = self.frame, self.depth > 8
        if pixels.is_floating_point() or deep:
            pixels = to_levels(pixels if pixels.is_floating_point() else from_levels(pixels), 16 if deep else 8)
        array = np.ascontiguousarray(pixels[0].permute(1, 2, 0).cpu().numpy())
        new = AvFrame.from_ndarray(array, format="rgb48le" if deep else "rgb24")
        how = {"dst_colorspace": int(old.colorspace), "dst_color_range": int(old.color_range)}
        new = new.reformat(format=old.format.name, **how, **_exactly())
        for name in ("pts", "time_base", "colorspace", "color_range", "color_primaries", "color_trc"):
            setattr(new, name, getattr(old, name))
        return replace(self, frame=new)


def depth_of(pixel_format: Any) -> int:
    """Bits of the deepest component of one of PyAV's pixel formats."""
    return max(component.bits for component in pixel_format.components)


def _exactly() -> dict[str, Any]:
    """How FFmpeg converts colours without the short cuts that cost levels.

    Not BILINEAR: with FULL_CHR_H_INT, FFmpeg 8.1 then makes 4:2:0 of 10 bits wrong by 50 levels on average.
    """
    from av.video.reformatter import Interpolation as How

    return {"interpolation": How.BICUBIC | How.ACCURATE_RND | How.FULL_CHR_H_INT | How.FULL_CHR_H_INP}
