# %% [markdown]
# # Adapt
#
# You have blurry pictures of one camera, sharp pictures of it, and no pairs. What can be told from the two piles, and
# is a translator of this camera's blur worth having? `blurspace adapt` answers both. This runs it on piles made up
# here, with hardly any training; with the default, half an hour, it learns something.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.cli import main
from blurspace.train.unknown import guess_camera

ROOT = Path(__file__).parent.parent
folder = Path(tempfile.mkdtemp())
SHARP, BLURRY = ("lighthouse", "mural", "window", "aeroplane"), ("barn", "caps", "which")


def pieces(names):
    """Three pieces (3 160 160) in [0, 1] of each picture of the gallery."""
    for name in names:
        values = np.asarray(Image.open(ROOT / "docs" / "gallery" / f"{name}-sharp.jpg").convert("RGB"))
        yield from (
            torch.from_numpy(values[40:200, at : at + 160].copy()).permute(2, 0, 1) / 255 for at in (0, 70, 140)
        )


def save(name, pictures):
    """A pile, as a folder of files."""
    (folder / name).mkdir()
    for number, pixels in enumerate(pictures):
        values = (pixels.permute(1, 2, 0).clamp(0, 1).numpy() * 255).round().astype("uint8")
        Image.fromarray(values).save(folder / name / f"{number}.png")


# %% [markdown]
# This camera moves along the columns while it takes a picture, over 9 px. The two piles show different things.

# %%
sharp = list(pieces(SHARP))
blurry = [blur(pixels[None], line(9, 90))[0] for pixels in pieces(BLURRY)]
save("sharp", sharp)
save("blurry", blurry)
print(len(blurry), "blurry,", len(sharp), "sharp")

# %% [markdown]
# What the camera does can be read from the power spectra of the two piles: a blur takes away the same frequencies of
# every picture.

# %%
stacks = [[(pixels * 255).round().to(torch.uint8) for pixels in pile] for pile in (blurry, sharp)]
guess = guess_camera(*stacks)
kernel = guess.mixture.mean()[0, 0]
drawn = Image.fromarray((kernel / kernel.max() * 255).numpy().astype("uint8"))
drawn.resize((160, 160), Image.Resampling.NEAREST)

# %% [markdown]
# Now the whole thing. What it has to say, it says beside its work; the last line is where the camera's file is.

# %%
piles = ["--blurry", str(folder / "blurry"), "--sharp", str(folder / "sharp")]
main(["adapt", *piles, "--known", "belt", "--max-minutes", "0.1", "-o", str(folder / "camera.safetensors")])

# %% [markdown]
# And the verdict. After so little training it cannot be to use the translator, and the report says so. For people there
# is the same as a page, `camera.html`.

# %%
report = json.loads((folder / "camera.json").read_text(encoding="utf-8"))
print(f"{report['verdict']}: {report['reason']}")
