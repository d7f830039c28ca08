"""How does a blur that changes across the picture work, and which one does a rotating camera make?

Two descriptions. A `KernelField`: kernels at the nodes of a grid, interpolated between them (efficient filter flow:
Hirsch, Sra, Schölkopf and Harmeling 2010). A `RotationPath`: the poses of a camera that only rotates, each of which
moves the whole picture by a homography (Whyte, Sivic, Zisserman and Ponce 2012). `rotation_field` turns the second
into the first.

The order is fixed: *mask after the convolution*, blurry = sum_i w_i . (k_i * sharp). So each pixel of the blurry
picture is made by the kernel that is interpolated at its own place. (Hirsch et al. mask before it, which smears one
kernel's light into the next cell.) In Whyte's letters: K the camera matrix, R the rotation, H = K R K^-1.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area, whole
from blurspace.blur.convolve import Border, blur, check_fits, check_pair, extend_frame
from blurspace.blur.kernels import CONTROL_POINTS, SPEED_SPREAD
from blurspace.blur.paths import deposit, spline_basis
from blurspace.errors import UsageError
from blurspace.types import AnyImage, Image, Kernel

POSES_PER_PIXEL = 8  # of extent: neighbours are then 0.4 px apart, and bilinear splats leave no gaps
ROUNDING = 1e-6  # px: a kernel tap further out than this does not fit


@dataclass(frozen=True)
class KernelField:
    """Kernels that change across a picture of any size.

    `kernels` (n 1 k k), n = rows * columns, row by row: convolution kernels as in `blur`. The nodes are the centres of
    a rows x columns partition of the picture. Raises UsageError where these do not fit together.
    """

    kernels: Kernel
    rows: int
    columns: int

    def __post_init__(self) -> None:
        """Check the shapes."""
        shape = tuple(self.kernels.shape)
        square = len(shape) == 4 and shape[1] == 1 and shape[2] == shape[3] and shape[3] % 2 == 1
        if min(self.rows, self.columns) < 1 or not square or shape[0] != self.rows * self.columns:
            given = f"kernels of shape {shape} were given for a grid of {self.rows} x {self.columns}"
            raise UsageError(f"{given}: give (rows * columns, 1, k, k) with k odd")

    @property
    def side(self) -> int:
        """The side of the kernels in px."""
        return int(self.kernels.shape[-1])


@dataclass(frozen=True)
class RotationPath:
    """How a camera turned during the exposure, by a few or many poses.

    `angles` (t 3): rotation vectors (pitch, yaw, roll) in radians about the axes x (right), y (down) and z (forward):
    a positive yaw moves the picture's content right, a positive pitch up, and a positive roll turns it clockwise.
    `weights` (t): the share of the exposure spent at each, >= 0, sum 1. Raises UsageError on other shapes or weights.
    Source: Whyte et al. 2012.
    """

    angles: Float[Tensor, "t 3"]
    weights: Float[Tensor, " t"]

    def __post_init__(self) -> None:
        """Check the shapes and the sum."""
        shapes = tuple(self.angles.shape), tuple(self.weights.shape)
        if len(shapes[0]) != 2 or shapes[0][1] != 3 or shapes[1] != shapes[0][:1]:
            raise UsageError(f"angles and weights of shapes {shapes[0]} and {shapes[1]} were given: give (t, 3), (t,)")
        if not bool((self.weights >= 0).all()) or abs(float(self.weights.sum()) - 1) > 1e-4:
            given = f"the weights of the poses sum to {float(self.weights.sum()):g}"
            raise UsageError(f"{given}: give shares >= 0 that sum to 1")


def node_areas(area: Area, rows: int, columns: int) -> Iterator[tuple[int, slice, slice, Tensor]]:
    """The nodes that count in a piece of a picture: which, where in the piece (rows, columns), and its weight there.

    Weights are in [0, 1], sum 1 over the nodes everywhere: bilinear between them, constant beyond the outermost.
    No more than one cell and its neighbours is ever in memory. Raises UsageError on more nodes than pixels.
    Source: Hirsch et al. 2010, with hats for windows.
    """
    down = _hats(area.whole[0], rows)[:, slice(*area.rows)]
    across = _hats(area.whole[1], columns)[:, slice(*area.columns)]
    for node in range(rows * columns):
        tall, wide = down[node // columns], across[node % columns]
        if tall.any() and wide.any():
            yield node, _support(tall), _support(wide), torch.outer(tall[_support(tall)], wide[_support(wide)])


def node_places(size: tuple[int, int], rows: int, columns: int) -> Float[Tensor, "n 2"]:
    """(row, column) of each node in px from the top left pixel's centre, in double precision."""
    down = (torch.arange(rows, dtype=torch.float64) + 0.5) * size[0] / rows - 0.5
    across = (torch.arange(columns, dtype=torch.float64) + 0.5) * size[1] / columns - 0.5
    return torch.stack(torch.meshgrid(down, across, indexing="ij"), -1).flatten(0, 1)


