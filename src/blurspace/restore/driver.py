"""How does a blurry photo become a restored one? Find its blur, remove it tile by tile, say whether to believe it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from blurspace.areas import Area, tiles, whole
from blurspace.blur.exposure import to_display
from blurspace.errors import MemoryExhaustedError, ModelError, UsageError
from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.blurs import CodeBlur
from blurspace.restore.evidence import Evidence, gather
from blurspace.restore.light import Light
from blurspace.restore.lights import reached
from blurspace.restore.observed import Observed, as_stored
from blurspace.restore.region import Region
from blurspace.restore.verdict import Referee, labelled
from blurspace.run import Run, is_out_of_memory
from blurspace.types import Blur, Image, Kernel, Receipt

# px: a tile's own pixels are at most so many, and at least this a side. Below the first a photo is one tile; above it
# bigger ones are no faster, for they do not fit into a processor's cache anyway.
MOST, LEAST_SIDE = 1_500_000, 64


@dataclass(frozen=True)
class Found:
    """What a method found: the `blur`, None where it will be read from the result, and the `confidence` in it.

    `confidence` in [0, 1], None where nothing is known of it: see `restore.candidates.Estimate`. `known`: whether the
    blur was given by the user, and not estimated. `picture` (1 c h w): the restored picture, from a method that finds
    it at once. `refusal`: why it is not to be taken. `notes`: sentences for the curious. `by`: more of the
    method's name.
    """

    blur: Blur | None = None
    confidence: float | None = None
    known: bool = False
    picture: Tensor | None = None
    refusal: Receipt | None = None
    notes: tuple[str, ...] = ()
    by: str = ""


class Restorer(Protocol):
    """Removes a blur that was found, from one tile; all global choices were made when it was built."""

    @property
    def margin(self) -> int:
        """How many px a tile needs around it."""

    @property
    def multiple(self) -> int:
        """What a tile's first px must be multiples of."""

    @property
    def bytes_per_px(self) -> int:
        """How much memory it takes, about."""

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """The sharp light (1 c h w) of `tile`, the light of the piece `area`; not clamped."""


Finder = Callable[[Observed, Run], Found | None]


@dataclass(frozen=True)
class Method:
    """A way to deblur: how its blur is found, and what removes it. It never judges itself.

    `find` gives None where the method has nothing to say about a photo; methods may share one, which is then asked
    once. `space`: reads the blur that lies between photo and result, for methods that find none. `smaller`: it takes a
    step that is smaller than the whole, which is said where the whole was refused. `response`: of the light that it has
    learned in, None where it works alike in all. `label`: what all its pictures are, which every receipt must say.
    """

    name: str
    find: Finder
    restorer: Callable[[Observed, Found, Run], Restorer]
    space: BasisSpace | None = None
    smaller: bool = False
    response: str | None = None
    label: str = ""


@dataclass(frozen=True)
class Restoration:
    """One result for all methods: the restored picture, the blur it assumed, and its receipt.

    `restored` (1 c h w): as the photo's pixels are stored; the photo's own where the verdict is not "restored".
    `light`: in which it was worked, None where nothing was. `region`: where it was to be restored, None for all.
    `notes`: sentences for the curious.
    """

    restored: Tensor = field(repr=False)
    blur: Blur | None
    receipt: Receipt
    method: str
    notes: tuple[str, ...] = ()
    confidence: float | None = None
    device: str = "cpu"
    light: Light | None = None
    region: Region | None = None

    @property
    def kernel(self) -> Kernel | None:
        """The one kernel (1 1 k k) that stands for the blur; None where there is none."""
        return None if self.blur is None else self.blur.kernel


