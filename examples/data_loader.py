# %% [markdown]
# # A camera's blur in a data loader
#
# Train anything (a detector, a reader of text, a deblurrer) on pictures that are blurred as one camera blurs. Pairs of
# that camera go in; what is between the two pictures of each is kept as a *code*, in a bank; and a plain callable puts
# such blur onto any picture. It is centred: boxes and masks stay true.

# %%
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

import blurspace
from blurspace.blur.convolve import blur
from blurspace.cli import main

ROOT = Path(__file__).parent.parent
folder = Path(tempfile.mkdtemp())


def load(name):
    """A piece of a picture (3 160 160) in [0, 1]."""
    values = np.asarray(Image.open(ROOT / "docs" / "gallery" / name).convert("RGB").crop((60, 20, 220, 180)))
    return torch.from_numpy(values.copy()).permute(2, 0, 1) / 255


def picture(pixels):
    """The same as a picture to look at, or to save."""
    return Image.fromarray((pixels.permute(1, 2, 0).clamp(0, 1).numpy() * 255).round().astype("uint8"))


# %% [markdown]
# The camera of this example is made up: it shakes. Its pairs lie in two folders, as data sets keep them.

# %%
sharp = load("window-sharp.jpg")
for number in range(3):
    shake = blurspace.shake(19, generator=torch.Generator().manual_seed(number))
    for kind, pixels in (("sharp", sharp), ("blur", blur(sharp[None], shake)[0])):
        (folder / "pairs" / kind).mkdir(parents=True, exist_ok=True)
        picture(pixels).save(folder / "pairs" / kind / f"{number}.png")

# %% [markdown]
# The bank is made once, on the command line: `blurspace transfer --pairs pairs/ --bank bank.safetensors`.

# %%
main(["transfer", "--pairs", str(folder / "pairs"), "--bank", str(folder / "bank.safetensors"), "--quiet"])
camera = blurspace.CameraBlur(folder / "bank.safetensors", share=0.8)  # four of five pictures are blurred

# %% [markdown]
# In a data set it is one line. What comes back beside the picture is the code, for whoever wants to blur the same way
# again.


# %%
class Photos(Dataset):
    """Sharp pictures, and what this camera would have made of them."""

    names = ("lighthouse-sharp.jpg", "mural-sharp.jpg", "barn-sharp.jpg", "caps-sharp.jpg")

    def __len__(self):
        """How many there are."""
        return len(self.names)

    def __getitem__(self, index):
        """A sharp and a blurry picture (3 160 160)."""
        sharp = load(self.names[index])
        blurry, _code = camera(sharp)
        return sharp, blurry


torch.manual_seed(0)
loader = DataLoader(Photos(), batch_size=2)
for sharp, blurry in loader:
    print(tuple(blurry.shape), f"{float(blurspace.psnr(blurry, sharp).mean()):.1f} dB from the sharp ones")

# %% [markdown]
# A picture, and the same with the camera's blur:

# %%
picture(torch.cat([sharp[0], blurry[0]], dim=-1))
