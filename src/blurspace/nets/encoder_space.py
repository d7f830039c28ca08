"""Which blur lies between these two pictures, as a learned code, and how does another picture look with it?

The published kernel space of Tran, Tran, Phung and Hoai 2021, "Explore Image Deblurring via Encoded Blur Kernel Space",
sections 3.1 and 3.4: a U-Net that blurs by a code, and a ResNet that reads the code from a sharp-blurry pair. Trained
together, they need pairs and no kernels (Eq. 4); what was read from one pair blurs any other picture (section 3.4).

The paper's letters: x, sharp; y, blurry; k, code; F, reblur; G, extract. Its text leaves the layers to a supplement;
they follow a description of the published code (VinAIResearch/blur-kernel-space-exploring, 2021: kernel_wizard.py,
resnet.py, unet_parts.py and the settings of GOPRO), whose numbers are the defaults here.
"""

import hashlib
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.nets.unet import Block
from blurspace.types import Code, Image

# All published. Features at a quarter of the resolution, and five halvings on top: a code's map has stride 128.
HALVINGS = 5
CELL = 4 * 2**HALVINGS
LEAST_CELLS = 2  # the extractor's reflect padding cannot run on a map of 1x1
SLOPE, DOWN_SLOPE = 0.1, 0.2  # of LeakyReLU around the residual blocks, and on the U-Net's way down
QUIET = 0.1  # residual blocks start at a tenth of He's weights
SAMPLE_SCALE = 1.2  # codes are drawn this much wider than they are trained to be (generate_blur.py)