def deblur(
    seen: Observed, methods: Sequence[Method], run: Run, *, strength: float = 1.0, referee: Referee | None = None
) -> Restoration:
    """Restore a photo by the first of some methods whose receipt is good.

    Sharp photos are left alone. Where all are refused, so is the photo, with the reason of the first. `strength` in
    (0, 1]: how much of the blur is removed. `referee`: says what is restored, None = as was fitted. Raises Cancelled
    as `run` says, MemoryExhaustedError where not even the smallest tile fits, UsageError where no method finds a blur.
    """
    run.check()
    referee = referee or Referee()
    if receipt := referee.before(seen):
        return Restoration(seen.pixels, None, receipt, methods[0].name)
    refused: list[Restoration] = []
    for method in in_order(seen, methods, run):
        found = seen.find(method.find, run)
        if found is None:
            continue
        result = _restored(seen, method, found, run, strength=strength, referee=referee)
        if result.receipt.verdict != "refused":
            tried = (f"{before.method} was tried before and refused: {before.receipt.reason}" for before in refused)
            receipt = _smaller_step(result.receipt) if method.smaller and refused else result.receipt
            return replace(result, receipt=receipt, notes=(*result.notes, *tried))
        refused.append(result)
    if not refused:
        raise UsageError(f"{methods[0].name} finds nothing in this photo: take another method")
    return refused[0]


def in_order(seen: Observed, methods: Sequence[Method], run: Run) -> Sequence[Method]:
    """The methods, the second before the first where that has learned in another light than the photo's."""
    first, *others = methods
    if not others or first.response is None:
        return methods
    seen.find(first.find, run)  # which settles the light
    return methods if seen.response == first.response else (others[0], first, *others[1:])


def _smaller_step(receipt: Receipt) -> Receipt:
    """The receipt of a step that is smaller than those which were refused before it; others as they are."""
    if receipt.verdict != "restored":
        return receipt
    return replace(receipt, code="smaller_step", reason=f"a smaller step, for all else was refused: {receipt.reason}")


def _restored(
    seen: Observed, method: Method, found: Found, run: Run, *, strength: float, referee: Referee
) -> Restoration:
    """What one method makes of a photo, and its receipt; the photo's own pixels where that is bad."""
    name = f"{method.name}, {found.by}" if found.by else method.name
    facts = name, found.notes, found.confidence, str(run.device), seen.lit
    if found.refusal is not None:
        return Restoration(seen.pixels, found.blur, labelled(found.refusal, method.label), *facts)
    shortened = replace(found, blur=found.blur.shortened(strength)) if found.blur else found
    done, at_once = in_tiles(seen, method, shortened, run), found.blur is None
    told: dict[str, Any] = {"confidence": found.confidence, "known": found.known, "at_once": at_once}
    receipt = referee.after(seen, done, method=method.name, **told)
    receipt = labelled(receipt, method.label)
    if receipt.verdict == "left alone":
        return Restoration(seen.pixels, None, receipt, *facts)
    blur = done.blur if at_once else found.blur
    return Restoration(done.picture if receipt.verdict == "restored" else seen.pixels, blur, receipt, *facts)


