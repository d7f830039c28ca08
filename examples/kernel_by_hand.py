# %% [markdown]
# # A kernel by hand
#
# You know how the camera moved, or can see it in a point of light: draw the kernel, and undo it. No search is needed,
# so this takes a second.

# %%
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

import blurspace
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear

ROOT = Path(__file__).parent.parent
sharp = Image.open(ROOT / "docs" / "gallery" / "lighthouse-sharp.jpg")

# %% [markdown]
# A kernel is a grey picture of odd size: how long the light of one point stayed where. This is a hook.

# %%
drawn = Image.new("L", (21, 21))
ImageDraw.Draw(drawn).line([(3, 15), (9, 6), (16, 8), (17, 12)], fill=255, width=1)
drawn.resize((160, 160), Image.Resampling.NEAREST)

# %% [markdown]
# To have something to try it on, blur a sharp photo with it. Light is blurred, not the values of the file, so this goes
# to linear light and back.

# %%
kernel = np.asarray(drawn, dtype=np.float32)
kernel /= kernel.sum()
picture = torch.from_numpy(np.asarray(sharp).copy()).permute(2, 0, 1)[None] / 255
light = blur(to_linear(picture, "srgb"), torch.from_numpy(kernel)[None, None])
blurry = Image.fromarray((to_display(light, "srgb")[0].permute(1, 2, 0).numpy() * 255).round().astype("uint8"))
blurry

# %% [markdown]
# Now undo it. The receipt is asked here as well: a kernel that does not fit the photo is refused.

# %%
result = blurspace.deblur(blurry, kernel=kernel, response="srgb")
print(result.verdict, "-", result.reason)
result.image

# %% [markdown]
# A kernel that is turned or mirrored, as other programs may write it, has the same length and can explain the photo
# nearly as well. The receipt tries it turned by 180 degrees and mirrored, and says where that fits clearly better.
# Other wrong kernels are often refused, but not always: so the receipt is no proof; look at the result. Here the truth
# is known, and PSNR tells what a forced one loses.

# %%
wrong = blurspace.deblur(blurry, kernel=kernel[::-1].copy(), response="srgb")
print(wrong.verdict, "-", wrong.reason)
forced = blurspace.deblur(blurry, kernel=kernel[::-1].copy(), response="srgb", force=True)
for name, tried in (("the hook", result), ("upside down", forced)):
    near = torch.from_numpy(np.asarray(tried.image).copy()).permute(2, 0, 1)[None] / 255
    print(f"{name}: {tried.verdict}, {float(blurspace.psnr(near, picture)):.1f} dB from the sharp photo")
forced.image

# %% [markdown]
# The command line does the same with a file, also with one that you painted in an image editor, white on black:
#
# ```
# blurspace deblur photo.jpg --kernel drawn.png -o mine.jpg
# ```