def blur_varying(
    sharp: Image, field: KernelField, *, border: Border = "replicate", area: Area | None = None
) -> AnyImage:
    """Blur pictures (b c h w) with a kernel field; a field of equal kernels does what `blur` does.

    Returns (b c h w), for border "valid" (b c h-k+1 w-k+1): the field lies on the *blurry* picture, whose piece `area`
    this may be. Linear in `sharp`, any range. Works on one cell after the other. Raises UsageError as `blur` and
    `node_areas` do. Source: Hirsch et al. 2010, in the order this module's text explains.
    """
    check_pair(sharp, field.kernels[:1], border)
    check_fits(sharp.shape[-2:], field.side, border)
    extended = extend_frame(sharp, field.side // 2, border)
    more = field.side - 1
    blurry = extended.new_zeros(*sharp.shape[:2], extended.shape[-2] - more, extended.shape[-1] - more)
    size = (blurry.shape[-2], blurry.shape[-1])
    for node, down, across, weight in node_areas(area or whole(size), field.rows, field.columns):
        kernel = field.kernels[node : node + 1]
        part = extended[..., down.start : down.stop + more, across.start : across.stop + more]
        blurry[..., down, across] += weight.to(blurry) * blur(part, kernel.to(part), border="valid")
    return blurry


def rotation_displacements(
    angles: Float[Tensor, "t 3"], places: Float[Tensor, "n 2"], *, size: tuple[int, int], focal: float
) -> Float[Tensor, "n t 2"]:
    """Where the content seen at each place came from: place minus H^-1 place, (row, column) in px, double precision.

    `places` (row, column) in px in a picture of `size` (height, width) whose optical axis meets its centre; `focal`:
    focal length in px. That is the offset of a convolution kernel there. Source: Whyte et al. 2012, H = K R K^-1.
    """
    _check_focal(focal)
    middle = torch.tensor([(size[0] - 1) / 2, (size[1] - 1) / 2], dtype=torch.float64)
    row, column = (places.to("cpu", torch.float64) - middle).unbind(-1)
    rays = torch.stack((column, row, torch.full_like(row, focal)), -1)
    sources = torch.einsum("ni,tij->ntj", rays, _rotations(angles))  # (R^-1 ray)^T = ray^T R, as R is orthogonal
    seen = focal * sources[..., :2] / sources[..., 2:]
    return torch.stack((row[:, None] - seen[..., 1], column[:, None] - seen[..., 0]), -1)


def rotation_field(
    path: RotationPath, size: tuple[int, int], *, focal: float, rows: int, columns: int, side: int | None = None
) -> KernelField:
    """The kernels that a rotating camera draws at the nodes of a rows x columns grid on a picture of `size` (h, w).

    `focal`: focal length in px. `side`: of the kernels, odd; the smallest that holds them all where not given. Poses
    are laid down bilinearly, so a path of one pose shifts exactly as `blur_rotation` does. Float32 on the CPU.
    Raises UsageError where a pose does not fit into `side`. Source: Whyte et al. 2012; Hirsch et al. 2011.
    """
    offsets = rotation_displacements(path.angles, node_places(size, rows, columns), size=size, focal=focal)
    reach = math.ceil(float(offsets.abs().max()) - ROUNDING)
    if side is None:
        side = 2 * reach + 1
    if side % 2 == 0 or reach > side // 2:
        raise UsageError(f"a kernel of {side} px was asked for and the path reaches {reach} px: give {2 * reach + 1}")
    weights = path.weights.to("cpu", torch.float64)
    kernels = torch.cat([deposit(node + side // 2, weights, side) for node in offsets])
    return KernelField((kernels / kernels.sum((-2, -1), keepdim=True)).to(torch.float32), rows, columns)


def blur_rotation(sharp: Image, path: RotationPath, *, focal: float) -> Image:
    """What a rotating camera sees of a flat picture (b c h w): the exact average of its warps, one per pose.

    Bilinear sampling; the edge pixel is repeated beyond the frame. Exact and slow: the measure of `rotation_field`.
    Raises UsageError on a focal length that is not positive. Source: Whyte et al. 2012; Gupta et al. 2010.
    """
    height, width = sharp.shape[-2:]
    places = node_places((height, width), height, width)
    half = torch.tensor([max(width - 1, 1) / 2, max(height - 1, 1) / 2], dtype=torch.float64)
    blurry = torch.zeros_like(sharp)
    for pose, weight in zip(path.angles.split(1), path.weights, strict=True):
        moved = rotation_displacements(pose, places, size=(height, width), focal=focal)[:, 0]
        grid = ((places - moved).flip(-1) / half - 1).to(sharp).view(1, height, width, 2)
        grid = grid.expand(sharp.shape[0], -1, -1, -1)
        blurry += weight.to(sharp) * functional.grid_sample(sharp, grid, padding_mode="border", align_corners=True)
    return blurry


def draw_rotation_path(
    *, extent: float, focal: float, roll: float = 1.0, generator: torch.Generator | None = None
) -> RotationPath:
    """Draw one camera shake: a smooth path of the three angles, travelled at changing speed, with mean 0.

    `extent`: px, about the side of the kernel at the picture's centre. `focal`: px. `roll`: how much the camera rolls,
    where 1 is as much as it pitches and yaws. `generator`: on the CPU; None = torch's own. Raises UsageError on
    impossible numbers. Source: `blur.kernels.shake` (Kaufman and Fattal 2020), with three angles for two coordinates.
    """
    _check_focal(focal)
    if not extent >= 1 or not roll >= 0:
        raise UsageError(f"a path of extent {extent} px and roll {roll} was asked for: give 1 or more, and 0 or more")
    count = CONTROL_POINTS[int(torch.randint(len(CONTROL_POINTS), (), generator=generator))]
    points = torch.rand(count, 3, generator=generator, dtype=torch.float64)
    pace = torch.randn(count, generator=generator, dtype=torch.float64) * SPEED_SPREAD
    basis = spline_basis(count, max(2, math.ceil(POSES_PER_PIXEL * extent)))
    angles, time = basis @ points, (basis @ pace).softmax(0)
    angles = angles - time @ angles
    reach = float(angles[:, :2].abs().max())
    angles = angles * ((extent - 1) / 2 / focal / max(reach, 1e-12)) * torch.tensor([1, 1, roll], dtype=torch.float64)
    return RotationPath(angles, time)


def _rotations(angles: Tensor) -> Tensor:
    """Rotation matrices (t 3 3) of rotation vectors (t 3), in the axes x right, y down, z forward."""
    pitch, yaw, roll = angles.to("cpu", torch.float64).unbind(-1)
    none = torch.zeros_like(roll)
    cross = torch.stack((none, -roll, yaw, roll, none, -pitch, -yaw, pitch, none), -1)
    return torch.linalg.matrix_exp(cross.view(-1, 3, 3))


def _hats(length: int, count: int) -> Tensor:
    """Bilinear weights along one axis: (count, length)."""
    if not 1 <= count <= length:
        raise UsageError(f"a grid of {count} nodes was asked for along {length} px: give 1 to {length}")
    place = ((torch.arange(length, dtype=torch.float64) + 0.5) * count / length - 0.5).clamp(0, count - 1)
    return (1 - (place - torch.arange(count)[:, None]).abs()).clamp(min=0).to(torch.float32)


def _support(weight: Tensor) -> slice:
    """The stretch where a hat is not zero."""
    inside = weight.nonzero()
    return slice(int(inside[0]), int(inside[-1]) + 1)


def _check_focal(focal: float) -> None:
    if not focal > 0:
        raise UsageError(f"a focal length of {focal} px was given: give one above 0, such as the picture's longer side")
