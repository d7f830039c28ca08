"""Which blur is between these two pictures, and what would it do to a third? A learned family of local filters.

The encoded blur kernel space of Tran, Tran, Phung and Hoai 2021, section 3.1: an operator family (their F, our
`reblur`) and an extractor (their G, our `extract`) are learned together from sharp-blurry pairs, by the distance of
F(x, G(x, y)) to y (equation 4). Their x, y, k are our sharp, blurry, code. Theirs are a U-Net and a ResNet
(`nets.encoder_space`). In ours F adds to a picture what `count` learned filters make of it, weighted from place to
place by the code, in a light whose curve the code tells; and G is then a least-squares problem, solved exactly in each
cell of a grid, so that training has only the filters to find.
"""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.blur.convolve import extend_frame, fast_size
from blurspace.blur.curve import from_light, slope, to_light
from blurspace.errors import UsageError
from blurspace.nets.code_prior import CodePrior
from blurspace.run import full_precision
from blurspace.types import AnyImage, Code, Image

# Exponents of the light's curve (`blur.curve`) that are tried: none, between, sRGB's own, and one as strong as REDS'.
EXPONENTS = (1.0, 1.7, 2.4, 3.1)
LEAST_EXPONENT = 0.25  # a code that was searched or made up may say anything
WINDOW = (0.5, 1.0, 0.5)  # a cell's reaches half-way into its neighbours
# At first a cell may leave the picture's mean by weights of about 0.1 where noise is about 0.01: the ratio's square.
FIRST_STIFFNESS = 1e-2
CURVE_GAIN = 0.03  # a curve is believed only if it explains the pair this much better (mean square) than none
CHANGE = 0.2  # the share of a code's variance that differs within the picture, not between pictures: our choice
BAND = 8  # rows of cells that are worked on at once, which bounds the memory whatever the picture's height
JUDGED = 128  # px: the exponent is judged on the square of this side where the pair differs most


