# %% [markdown]
# # Search
#
# One photo, one blur that changes over it, and minutes: a search for both at once. To be quick, this takes a small
# piece; [when to use it](../docs/search.md) and what it gained is measured elsewhere.

# %%
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import blurspace
from blurspace.blur.convolve import blur

ROOT = Path(__file__).parent.parent


def picture(pixels):
    """Pixels (1 3 h w) as a picture to look at."""
    return Image.fromarray((pixels[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255).round().astype("uint8"))


# %% [markdown]
# A piece of a photo whose blur changes: one shake on the left, a longer one on the right, and both in the middle.

# %%
values = np.asarray(Image.open(ROOT / "docs" / "gallery" / "mural-sharp.jpg").convert("RGB").crop((60, 60, 188, 188)))
sharp = torch.from_numpy(values.copy()).permute(2, 0, 1)[None] / 255
left, right = (blurspace.shake(21, extent=px, generator=torch.Generator().manual_seed(3)) for px in (9, 17))
share = torch.linspace(0, 1, sharp.shape[-1])
blurry = blur(sharp, left) * (1 - share) + blur(sharp, right) * share
picture(blurry)

# %% [markdown]
# First a kernel is found, as `auto` does; then what differs from place to place. `minutes=` would bound the time of
# these steps.

# %%
result = blurspace.deblur(picture(blurry), method="search", seed=0)
print(result.verdict, "-", result.reason)
result.image

# %% [markdown]
# How near is it to the sharp piece, which the search has not seen?

# %%
near = [
    torch.from_numpy(np.asarray(one).copy()).permute(2, 0, 1)[None] / 255 for one in (picture(blurry), result.image)
]
print(" -> ".join(f"{float(blurspace.psnr(one, sharp)):.2f} dB" for one in near))
