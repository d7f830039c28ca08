"""Which pictures are lines of print? Those that this decoder makes of a point on each of its spheres.

A latent has one vector for the line as a whole, then one for each 8 px of it, so that any text can be expressed and a
line may be of any length; it has one shade of ink and one of paper. All of it is our choice, after the autoencoders on
a sphere of Xu and Durrett 2018.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from blurspace.errors import PictureError
from blurspace.nets.sphere import on_sphere
from blurspace.nets.unet import Block
from blurspace.pixels import luminance
from blurspace.types import AnyImage, Image

ROWS = 4  # of the smallest maps, below a line of 32 px
PLACE = 8  # px of a line that one vector stands for
FIRST_SHADES = (1.0, -1.0)  # of paper and ink, as logits
FAINTEST = 0.02  # the deviation of a line's pixels below which its contrast is noise


class Printer(nn.Module):
    """A latent (b numbers 1 + places), on spheres along its numbers, to a line (b 1 32 8 places), and back.

    `width`: channels of the maps along the line; `maps`: of the pictures at 1/8, 1/4 and 1/2 of the size, as they are
    decoded, and `seen` as they are encoded.
    """

    height = 2**3 * ROWS
    dim = 1  # that of a latent's vectors

    def __init__(
        self,
        *,
        numbers: int = 16,
        width: int = 160,
        blocks: int = 3,
        maps: Sequence[int] = (64, 48, 24),
        seen: Sequence[int] = (64, 32, 16),
    ) -> None:
        """Weights are random until loaded or trained."""
        super().__init__()
        self.numbers = numbers
        self.write = nn.Sequential(nn.Conv2d(2 * numbers, width, 1), *(_Along(width) for _ in range(blocks)))
        self.stand = nn.Conv2d(width, ROWS * maps[0], 1)
        ups = [layer for a, b in pairwise(maps) for layer in (Block(a), nn.Conv2d(a, 4 * b, 3, padding=1), _UP)]
        self.draw = nn.Sequential(*ups, Block(maps[-1]), nn.Conv2d(maps[-1], 4, 3, padding=1), _UP)
        self.shades = nn.Conv2d(numbers, 2, 1)
        fine = tuple(reversed(seen))
        downs = [layer for a, b in pairwise(fine) for layer in (Block(a), nn.Conv2d(a, b, 2, stride=2))]
        self.look = nn.Sequential(nn.Conv2d(4, fine[0], 3, padding=1), *downs, Block(fine[-1]))
        self.read = nn.Sequential(nn.Conv2d(ROWS * fine[-1], width, 1), *(_Along(width) for _ in range(blocks)))
        # Without the normalisation all lines are read as one point at first, and learning hardly leaves it.
        self.whole = nn.Sequential(nn.Conv2d(width + 2, numbers, 1), nn.BatchNorm2d(numbers, affine=False))
        self.places = nn.Sequential(nn.Conv2d(width, numbers, 1), nn.BatchNorm2d(numbers, affine=False))
        self.shades.bias = nn.Parameter(torch.tensor(FIRST_SHADES))  # where both are alike, no mask is learned

    def forward(self, latent: Tensor) -> Image:
        """The line (b 1 32 8 places), about in [0, 1], of a latent (b numbers 1 + places)."""
        whole, places = latent[:, :, None, :1], latent[:, :, None, 1:]
        along = self.write(torch.cat((whole.expand_as(places), places), 1))
        # Not kept in [0, 1] by a logistic curve: it would be flat where a line is still blank, and nothing be learned.
        mask = self.draw(self.stand(along).unflatten(1, (-1, ROWS)).squeeze(3))
        paper, ink = self.shades(whole).sigmoid().chunk(2, 1)
        return paper + (ink - paper) * mask

    def encode(self, line: Image) -> Tensor:
        """The latent (b numbers 1 + places), on its spheres, of a line (b 1 32 8 places)."""
        variance, mean = torch.var_mean(line, (-2, -1), keepdim=True)
        deviation = (variance + FAINTEST**2).sqrt()
        maps = self.look(functional.pixel_unshuffle((line - mean) / deviation, 2))
        along = self.read(maps.flatten(1, 2)[:, :, None])
        of_all = torch.cat((along.mean(-1, keepdim=True), mean, deviation), 1)
        latent = torch.cat((self.whole(of_all), self.places(along)), -1)
        return on_sphere(latent[:, :, 0].float(), self.dim)

    def latent(self, size: tuple[int, int], *, generator: Generator | None = None) -> Tensor:
        """A drawn latent (1 numbers 1 + places) of lines for pictures of `size` (h, w), which may lie in between.

        Raises PictureError on pictures smaller than a line.
        """
        height, width = size
        if height < self.height or width < PLACE:
            given = f"a picture of {width} x {height} px was given, smaller than a line of {self.height} px"
            raise PictureError(f"{given}: give a bigger one")
        places = round(width * self.height / height / PLACE)
        return on_sphere(torch.randn(1, self.numbers, 1 + max(1, places), generator=generator), self.dim)

    @torch.no_grad()
    def begin(self, photo: Image) -> Tensor:
        """The latent (1 numbers 1 + places) that is read from a photo (1 c h w), blurry or not."""
        places = self.latent((photo.shape[-2], photo.shape[-1])).shape[-1] - 1
        line = functional.interpolate(luminance(photo), (self.height, PLACE * places), mode="bilinear", antialias=True)
        return self.encode(line)

    def of_size(self, line: Image, size: tuple[int, int]) -> AnyImage:
        """A line for pictures of `size` (h, w)."""
        return functional.interpolate(line, size, mode="bicubic").clamp(0, 1) if line.shape[-2:] != size else line


class _Along(nn.Module):
    """Two convolutions along the line around a ReLU, added to their input (b width 1 places)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, (1, 3), padding=(0, 1))
        self.second = nn.Conv2d(width, width, (1, 3), padding=(0, 1))

    def forward(self, along: Tensor) -> Tensor:
        return along + self.second(functional.relu(self.first(along)))


_UP = nn.PixelShuffle(2)
