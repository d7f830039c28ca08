"""Which kernels, changing across the picture, blurred it, and which sharp picture do they leave? Camera rotation.

One kernel for the whole picture is the start. Then two steps alternate: the sharp picture of each window of a grid,
given its own kernel, by `sparse_gradients`; and the weights of the poses of a turning camera, which draw all
kernels, given these pictures (`camera_path`). That is Hirsch, Schuler, Harmeling and Schölkopf 2011 ("Fast removal of
non-uniform camera shake"). Windows count by their gradient energy, without a rule of their own: it is in the squares.
Refining each window's kernel alone and fitting one path to these does worse, since small windows give poor kernels.

A window alone cannot tell where its kernel belongs: kernel and picture may move together. One camera path settles
that for all windows at once, since the poses say how the places in all kernels hang together; what is left free is one
rotation of the whole picture, and the path is turned so that its mean is 0.

The focal length is taken as the picture's longer side, a field of view of 53 degrees across it. Whoever errs by a
factor changes the angles by that factor, and hardly the kernels: a small yaw or pitch moves all pixels alike whatever
the focal length, and a roll does not depend on it at all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area, whole
from blurspace.blur.convolve import fast_size
from blurspace.blur.kernels import crop_or_pad, extent, normalise, show, trim
from blurspace.blur.varying import KernelField, node_areas, node_places
from blurspace.errors import UsageError
from blurspace.restore.camera_path import Poses, candidate_poses, place_poses, predict_kernels, solve_weights, tidy
from blurspace.restore.deconvolve import Rounds, deconvolve
from blurspace.restore.estimate import FADE, SPARSITY_LAST, Search
from blurspace.restore.kernel_step import auto_correlation, complete, cross_correlation
from blurspace.restore.observed import Observed
from blurspace.restore.sparse_gradients import Seen, look, sparse_gradients
from blurspace.run import Run
from blurspace.types import Image, Kernel

# A window is at least this wide, in px and in kernel sides, and reaches over its cell into the neighbours'.
WINDOW, WINDOW_PER_SIDE, WINDOW_PER_CELL = 160, 3.5, 1.25
# and at most this many px (or kernel sides): more tells little and takes long, and the kernel changes inside it.
WIDEST, WIDEST_PER_SIDE = 320, 5
# The kernels at the rim are longer than the one in the middle: room for a quarter more, and two px.
ROOM = 1.25
# Rounds of pictures and weights in turn, at the last sparsity of a search: our measurement (notebook).
ROUNDS = 6
# Tiles see this many px more than the kernel reaches, so that the ringing of their own frames stays outside.
MARGIN = 16
# Angles at which `varies` projects the kernels, and the width in px of its histogram's bins.
PROJECTIONS, BIN = 12, 0.25
# A field that varies by less than this share of the kernel's extent is taken for uniform: our measurement (notebook).
LEAST_VARIATION = 0.014


@dataclass(frozen=True)
class _Window:
    """A piece of the blurry picture: the place of its middle, and what is seen in it."""

    place: tuple[float, float]
    seen: Seen


def estimate_field(
    photo: Observed, kernel: Kernel, *, rows: int, columns: int, focal: float | None = None, run: Run | None = None
) -> KernelField:
    """Estimate how the kernel of a photo changes across it, by one path of a turning camera.

    `kernel` (1 1 k k): the whole picture's, to start from. The field has `rows` x `columns` nodes, and as many windows
    are looked at. `focal`: focal length in px, the longer side where not known. The kernels (on the CPU) are trimmed
    together, sum 1. Raises UsageError on fewer pixels than nodes. Source: see the module's text.
    """
    size, run = photo.size, run or Run()
    if not (1 <= rows <= size[0] and 1 <= columns <= size[1]):
        raise UsageError(
            f"a grid of {rows} x {columns} nodes was asked for on {size[0]} x {size[1]} px: give 1 or more, up to that"
        )
    places = node_places(size, rows, columns)
    with torch.inference_mode():
        side = min(math.ceil(ROOM * kernel.shape[-1]) // 2 * 2 + 3, (min(size) - 1) // 2 * 2 - 1)
        start = crop_or_pad(kernel, side).to("cpu", torch.float32)
        windows = _windows(photo, places, side, (rows, columns))
        lens = float(focal or max(size))
        seen = torch.tensor([window.place for window in windows], dtype=torch.float64)
        angles, weights = candidate_poses(start, seen, size=size, focal=lens)
        poses = place_poses(angles, seen, size=size, focal=lens, side=side)
        for _ in run.steps("looking for a turn of the camera", range(ROUNDS)):
            weights = _joint_round(windows, poses, weights)
        kernels = predict_kernels(poses.angles, weights, places, size=size, focal=lens)
    return KernelField(kernels.clone().float(), rows, columns)


def deconvolve_field(
    blurry: Image,
    field: KernelField,
    *,
    strength: float,
    saturated: Tensor | None = None,
    unseen: Tensor | None = None,
    area: Area | None = None,
    rounds: Rounds | None = None,
    run: Run | None = None,
) -> Image:
    """Remove a blur that changes across `blurry` (b c h w), which may be the piece `area`; same shape, not clamped.

    One tile after the other, each by `deconvolve` with its node's kernel, blended by the field's weights: so the
    overlap is a whole cell, where neighbouring kernels err to opposite sides. `strength`, `saturated` (b c h w, bool),
    `unseen` (1 1 h w, bool), `rounds`: as for `deconvolve`. Raises UsageError where a kernel is wider than `blurry`.
    Source: Hirsch et al. 2010 (windows that overlap and add).
    """
    size = (blurry.shape[-2], blurry.shape[-1])
    restored = torch.zeros_like(blurry)
    margin = field.side // 2 + MARGIN
    for node, down, across, weight in node_areas(area or whole(size), field.rows, field.columns):
        rows, columns = _around(down, size[0], margin, field.side), _around(across, size[1], margin, field.side)
        tile, top, left = (..., rows, columns), rows.start, columns.start
        clipped, hidden = (None if mask is None else mask[tile] for mask in (saturated, unseen))
        kernel = trim(field.kernels[node : node + 1]).to(blurry)
        sharp = deconvolve(
            blurry[tile], kernel, strength=strength, saturated=clipped, unseen=hidden, rounds=rounds, run=run
        )
        inner = sharp[..., down.start - top : down.stop - top, across.start - left : across.stop - left]
        restored[..., down, across] += weight.to(blurry) * inner
    return restored


def _around(piece: slice, length: int, margin: int, least: int) -> slice:
    """A piece of a side with a margin, at least so long where the side is."""
    first, last = max(piece.start - margin, 0), min(piece.stop + margin, length)
    first = max(min(first, last - least), 0)
    return slice(first, min(max(last, first + least), length))


def field_explains_better(kernel: Kernel, field: KernelField) -> bool:
    """Is the field that `estimate_field` found to be preferred to `kernel` (1 1 k k), which it started from?

    Yes where it varies by more than estimates from uniform blurs do; what the pictures show tells less (notebook).
    """
    return varies(field) >= LEAST_VARIATION * extent(kernel)[0]


def varies(field: KernelField) -> float:
    """How much the kernel changes across the picture, in px: 0 for a uniform field.

    Mean over the two pairs of opposite corners of how far light must travel to turn one centred kernel into the other:
    the sliced Wasserstein distance (Rabin, Peyré, Delon and Bernot 2012), scaled so that moving all light by d px in
    any direction counts d.
    """
    last = field.rows * field.columns - 1
    pairs = ((0, last), (field.columns - 1, last - field.columns + 1))
    return sum(_travel(field.kernels[one], field.kernels[other]) for one, other in pairs) / len(pairs)


def show_field(field: KernelField, *, cell: int = 63) -> Image:
    """The field as a grey picture (1 1 H W) to look at: each kernel at its place in a square of `cell` px.

    Each is scaled to its own peak (as `show` does), with grey lines of 1 px around the squares. Raises UsageError on a
    cell of no pixel.
    """
    if cell < 1:
        raise UsageError(f"cells of {cell} px were asked for: give 1 or more")
    framed = functional.pad(show(field.kernels, size=cell), (0, 1, 0, 1), value=0.5)
    tall, wide = field.rows * (cell + 1), field.columns * (cell + 1)
    table = framed.view(field.rows, field.columns, cell + 1, cell + 1).transpose(1, 2).reshape(1, 1, tall, wide)
    return functional.pad(table, (1, 0, 1, 0), value=0.5)


def _windows(photo: Observed, places: Tensor, side: int, grid: tuple[int, int]) -> list[_Window]:
    """A window about each place, moved inside the frame where it would stick out."""
    least = max(WINDOW, math.ceil(WINDOW_PER_SIDE * side))
    most = max(WIDEST, WIDEST_PER_SIDE * side)
    windows = []
    for place in places.tolist():
        spans = []
        for middle, length, count in zip(place, photo.size, grid, strict=True):
            wide = min(length, max(least, min(most, math.ceil(WINDOW_PER_CELL * length / count))))
            first = min(max(round(middle - (wide - 1) / 2), 0), length - wide)
            spans.append((first, first + wide))
        area = Area(spans[0], spans[1], photo.size)
        seen = look(photo.grey(area).cpu(), side, fade=FADE, trusted=photo.trust(area).cpu() > 0)
        windows.append(_Window((sum(area.rows) / 2 - 0.5, sum(area.columns) / 2 - 0.5), seen))
    return windows


def _joint_round(windows: Sequence[_Window], poses: Poses, weights: Tensor) -> Tensor:
    """The sharp picture of each window given its kernel, then the weights given all sharp pictures."""
    side = poses.side
    found = [
        _window_equations(window, kernel)
        for window, kernel in zip(windows, tidy(poses.kernels(weights)).split(1), strict=True)
    ]
    autos, targets = (torch.cat(correlations) for correlations in zip(*found, strict=True))
    energies = autos[..., side - 1 : side, side - 1 : side].clamp_min(1e-12)
    total = energies.sum()
    grid = fast_size(3 * side - 1)
    spread, room = side - 1, grid - 2 * side + 1
    autos = functional.pad(autos, (0, room, 0, room)).roll((-spread, -spread), (-2, -1))
    systems = torch.fft.rfft2(autos) + Search.ridge * energies
    weights = solve_weights(poses, systems / total, targets / total, weights, grid=grid)
    return weights / weights.sum()


def _window_equations(window: _Window, kernel: Kernel) -> tuple[Tensor, Tensor]:
    """Auto- and cross-correlation of the window's sharp and blurry gradients (see `kernel_step`)."""
    seen, side = window.seen, kernel.shape[-1]
    spectra = sparse_gradients(seen, kernel, SPARSITY_LAST)
    completed = complete(seen.gradients, seen.trust, spectra, kernel)
    return auto_correlation(spectra, seen.trust.shape[-2:], side), cross_correlation(spectra, completed, side)


