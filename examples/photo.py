# %% [markdown]
# # A photo
#
# Restore one photo, and read its receipt. To be quick, this takes a piece of a demo photo and the method `fast`; for
# your own photo leave `method` out. Run it from the project's folder: `python examples/photo.py`.

# %%
from pathlib import Path

from PIL import Image

import blurspace

ROOT = Path(__file__).parent.parent
photo = Image.open(ROOT / "demo" / "shaken-cereal.jpg").crop((210, 170, 370, 330))
photo

# %% [markdown]
# Is it blurry at all, and how? `diagnose` changes nothing.

# %%
seen = blurspace.diagnose(photo)
print(seen.kind, f"{seen.length_px:.0f} px at {seen.angle_deg:.0f} degrees")

# %% [markdown]
# One call restores it. The result says in a sentence what was done, or why nothing was.

# %%
result = blurspace.deblur(photo, method="fast")
print(result.verdict, "-", result.reason)
result.image

# %% [markdown]
# The receipt has the numbers. A high `reblur_psnr` says that the result, blurred again, gives the photo back; that
# alone proves little, so there are others, and a probability that the result is better than the photo.

# %%
receipt = result.receipt
print(f"better than the photo with probability {receipt.probability_better:.2f}")
print(f"blurred again, it is {receipt.reblur_psnr:.1f} dB from the photo; {receipt.change_psnr:.1f} dB were changed")

# %% [markdown]
# The blur that was found is a picture, too: the path of the shake, enlarged.

# %%
kernel = blurspace.show(result.blur.kernel, size=160, sqrt=True)
Image.fromarray((kernel[0, 0].numpy() * 255).astype("uint8"))
