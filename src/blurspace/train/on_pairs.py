"""Where do sharp-blurry pairs to train on come from? Read from a folder of pairs, or made out of sharp photos."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from blurspace.blur.cameras import CAMERAS
from blurspace.chance import chance
from blurspace.data import degradations, sources
from blurspace.data.crops import Part, SharpPhotos
from blurspace.data.layouts import find_pairs
from blurspace.data.pairs import PairPhotos, split_by_scene
from blurspace.train.one_loss import PARTS, VALIDATION_SEED, Report, Source, report_left_out, sharp_photos
from blurspace.train.settings import CropSettings
from blurspace.types import Pair

Kind = Literal["shakes", "hand", "wheel", "belt", "mast", "lines", "practical", "realistic", "pairs"]
# The degradations that deblurrers are published with: see `data.degradations`.
SPOILT: dict[str, Callable[..., sources.Source]] = {
    "lines": degradations.from_lines,
    "practical": degradations.from_practical_degradation,
    "realistic": degradations.from_realistic_synthesis,
}


class PairSettings(CropSettings):
    """Where pairs come from; lengths in px.

    `kinds`, all equally likely: "shakes", uniform blur by drawn kernels of `extents`; names of `blur.cameras.CAMERAS`,
    scenes before these cameras; names in `SPOILT`; "pairs", where --data is a folder of pairs in one of `data.layouts`
    and not of sharp photos.
    """

    kinds: tuple[Kind, ...] = Field(min_length=1)
    extents: tuple[float, float] = (1.0, 31.0)
    kernel_side: int = Field(default=33, gt=0)
    sigmas: tuple[float, float] = (0.0, 0.0)
    other_share: float = Field(default=0.3, ge=0, le=1)
    validation: int = Field(default=32, gt=0, description="pairs that training never sees")

    @model_validator(mode="after")
    def _one_folder(self) -> "PairSettings":
        if "pairs" in self.kinds and len(self.kinds) > 1:
            raise ValueError("kinds has pairs and others, and --data is one folder: give pairs alone, or the others")
        return self


def pair_source(settings: PairSettings, *, data: Path, device: str, report: Report) -> Source[Pair]:
    """Read the photos or pairs in `data`, split by name or by scene, and draw the validation pairs.

    Raises NoInputError and UsageError as those who read do, before any training.
    """
    training, held_out = (_source(settings, data, part, report) for part in PARTS)
    validation = held_out(chance(VALIDATION_SEED, 0), settings.validation)
    halves = zip(validation.sharp.split(settings.batch), validation.blurry.split(settings.batch), strict=True)
    pieces = [to_device(Pair(sharp, blurry), device) for sharp, blurry in halves]
    return Source(lambda generator: to_device(training(generator, settings.batch), device), pieces)


def to_device(pair: Pair, device: str) -> Pair:
    """The same pair on another device."""
    return Pair(pair.sharp.to(device), pair.blurry.to(device))


def _source(settings: PairSettings, data: Path, part: Part, report: Report) -> sources.Source:
    if "pairs" in settings.kinds:
        files = split_by_scene(find_pairs(data))[0 if part == "train" else 1]
        pairs = PairPhotos(files, limit=settings.limit)
        report_left_out(pairs.skipped, report)
        return sources.from_pairs(pairs.pairs, side=settings.side)
    photos = sharp_photos(data, part=part, limit=settings.limit, report=report)
    return sources.mixed([_made(kind, settings, photos) for kind in settings.kinds])


def _made(kind: Kind, settings: PairSettings, photos: SharpPhotos) -> sources.Source:
    if kind in SPOILT:
        return SPOILT[kind](photos, side=settings.side)
    if kind in CAMERAS:
        return sources.from_scenes(photos, CAMERAS[kind], side=settings.side)
    drawn = settings.model_dump(include={"side", "kernel_side", "extents", "sigmas", "other_share"})
    return sources.from_shakes(photos, **drawn)