def _travel(one: Tensor, other: Tensor) -> float:
    """The sliced Wasserstein distance of two kernels (1 k k) about their centroids, in px."""
    apart = (_profiles(one) - _profiles(other)).cumsum(-1).abs().sum(-1) * BIN
    return float(apart.mean()) * math.pi / 2  # the mean of |cos|, which projecting costs, is 2 / pi


def _profiles(kernel: Tensor) -> Tensor:
    """The kernel (1 k k) about its centroid, projected on PROJECTIONS directions: histograms (p bins)."""
    light = normalise(kernel[None].to("cpu", torch.float64))[0, 0]
    side = light.shape[-1]
    steps = torch.arange(side, dtype=torch.float64)
    row, column = steps - light.sum(1) @ steps, steps - light.sum(0) @ steps
    turned = torch.arange(PROJECTIONS, dtype=torch.float64)[:, None, None] * math.pi / PROJECTIONS
    reach = math.ceil(math.sqrt(2) * side / BIN)  # bins to either side
    at = (turned.sin() * row[:, None] + turned.cos() * column).flatten(1) / BIN + reach
    first = at.floor().long()
    share, light = at - first, light.flatten().expand_as(at)
    profiles = torch.zeros(PROJECTIONS, 2 * reach + 2, dtype=torch.float64)
    profiles.scatter_add_(1, first, (1 - share) * light)
    return profiles.scatter_add_(1, first + 1, share * light)
