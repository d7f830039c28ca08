"""What becomes of one photo in memory: which bytes, which record, what must be said? Knows no paths."""

from dataclasses import dataclass, replace

from blurspace.errors import UsageError
from blurspace.io.images import encode_and_tell
from blurspace.io.labels import MADE, labelled
from blurspace.jobs.each import describe_kernel, number
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Restoration
from blurspace.restore.origin import facts_of
from blurspace.run import Run, held_memory
from blurspace.types import Photo

# Of a photo's samples: the result, and what an encoder holds of it (Pillow: four bytes for three).
COPIES = 2.4


@dataclass(frozen=True)
class Developed:
    """The bytes of the new file, None where there is nothing to write, and how they came to be.

    `record`: the facts of the contract's JSON record that do not hang on files. `loss`: what the file cannot keep.
    """

    data: bytes | None
    record: dict[str, object]
    restoration: Restoration
    loss: str | None = None


def develop(
    photo: Photo, deblurrer: Deblurrer, run: Run, *, memory: int | None = None, written: Photo | None = None
) -> Developed:
    """Deblur a photo and encode the result like it; "left alone" is the file it came from, byte for byte.

    `written`: the same photo as it is to be written, where that is another format: then "left alone" are its samples.
    `memory`: bytes that this process may hold in all; None = as `run` says. Raises UsageError where that is less than
    it holds already, and whatever deblurring and encoding raise.
    """
    how = run if memory is None else within(run, photo, memory)
    restoration = deblurrer(photo.samples, alpha=photo.alpha, run=how, **facts_of(photo))
    receipt, loss, data, result = restoration.receipt, None, None, written or photo
    if receipt.verdict == "left alone" and result.coding == photo.coding and photo.source is not None:
        data = photo.source
    elif receipt.verdict != "refused":
        whose = labelled(result) if MADE in restoration.notes else result
        pixels = restoration.restored if receipt.verdict == "restored" else photo.samples
        data, loss = encode_and_tell(whose, pixels)
    kernel, light, region = restoration.kernel, restoration.light, restoration.region
    record: dict[str, object] = {
        "verdict": receipt.verdict,
        "code": receipt.code,
        "reason": receipt.reason,
        "confidence": number(receipt.confidence, 3),
        "probability_better": number(receipt.probability_better, 3),
        "expected_gain_db": number(receipt.expected_gain_db, 2),
        "method": restoration.method,
        "kernel": None if kernel is None else describe_kernel(kernel, confidence=number(restoration.confidence, 3)),
        "region": None if region is None else {"share": number(region.share, 4), "part": region.part},
        "light": None if light is None else light.name,
        "light_confidence": None if light is None else number(light.confidence, 3),
        "reblur_psnr": number(receipt.reblur_psnr, 3),
        "change_psnr": number(receipt.change_psnr, 3),
        "sigma": number(receipt.sigma),
        "device": restoration.device,
        "notes": (*restoration.notes, *([loss] if loss else [])),
    }
    return Developed(data, record, restoration, loss)


def within(run: Run, photo: Photo, memory: int) -> Run:
    """A run that keeps this process within so many bytes, beside the photo, its result and what encodes it."""
    held, wanted = held_memory(), int(COPIES * photo.samples.nbytes)
    if memory < held + wanted:
        raise UsageError(
            f"--memory allows {memory >> 20} MiB, and this photo needs {(held + wanted) >> 20} MiB before any work: "
            "give more"
        )
    return replace(run, memory=memory - held - wanted)
