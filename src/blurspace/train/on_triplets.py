"""Where do triplets to train on come from? From a folder of sharp photos, split by name."""

from pathlib import Path

from torch import Generator

from blurspace.chance import chance
from blurspace.data.triplets import Triplets, draw_triplets
from blurspace.train.one_loss import PARTS, VALIDATION_SEED, Report, Source, sharp_photos
from blurspace.train.settings import TripletSettings


def triplet_source(
    settings: TripletSettings, *, data: Path, kernel_side: int, device: str, report: Report
) -> Source[Triplets]:
    """Read the photos of folder `data`, split by name, and draw the validation triplets.

    Raises NoInputError and UsageError as `SharpPhotos` and `draw_triplets` do, before any training.
    """
    drawn = settings.model_dump(include={"side", "extents", "sigmas", "camera", "other_share"})
    training, held_out = (sharp_photos(data, part=part, limit=settings.limit, report=report) for part in PARTS)

    def draw(generator: Generator) -> Triplets:
        return draw_triplets(training, generator, count=settings.batch, kernel_side=kernel_side, device=device, **drawn)

    validation = draw_triplets(
        held_out,
        chance(VALIDATION_SEED, 0),
        count=settings.validation,
        kernel_side=kernel_side,
        device=device,
        **drawn,
    )
    return Source(draw, validation.split(settings.batch))