def in_tiles(seen: Observed, method: Method, found: Found, run: Run) -> "Restored":
    """Restore all of a photo tile by tile; tiles get smaller until they fit into memory."""
    restorer = method.restorer(seen, found, run)
    work = _Work(seen, method, found, run, restorer)
    side = _widest(seen, run, restorer.margin, restorer.bytes_per_px)
    while True:
        try:
            return work.done(side)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if side <= LEAST_SIDE:
                told = f"not even a tile of {side} px fits into memory"
                raise MemoryExhaustedError(f"{told}: free some, or give --device cpu") from error
            side = max(min(side, *seen.size) // 2, LEAST_SIDE)


@dataclass(frozen=True)
class Restored:
    """A `picture` (1 c h w), stored as the photo is, its `blur`, and what it says about itself."""

    picture: Tensor
    blur: Blur
    evidence: Evidence


@dataclass(frozen=True)
class _Work:
    """What removing a blur from a photo needs."""

    seen: Observed
    method: Method
    found: Found
    run: Run
    restorer: Restorer

    @property
    def multiple(self) -> int:
        """What the first px of tiles are multiples of: whole cells, where a code is to be read."""
        space = self.method.space
        return self.restorer.multiple if self.found.blur is not None or space is None else space.stride

    def done(self, side: int) -> Restored:
        """The photo restored in tiles of at most `side` px."""
        canvas = torch.empty_like(self.seen.pixels)
        total, codes = Evidence(), dict[tuple[int, int], CodeBlur]()
        for area in self.run.steps("restoring", list(tiles(self.seen.size, side, multiple=self.multiple))):
            if self.found.blur is not None and self.seen.stays(area):
                area.cut(canvas).copy_(area.cut(self.seen.pixels))
                continue
            outer = area.grown(self.restorer.margin, multiple=self.multiple)
            restored, blur, evidence = self.tile(area, outer)
            area.cut(canvas).copy_(self.seen.restored(area.cut_from(restored, outer), area))
            total = total + evidence
            if isinstance(blur, CodeBlur):
                codes[area.rows[0], area.columns[0]] = _cells(blur, area, outer)
        return Restored(canvas, self.found.blur or _joined(codes), total)

    def tile(self, area: Area, outer: Area) -> tuple[Image, Blur, Evidence]:
        """The display values (1 c h w) of `outer`, restored, its blur, and the evidence in `area`."""
        light = self.seen.light(outer).to(self.run.device)
        sharp = self.restorer(light, outer, self.run)
        if sharp.shape != light.shape:
            raise ModelError(
                f"{self.method.name} made {tuple(sharp.shape)} of {tuple(light.shape)}: give a network that keeps sizes"
            )
        blur = self.found.blur or self.read(sharp.clamp(0, 1), light)
        again = partial(blur.reblur, area=outer if self.found.blur else whole(outer.size))
        unseen, bright = self.uncounted(sharp, again, outer), self.seen.displayed(sharp)
        sharp = sharp.clamp(0, 1)
        reblurred = to_display(again(sharp), self.seen.response)
        restored, blurry = bright.clamp(max=1), self.seen.display(outer).to(self.run.device)
        how: dict[str, Any] = {"reach": blur.reach, "sigma": self.seen.sigma, "area": area, "outer": outer}
        return bright, blur, gather(blurry, restored, reblurred, unseen=unseen, **how)

    def uncounted(self, sharp: Image, reblur: Callable[[Image], Image], area: Area) -> Tensor | None:
        """Which pixels (1 1 h w, bool) of a tile are no evidence: never blurred, or drawn over by lights."""
        unseen = self.seen.unseen(area, sharp.device)
        drawn = None if self.seen.saturated(area, sharp.device) is None else reached(sharp, reblur)
        return unseen if drawn is None else drawn if unseen is None else drawn | unseen

    def read(self, sharp: Image, blurry: Image) -> CodeBlur:
        """The blur between a restored tile and what was seen."""
        space = self.method.space
        if space is None:
            raise ModelError(f"{self.method.name} tells no blur, and has no kernel space to read one: give it one")
        with torch.no_grad():
            return CodeBlur(space.extract(sharp, blurry), space)


def _cells(blur: CodeBlur, area: Area, outer: Area) -> CodeBlur:
    """The part for `area` of the blur of `outer`; both begin at cells."""
    stride = blur.space.stride
    top, left = (area.rows[0] - outer.rows[0]) // stride, (area.columns[0] - outer.columns[0]) // stride
    rows, columns = -(-area.size[0] // stride), -(-area.size[1] // stride)
    return CodeBlur(blur.code[..., top : top + rows, left : left + columns], blur.space)


def _joined(parts: dict[tuple[int, int], CodeBlur]) -> CodeBlur:
    """The blur of the whole picture from those of its tiles, by their first row and column."""
    rows = sorted({row for row, _ in parts})
    code = torch.cat([torch.cat([parts[at].code for at in sorted(parts) if at[0] == row], -1) for row in rows], -2)
    return CodeBlur(code, next(iter(parts.values())).space)


def through(
    network: Callable[[Image], Image], seen: Observed, run: Run, *, margin: int, bytes_per_px: int, stage: str
) -> Tensor:
    """What a network of pictures makes of all display values of a photo, tile by tile; stored as the photo is."""
    canvas = torch.empty_like(seen.pixels)
    for area in run.steps(stage, list(tiles(seen.size, _widest(seen, run, margin, bytes_per_px), multiple=margin))):
        outer = area.grown(margin, multiple=margin)
        made = network(seen.display(outer).to(run.device))
        area.cut(canvas).copy_(as_stored(area.cut_from(made, outer), canvas.dtype))
    return canvas


def _widest(seen: Observed, run: Run, margin: int, bytes_per_px: int) -> int:
    """How wide tiles may be: all of a small photo, else what fits into memory with the margins around it."""
    room = min(MOST, run.room() // bytes_per_px)
    height, width = seen.size
    return max(height, width) if height * width <= room else max(int(room**0.5) - 2 * margin, LEAST_SIDE)