class BasisSpace(nn.Module):
    """A kernel space of `count` filters of `side` px, whose codes have a cell for every `stride` px.

    A code is a map (b count+1 p q), p = ceil(h / stride): the filters' weights, and how the light is curved. Zero
    changes nothing. Works on grey and RGB pictures of any size; a code of another size is stretched to the picture.
    """

    def __init__(self, *, count: int = 48, side: int = 33, stride: int = 32, latent: int = 0) -> None:
        """Small random filters; `latent` above 0 adds a prior over codes of so many numbers a cell, for `sample`."""
        super().__init__()
        if side % 2 == 0 or stride % 2 or min(count, side, stride) < 1:
            given = f"{count} filters of {side} px with a stride of {stride} px were asked for"
            raise UsageError(f"{given}: give an odd side and an even stride, all above 0")
        self.stride = stride
        self.basis = nn.Parameter(torch.randn(count, side, side) / side)
        self.log_stiffness = nn.Parameter(torch.full((count,), FIRST_STIFFNESS).log())
        self.prior = CodePrior(count + 1, latent=latent) if latent else None

    def forward(self, sharp: Image, blurry: Image) -> Image:
        """What the space makes of a pair: `sharp`, blurred by the code of both."""
        return self.reblur(sharp, self.extract(sharp, blurry))

    def rest_code(self, size: tuple[int, int]) -> Code:
        """The code (1 count+1 p q) that changes nothing, for pictures of `size` (h, w)."""
        return self.basis.new_zeros(1, len(self.basis) + 1, *self.cells(size))

    def reblur(self, sharp: Image, code: Code) -> Image:
        """Blur pictures (b c h w) in [0, 1] by a code (1 or b, count+1, any map): (b c h w), not clamped above.

        Differentiable in both. Raises UsageError where the code has other channels. Tran et al. 2021: F(x, k).
        """
        _check(sharp)
        if code.ndim != 4 or code.shape[1] != len(self.basis) + 1 or code.shape[0] not in (1, len(sharp)):
            wanted = f"(1 or {len(sharp)}, {len(self.basis) + 1}, rows, columns), as `extract` does"
            raise UsageError(f"a code of shape {tuple(code.shape)} was given for {len(sharp)} pictures: give {wanted}")
        cells = self.cells((sharp.shape[-2], sharp.shape[-1]))
        with full_precision(sharp.device):
            sharp, code = sharp.float(), code.float()
            exponent = (1 + code[:, -1:].mean((2, 3), keepdim=True)).clamp_min(LEAST_EXPONENT)
            weights = code[:, :-1]
            if weights.shape[-2:] != cells:
                weights = functional.interpolate(weights, cells, mode="bilinear", antialias=True)
            return from_light(self._blurred(to_light(sharp, exponent), weights), exponent)

    def extract(self, sharp: Image, blurry: Image) -> Code:
        """The code (b count+1 p q) of pairs (b c h w) in [0, 1]: in each cell the best in the least-squares sense.

        Differentiable. Raises UsageError on two shapes. Tran et al. 2021: G(x, y).
        """
        _check(sharp)
        if sharp.shape != blurry.shape:
            raise UsageError(f"shapes {tuple(sharp.shape)} and {tuple(blurry.shape)} were given: give an aligned pair")
        with full_precision(sharp.device):
            sharp, blurry = sharp.float(), blurry.float()
            exponent = self._exponents(sharp, blurry)
            weights = self._fit(sharp, blurry, exponent)
        curve = (exponent - 1).expand(-1, 1, *weights.shape[-2:])
        return torch.cat((weights, curve), 1)

    @torch.no_grad()
    def sample(
        self, size: tuple[int, int], *, generator: torch.Generator | None = None, change: float = CHANGE
    ) -> Code:
        """A drawn code (1 count+1 p q) for pictures of `size` (h, w); see `CodePrior.sample`.

        Raises UsageError where the space has no prior. Source: the variational option of Tran et al. 2021.
        """
        if self.prior is None:
            raise UsageError("this kernel space has no prior to draw codes from: give one trained by task code prior")
        return self.prior.sample(self.cells(size), change=change, generator=generator)

    def centred(self, code: Code) -> Code:
        """The nearest code whose blur moves nothing on average, at any place: labels of a picture stay aligned."""
        moments = self._moments()
        weights = code[:, :-1]
        move = torch.einsum("dn,bnpq->bdpq", moments, weights)
        back = torch.linalg.pinv(moments)
        return torch.cat((weights - torch.einsum("nd,bdpq->bnpq", back, move), code[:, -1:]), 1)

    def kernels(self, weights: Tensor) -> Tensor:
        """The convolution kernels (b p q side side), each of sum 1, of a code's weights (b count p q)."""
        kernels = torch.einsum("bnpq,nij->bpqij", weights, self.filters())
        middle = kernels.shape[-1] // 2
        kernels[..., middle, middle] += 1
        return kernels

    @torch.no_grad()
    def metric(self, sharp: Image) -> Tensor:
        """How a difference d of weights is seen in pictures (b c h w): (count count), d M d is its mean square."""
        bands = [_by_cell(found, self.stride) for _, found in self._responses(sharp.mean(1, keepdim=True))]
        gram = torch.stack([(cells @ cells.mT).sum((0, 1, 2)) for cells in bands]).sum(0)
        return gram / sharp[:, 0].numel()

    def fingerprint(self) -> str:
        """What codes belong to: the sha256 of the filters and the stride."""
        values = self.basis.detach().cpu().float().contiguous()
        return hashlib.sha256(f"{self.stride} {tuple(values.shape)} ".encode() + values.numpy().tobytes()).hexdigest()

    def filters(self) -> Tensor:
        """The filters (count side side) as they are used: each sums to 0, so that constants stay."""
        return self.basis - self.basis.mean((1, 2), keepdim=True)

    def _moments(self) -> Tensor:
        """How far a weight of 1 on each filter moves the content: (2 count), (rows, columns) in px."""
        side = self.basis.shape[-1]
        place = torch.arange(side, dtype=self.basis.dtype, device=self.basis.device) - side // 2
        filters = self.filters()
        return torch.stack((filters.sum(2) @ place, filters.sum(1) @ place))

    def cells(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size (p, q) of the code's map for pictures of `size` (h, w)."""
        return -(-size[0] // self.stride), -(-size[1] // self.stride)

    def _blurred(self, light: Image, weights: Tensor) -> Image:
        """Blur with the kernels of all cells, bilinear between their middles: windows, blurred and added up.

        The order is that of `blur.varying`: each pixel is made by the kernel that is interpolated at its own place.
        """
        (height, width), stride, side = light.shape[-2:], self.stride, self.basis.shape[-1]
        kernels = self.kernels(functional.pad(weights, (1, 1, 1, 1), mode="replicate"))
        rows, columns = kernels.shape[1:3]
        # Windows of two cells, the first of which is a cell and a half outside the picture.
        outside = stride + stride // 2 + side // 2
        more = (rows + 1) * stride + side - 1 - outside
        extended = functional.pad(
            light, (outside, (columns - rows) * stride + more - width, outside, more - height), mode="replicate"
        )
        windows = extended.unfold(2, 2 * stride + side - 1, stride).unfold(3, 2 * stride + side - 1, stride)
        rise = (torch.arange(stride, device=light.device, dtype=light.dtype) + 0.5) / stride
        hat = torch.cat((rise, rise.flip(0)))
        hat = hat[:, None] * hat
        frame = (fast_size(2 * stride + side - 1),) * 2
        total = light.new_zeros(*light.shape[:2], (rows + 1) * stride, (columns + 1) * stride)
        for top in range(0, rows, BAND):
            spectra = torch.fft.rfft2(kernels[:, None, top : top + BAND], s=frame)
            found = torch.fft.irfft2(torch.fft.rfft2(windows[:, :, top : top + BAND], s=frame) * spectra, s=frame)
            found = found[..., side - 1 : side - 1 + 2 * stride, side - 1 : side - 1 + 2 * stride] * hat
            count = found.shape[2]
            columns_of = found.movedim((2, 3), (4, 5)).reshape(len(light), -1, count * columns)
            strip = functional.fold(columns_of, ((count + 1) * stride, total.shape[-1]), 2 * stride, stride=stride)
            total[..., top * stride : (top + count + 1) * stride, :] += strip
        first = stride + stride // 2
        return total[..., first : first + height, first : first + width]

    def _responses(self, light: Image) -> Iterator[tuple[slice, Tensor]]:
        """What every filter makes of grey light (b 1 h w), band by band: its rows, and (b count rows w)."""
        side, (height, width) = self.basis.shape[-1], light.shape[-2:]
        extended = extend_frame(light, side // 2, "replicate")
        step = BAND * self.stride
        frame = fast_size(min(step, height) + side - 1), fast_size(width + side - 1)
        spectra = torch.fft.rfft2(self.filters(), s=frame)
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            part = torch.fft.rfft2(extended[..., top : rows.stop + side - 1, :], s=frame)
            found = torch.fft.irfft2(part * spectra, s=frame)
            yield rows, found[..., side - 1 : side - 1 + rows.stop - top, side - 1 : side - 1 + width]

    def _fit(self, sharp: Image, blurry: Image, exponent: Tensor) -> Tensor:
        """The weights (b count p q) that explain the pair best, cell by cell, where each starts from their mean."""
        light = to_light(sharp, exponent).mean(1, keepdim=True)
        change = to_light(blurry, exponent).mean(1, keepdim=True) - light
        # Errors count as they are seen: the slope of the curve back to display values.
        seen = slope(blurry.mean(1, keepdim=True), exponent)
        bands = ((found * seen[:, :, rows], (change * seen)[:, :, rows]) for rows, found in self._responses(light))
        evidence = [self._normal_equations(*band) for band in bands]
        gram, match = (torch.cat(one, 1) for one in zip(*evidence, strict=True))
        stiffness = torch.diag(self.log_stiffness.exp())
        mean = torch.linalg.solve(gram.mean((1, 2)) + stiffness, match.mean((1, 2)))[:, None, None]
        gram, match = _windowed(gram), _windowed(match)
        weights = mean + torch.linalg.solve(gram + stiffness, match - (gram @ mean[..., None])[..., 0])
        return weights.permute(0, 3, 1, 2)

    def _normal_equations(self, found: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
        """Per cell the filters' products with each other (b p q n n), and with the change (b p q n)."""
        found, change = _by_cell(found, self.stride), _by_cell(change, self.stride)
        return found @ found.mT, (found @ change.mT)[..., 0]

    @torch.no_grad()
    def _exponents(self, sharp: Image, blurry: Image) -> Tensor:
        """For each pair the exponent (b 1 1 1) of the light in which it is explained best."""
        sharp, blurry = _telling(sharp, blurry)
        losses = []
        for exponent in EXPONENTS:
            curve = sharp.new_full((len(sharp), 1, 1, 1), exponent)
            weights = self._fit(sharp, blurry, curve)
            code = torch.cat((weights, (curve - 1).expand(-1, 1, *weights.shape[-2:])), 1)
            losses.append((self.reblur(sharp, code) - blurry).square().mean((1, 2, 3)))
        return _least(torch.stack(losses, 1)).view(-1, 1, 1, 1)


def _by_cell(planes: Tensor, stride: int) -> Tensor:
    """Planes (b n h w), with zeros where they end within a cell, as (b p q n stride^2)."""
    count, channels, height, width = planes.shape
    planes = functional.pad(planes, (0, -width % stride, 0, -height % stride))
    cells = planes.view(count, channels, planes.shape[2] // stride, stride, planes.shape[3] // stride, stride)
    return cells.permute(0, 2, 4, 1, 3, 5).flatten(4)


def _windowed(evidence: Tensor) -> Tensor:
    """Add to each cell (b p q ...) what its neighbours know, weighted by WINDOW down and across."""
    for axis in (1, 2):
        none = torch.zeros_like(evidence.narrow(axis, 0, 1))
        inner = evidence.narrow(axis, 0, evidence.shape[axis] - 1), evidence.narrow(axis, 1, evidence.shape[axis] - 1)
        before, after = torch.cat((none, inner[0]), axis), torch.cat((inner[1], none), axis)
        evidence = WINDOW[0] * before + WINDOW[1] * evidence + WINDOW[2] * after
    return evidence


def _telling(sharp: Image, blurry: Image) -> tuple[AnyImage, AnyImage]:
    """Of each pair the square of at most JUDGED px in which the two differ most."""
    height, width = (min(JUDGED, length) for length in sharp.shape[-2:])
    change = functional.avg_pool2d((blurry - sharp).square().mean(1, keepdim=True), (height, width), JUDGED // 4)
    pieces = []
    for one, other, place in zip(sharp, blurry, change.flatten(1).argmax(1).tolist(), strict=True):
        top, left = (JUDGED // 4 * index for index in divmod(place, change.shape[-1]))
        area = (..., slice(top, top + height), slice(left, left + width))
        pieces.append((one[area], other[area]))
    return torch.stack([one for one, _ in pieces]), torch.stack([other for _, other in pieces])


def _least(losses: Tensor) -> Tensor:
    """Where the parabola through the least of the losses (b len(EXPONENTS)) and its neighbours is least."""
    losses = losses.clamp_min(1e-12).log()
    place = losses.argmin(1).clamp(1, len(EXPONENTS) - 2)
    before, here, after = (losses.gather(1, (place + step)[:, None])[:, 0] for step in (-1, 0, 1))
    bend = (before - 2 * here + after).clamp_min(1e-6)
    step = EXPONENTS[1] - EXPONENTS[0]
    found = EXPONENTS[0] + step * (place + (0.5 * (before - after) / bend).clamp(-1, 1))
    worth = losses[:, 0] - losses.min(1).values > CURVE_GAIN
    return torch.where(worth, found, torch.ones_like(found))


def _check(picture: Tensor) -> None:
    if picture.ndim != 4 or picture.shape[1] not in (1, 3):
        raise UsageError(f"a picture of shape {tuple(picture.shape)} was given: give (batch, 1 or 3, height, width)")