class EncoderSpace(nn.Module):
    """A space of blurs: `extract` reads the code of a sharp-blurry pair, `reblur` blurs a picture by a code.

    `width`: channels at the picture's side. `code_width`: numbers per cell of a code; inner layers double from `width`
    and stop there. `front_blocks`, `back_blocks`, `extractor_blocks`: residual blocks before the U-Net, after it, and
    of the extractor. `variational`: a pair has a normal distribution of codes, drawn to the standard normal in
    training (`losses.divergence`), so that `sample` can draw blurs; the extractor is then twice as wide, as published.
    The defaults are the published sizes: 49.2 M numbers, 115.3 M if variational.

    Pictures: (b c h w) in [0, 1], display-referred, c = 3, or 1, which is repeated to 3 and its answer averaged. Any
    size: edge pixels are repeated below and to the right up to a multiple of 128 px, at least 256, and cut off again.
    A code: (b code_width p q), any range, with p = ceil(h / 128), at least 2, and q likewise from w.

    Source: Tran et al. 2021, section 3.1 and figure 2, in the form of the published code. Where we differ:
    - The last convolution starts at zero: training starts at the sharp picture, not at noise. No code leaves a picture
      alone by construction: for a rest code take the one that `extract` gives a picture paired with itself.
    - The extractor and the U-Net start at He's weights: with torch's usual ones a code moves next to nothing.
    - The variational extractor gives a log variance; the published one gives sigma itself, raw, so of either sign.
    As published, the U-Net passes the code through a ReLU: of its negative numbers it sees only that they are not > 0.
    """

    def __init__(
        self,
        *,
        width: int = 64,
        code_width: int = 512,
        front_blocks: int = 10,
        back_blocks: int = 20,
        extractor_blocks: int = 4,
        variational: bool = False,
    ) -> None:
        """Build the network with random weights; raises UsageError unless both widths are at least 1."""
        super().__init__()
        if min(width, code_width) < 1:
            raise UsageError(f"widths of {width} and {code_width} channels were given: give at least 1")
        self.code_width, self.variational = code_width, variational
        self.features = _features(width, front_blocks)
        self.extractor = _extractor(width, 2 * code_width if variational else code_width, extractor_blocks)
        self.adapter = _Adapter(width, code_width)
        self.reconstruction = _reconstruction(width, back_blocks)

    def forward(self, sharp: Image, blurry: Image) -> Image:
        """What the code of a pair makes of its own sharp picture: all (b c h w). Raises UsageError as `extract`."""
        return self.reblur(sharp, self.extract(sharp, blurry))

    def extract(self, sharp: Image, blurry: Image) -> Code:
        """The code of aligned pairs, both (b c h w), or the mean of its distribution. UsageError on other shapes."""
        return self._read(sharp, blurry)[:, : self.code_width]

    def encode(self, sharp: Image, blurry: Image) -> tuple[Code, Code]:
        """The mean and the log variance of the codes of aligned pairs, both (b c h w).

        Raises UsageError on other shapes, and without the variational option.
        """
        self._check_variational()
        mean, log_variance = self._read(sharp, blurry).chunk(2, 1)
        return mean, log_variance

    def reblur(self, sharp: Image, code: Code) -> Image:
        """Blur pictures (b c h w) by a code (b or 1, code_width, p, q): (b c h w), not clamped.

        A code's map of another size than the picture's is resized bilinearly; the published network takes only codes
        of pictures of the same size. Raises UsageError on other shapes.
        """
        _check_picture(sharp)
        self._check_code(code, sharp.shape[0])
        height, width = sharp.shape[-2:]
        if code.shape[-2:] != _cells(height, width):
            code = functional.interpolate(code, size=_cells(height, width), mode="bilinear")
        maps = self.adapter(self.features(_padded(sharp)), code.expand(sharp.shape[0], -1, -1, -1))
        change: Tensor = self.reconstruction(maps)[..., :height, :width]
        return sharp + (change.mean(1, keepdim=True) if sharp.shape[1] == 1 else change)

    def sample(self, size: tuple[int, int], *, generator: torch.Generator, scale: float = SAMPLE_SCALE) -> Code:
        """Draw the code (1 code_width p q) of a random blur for pictures of `size`: height and width in px.

        Normal with mean 0 and standard deviation `scale`. Raises UsageError without the variational option, whose
        training alone brings codes near the standard normal, and for sizes under 1 px.
        """
        self._check_variational()
        if min(size) < 1:
            raise UsageError(f"a size of {size[0]} x {size[1]} px was given: give at least 1 x 1")
        shape = (1, self.code_width, *_cells(*size))
        drawn = torch.randn(shape, generator=generator, device=generator.device)
        return scale * drawn.to(next(self.parameters()))

    def cells(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size (p, q) of the code's map for pictures of `size` (h, w)."""
        return _cells(*size)

    def fingerprint(self) -> str:
        """What codes belong to: the sha256 of all weights."""
        digest = hashlib.sha256()
        for parameter in self.parameters():
            digest.update(parameter.detach().cpu().float().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _read(self, sharp: Image, blurry: Image) -> Tensor:
        _check_picture(sharp)
        if sharp.shape != blurry.shape:
            raise UsageError(f"shapes {tuple(sharp.shape)} and {tuple(blurry.shape)} were given: give two of the same")
        return self.extractor(torch.cat([self.features(_padded(one)) for one in (sharp, blurry)], 1))

    def _check_code(self, code: Tensor, batch: int) -> None:
        if code.ndim != 4 or code.shape[0] not in (1, batch) or code.shape[1] != self.code_width:
            wanted = f"({batch} or 1, {self.code_width}, p, q)"
            raise UsageError(f"a code of shape {tuple(code.shape)} was given for {batch} pictures: give {wanted}")

    def _check_variational(self) -> None:
        if not self.variational:
            raise UsageError("this kernel space is not variational: build and train it with variational=True")


class _Adapter(nn.Module):
    """Features (b width h w) and a code (b code_width h/32 w/32) -> (b width h w) in [-1, 1]: the U-Net that blurs.

    The code enters beside the innermost maps, and nowhere else; skips go beside the maps on the way up.
    """

    def __init__(self, width: int, code_width: int) -> None:
        super().__init__()
        down = [min(width * 2**level, code_width) for level in range(HALVINGS)]
        up = [*reversed(down[:-1]), width]
        joined = [down[-1] + code_width, *(2 * wide for wide in up[:-1])]
        self.downs = nn.ModuleList(nn.Conv2d(*pair, 4, stride=2, padding=1) for pair in pairwise((width, *down)))
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(*pair, 4, stride=2, padding=1) for pair in zip(joined, up, strict=True)
        )
        self.apply(_start)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        maps, kept = features, list[Tensor]()
        for down in self.downs:
            maps = down(functional.leaky_relu(maps, DOWN_SLOPE) if kept else maps)
            kept.append(maps)
        kept.pop()
        for up, beside in zip(self.ups, (code, *reversed(kept)), strict=True):
            maps = up(functional.relu(torch.cat((maps, beside), 1)))
        return torch.tanh(maps)


def _features(width: int, blocks: int) -> nn.Sequential:
    """A picture (b 3 h w) -> (b width h/4 w/4)."""
    layers: list[nn.Module] = []
    for inputs, stride in ((3, 1), (width, 2), (width, 2)):
        layers += [nn.Conv2d(inputs, width, 3, stride=stride, padding=1), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, *_blocks(width, blocks))


def _extractor(width: int, outputs: int, blocks: int) -> nn.Sequential:
    """Features of both pictures (b 2*width h w) -> (b outputs h/32 w/32), any range. No biases, as published."""
    widths = [min(width * 2**level, outputs) for level in range(HALVINGS + 1)]
    first = nn.Conv2d(2 * width, widths[0], 7, padding=3, padding_mode="reflect", bias=False)
    layers: list[nn.Module] = [first, nn.ReLU()]
    for inputs, wider in pairwise(widths):
        layers += [nn.Conv2d(inputs, wider, 3, stride=2, padding=1, bias=False), nn.ReLU()]
    last = (Block(outputs, padding_mode="reflect", bias=False) for _ in range(blocks))
    return nn.Sequential(*layers, *last).apply(_start)


def _reconstruction(width: int, blocks: int) -> nn.Sequential:
    """Maps (b width h w) -> what is to be added to the picture (b 3 4h 4w); at first nothing."""
    layers: list[nn.Module] = [*_blocks(width, blocks)]
    for _ in range(2):
        layers += [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.LeakyReLU(SLOPE)]
    last = nn.Conv2d(width, 3, 3, padding=1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    return nn.Sequential(*layers, nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(SLOPE), last)


def _blocks(width: int, count: int) -> list[nn.Module]:
    return [Block(width).apply(lambda layer: _start(layer, QUIET)) for _ in range(count)]


def _start(layer: nn.Module, factor: float = 1.0) -> None:
    """He's weights times `factor`, no biases (He et al. 2015, Eq. 10): their variance is 2 / what one output sums."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        taps = layer.weight[0, 0].numel()
        if isinstance(layer, nn.ConvTranspose2d):
            taps //= layer.stride[0] ** 2
        nn.init.normal_(layer.weight, std=factor * (2 / (layer.in_channels * taps)) ** 0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _cells(height: int, width: int) -> tuple[int, int]:
    """The size of the code's map for a picture of so many px."""
    return max(LEAST_CELLS, -(-height // CELL)), max(LEAST_CELLS, -(-width // CELL))


def _padded(picture: Image) -> Tensor:
    """Three channels, whole cells."""
    height, width = picture.shape[-2:]
    rows, columns = _cells(height, width)
    rim = (0, columns * CELL - width, 0, rows * CELL - height)
    return functional.pad(picture, rim, mode="replicate").expand(-1, 3, -1, -1)


def _check_picture(picture: Tensor) -> None:
    if picture.ndim != 4 or picture.shape[1] not in (1, 3) or 0 in picture.shape:
        raise UsageError(f"a picture of shape {tuple(picture.shape)} was given: give (batch, 3 or 1, height, width)")
