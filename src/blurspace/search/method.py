"""How does a search become a method that can be believed? First small, then tile by tile, and judged like any other.

The kernel space's prior of codes stands for the blur; a deep image prior for the small picture, free pixels for the
full one. Tran et al. 2021, section 3.2, both unknowns at once as in their released code, and made fit for a CPU.
"""

from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area, tiles
from blurspace.blur.exposure import to_display, to_linear
from blurspace.chance import chance, seeded
from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.blurs import CodeBlur
from blurspace.restore.driver import Found, Method
from blurspace.restore.finders import KernelFinder
from blurspace.restore.observed import Observed, as_float, as_stored
from blurspace.run import Run
from blurspace.search.blurs import Held, PriorCode
from blurspace.search.objective import Objective
from blurspace.search.operators import InSpace
from blurspace.search.pictures import DeepImagePrior, Pixels
from blurspace.search.plan import Plan, planned
from blurspace.search.solver import Joint, Problem, Searched
from blurspace.search.starts import AboutKernel, enlarged, first_code
from blurspace.search.stopping import Patience
from blurspace.types import Code, Image

NAME = "search"
STAGES = ("small", "sharpen", "both", "last")  # of `SearchSettings`
BYTES_PER_PX = 400  # of memory, when what was found is judged


@dataclass(frozen=True)
class SearchSettings:
    """How far a search goes; frozen, and passed in. All ours (notebook)."""

    objective: Objective = field(default_factory=Objective)
    # A deep image prior, which stops where its pictures change least, and a code that is drawn at first.
    small: Joint = field(default_factory=lambda: Joint(300, patience=Patience()))
    sharpen: Joint = field(default_factory=lambda: Joint(15, picture_rate=0.08))  # pixels, the code is held
    both: Joint = field(default_factory=lambda: Joint(40, picture_rate=0.05, blur_rate=0.05))  # pixels and code
    last: Joint = field(
        default_factory=lambda: Joint(25, picture_rate=0.08)
    )  # pixels anew, for the code that was found
    small_px: int = 2**18  # of the small picture, at most; it is half as wide as the photo, or less
    least: int = 96  # px: of the small picture's sides at least, else the photo is searched as it is
    tile: int = 384  # px: the side of what is searched at once at full resolution
    margin: int = 32  # px around it that are thrown away
    believed: float = 0.6  # a kernel that was estimated with this confidence is where the code begins

    def shortened(self, plan: Plan) -> Self:
        """With so many of the steps."""
        fewer: dict[str, Any] = {name: plan.shortened(getattr(self, name)) for name in STAGES}
        return replace(self, **fewer)


@dataclass(frozen=True)
class Searcher:
    """Finds a code and the sharp picture; `minutes`: at most about so many, by fewer steps. Same seed, same result."""

    space: BasisSpace
    seed: int = 0
    minutes: float | None = None
    settings: SearchSettings = field(default_factory=SearchSettings)

    def __call__(self, seen: Observed, run: Run) -> Found:
        """The picture, stored as the photo is, and its blur. Raises PictureError where the time is too short."""
        kernel = seen.find(KernelFinder(), run)
        blurry = seen.display(seen.area).to(run.device)
        believed = kernel.blur is not None and (kernel.known or (kernel.confidence or 0) >= self.settings.believed)
        space = AboutKernel(self.space, kernel.blur.kernel) if believed and kernel.blur is not None else self.space
        work = _Work(blurry, space, self.seed, self.settings, run)
        plan = planned(work.seconds(small=not believed), self.minutes)
        work = replace(work, settings=self.settings.shortened(plan), about=plan.about)
        code = first_code(space, seen.size, response=seen.response) if believed else work.drawn()
        picture, code = work.tiled(code)
        begun = f"the kernel that was {'given' if kernel.known else 'estimated'}"
        how = begun if believed else f"a code that was drawn, seed {self.seed}"
        stored = as_stored(picture.cpu(), seen.pixels.dtype)
        return Found(
            DisplayedBlur(code, space, seen.response),
            picture=stored,
            notes=(*kernel.notes, f"searched from {how}", plan.note),
        )


