"""Does this picture look like the others, patch by patch? The critic that a translator is trained against.

The patch discriminator of Isola, Zhu, Zhou and Efros 2017, "Image-to-Image Translation with Conditional Adversarial
Networks", section 3.2.2 and appendix 6.1.2; Pham et al. 2024, "Blur2Blur", show one critic all three output scales.
"""

from torch import Tensor, nn

from blurspace.errors import UsageError
from blurspace.types import Image

# Isola 2017, appendix 6.1: the side of all filters, the slope of the leaky ReLUs, the most that widths double,
# and the normal distribution that weights start from (section 6.2).
SIDE, SLOPE, MOST_DOUBLINGS, START = 4, 0.2, 3, 0.02
LEAST_CELLS = 4  # ours: the last strided map's side, so that the two 4x4 filters after it leave 2x2 patches


class PatchCritic(nn.Module):
    """Pictures to a map of logits, one per patch: high where a patch looks real. The defaults judge 70x70 px.

    `width`: channels of the first layer; they double with each layer, up to 8 times. `layers`: those that halve.
    `least`: px, the smallest height or width it takes, 32 by default. Published: 64 and 3, as here; 2.76 M numbers.

    Source: Isola et al. 2017, appendix 6.1.2. Means and deviations are those of each picture and channel (instance
    normalisation, as in Blur2Blur), so a batch is its singles; layers before them have no biases, which they undo.
    """

    def __init__(self, *, width: int = 64, layers: int = 3) -> None:
        """Build the critic with random weights; raises UsageError unless both are at least 1."""
        super().__init__()
        if min(width, layers) < 1:
            raise UsageError(f"a width of {width} and {layers} layers were given: give at least 1 of each")
        self.least = LEAST_CELLS * 2**layers
        widths = [width * 2 ** min(layer, MOST_DOUBLINGS) for layer in range(layers + 1)]
        stack: list[nn.Module] = [nn.Conv2d(3, width, SIDE, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
        for layer in range(1, layers + 1):
            stride = 2 if layer < layers else 1
            stack += [
                nn.Conv2d(widths[layer - 1], widths[layer], SIDE, stride=stride, padding=1, bias=False),
                nn.InstanceNorm2d(widths[layer]),
                nn.LeakyReLU(SLOPE),
            ]
        self.layers = nn.Sequential(*stack, nn.Conv2d(widths[-1], 1, SIDE, padding=1))
        self.apply(_start)

    def forward(self, picture: Image) -> Tensor:
        """(b 3 h w) -> logits (b 1 p q), p = h / 8 - 2 for three layers. Raises UsageError on less than `least` px."""
        height, width = picture.shape[-2:]
        if min(height, width) < self.least:
            raise UsageError(f"a picture of {height} x {width} px was given: give at least {self.least} px each way")
        return self.layers(picture)


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=START)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