@dataclass(frozen=True)
class _Work:
    """One photo `blurry` (1 c h w), display values, that is being searched."""

    blurry: Image
    space: BasisSpace
    seed: int
    settings: SearchSettings
    run: Run
    about: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return self.blurry.shape[-2], self.blurry.shape[-1]

    @property
    def factor(self) -> int:
        """How many px of the photo are one of the small picture, each way."""
        height, width = self.size
        if min(height, width) < 2 * self.settings.least:
            return 1
        factor = 2
        while height * width > factor**2 * self.settings.small_px:
            factor += 1
        return factor

    @property
    def areas(self) -> list[Area]:
        return list(tiles(self.size, self.settings.tile, multiple=self.space.stride))

    def problem(self, blurry: Image) -> Problem:
        return Problem(blurry, InSpace(self.space), self.settings.objective)

    def small(self) -> tuple[Problem, DeepImagePrior, PriorCode]:
        """The small picture and its unknowns, as the seed draws them."""
        blurry = functional.avg_pool2d(self.blurry, self.factor)
        size = blurry.shape[-2], blurry.shape[-1]
        with seeded(self.seed):
            picture = DeepImagePrior(size, channels=blurry.shape[1], generator=chance(self.seed, 0))
        code = PriorCode(self.space, size, generator=chance(self.seed, 1))
        return self.problem(blurry), picture.to(blurry), code.to(blurry)

    def drawn(self) -> Code:
        """The code of all of the photo, as a search on a small picture finds it."""
        problem, picture, code = self.small()
        found = self.settings.small(problem, picture, lambda _: code, self.run, stage=f"searching small{self.about}")
        return found.blur if self.factor == 1 else enlarged(self.space, found.blur, self.factor, self.size)

    def tiled(self, code: Code) -> tuple[Image, Code]:
        """The sharp picture and its code, from a code for all of the photo; one tile after the other."""
        canvas, codes, areas = torch.empty_like(self.blurry), torch.empty_like(code), self.areas
        for index, area in enumerate(areas):
            outer = area.grown(self.settings.margin, multiple=self.space.stride)
            found = self.tile(outer, code[(..., *_cells(outer, self.space.stride))], f"{index + 1} of {len(areas)}")
            area.cut(canvas).copy_(area.cut_from(found.picture, outer))
            here = Area(*(_inner(area, outer, self.space.stride)), found.blur.shape[-2:])  # type: ignore[arg-type]
            codes[(..., *_cells(area, self.space.stride))] = here.cut(found.blur)
        return canvas, self.space.centred(codes).detach()

    def tile(self, outer: Area, code: Code, which: str) -> Searched:
        """What is found in a piece: pixels, then both; and pixels anew, for the first ones began with a worse code."""
        blurry, how = outer.cut(self.blurry), self.settings
        problem, picture, stage = self.problem(blurry), Pixels(blurry), f"searching {which}{self.about}"
        how.sharpen(problem, picture, lambda _: Held(code), self.run, stage=f"{stage}: begun")
        free = PriorCode(self.space, outer.size, start=code)
        found = how.both(problem, picture, lambda _: free, self.run, stage=stage)
        held = Held(found.blur, free.norm())
        return how.last(problem, Pixels(blurry), lambda _: held, self.run, stage=f"{stage}: ending")

    def seconds(self, *, small: bool) -> float:
        """How long all steps take, about; a few are tried for it."""
        outer = self.areas[0].grown(self.settings.margin, multiple=self.space.stride)
        blurry = outer.cut(self.blurry)
        rest = PriorCode(self.space, outer.size, start=self.space.rest_code(outer.size))
        total = self.problem(blurry).seconds_per_step(Pixels(blurry), rest) * len(self.areas)
        total *= sum(one.steps for one in (self.settings.sharpen, self.settings.both, self.settings.last))
        if small:
            problem, picture, code = self.small()
            total += problem.seconds_per_step(picture, code) * self.settings.small.steps
        return total


@dataclass(frozen=True, eq=False, repr=False)
class DisplayedBlur(CodeBlur):
    """A `CodeBlur` whose code was found in display values, while pictures come in the light of a `response`."""

    response: str = "linear"

    def reblur(self, sharp: Image, area: Area) -> Image:
        """`sharp` (b c h w), light, the piece `area` of a picture, blurred and clamped."""
        return to_linear(super().reblur(to_display(sharp, self.response), area), self.response)


@dataclass(frozen=True)
class FoundPicture:
    """The `Restorer` of a `picture` (1 c h w, as stored) that was found together with its blur."""

    picture: Tensor
    response: str
    multiple: int
    margin: int = 64
    bytes_per_px: int = BYTES_PER_PX

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """The light of its piece."""
        del run
        return to_linear(as_float(area.cut(self.picture)).to(tile), self.response)


def search_method(space: BasisSpace, *, seed: int = 0, minutes: float | None = None) -> Method:
    """The method that searches, with the codes of a `space` that has a prior. Raises ModelError on others."""

    def restorer(seen: Observed, found: Found, run: Run) -> FoundPicture:
        del run
        assert found.picture is not None
        return FoundPicture(found.picture, seen.response, space.stride)

    return Method(NAME, Searcher(space, seed, minutes), restorer)


def _cells(area: Area, stride: int) -> tuple[slice, slice]:
    """The cells of a piece that begins with one."""
    down, across = (slice(first // stride, ceil(last / stride)) for first, last in (area.rows, area.columns))
    return down, across


def _inner(area: Area, outer: Area, stride: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The cells of a piece, counted from the first of the piece around it."""
    pairs = zip(_cells(area, stride), _cells(outer, stride), strict=True)
    down, across = ((one.start - around.start, one.stop - around.start) for one, around in pairs)
    return down, across
