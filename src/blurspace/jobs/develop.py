"""What becomes of one photo in memory: which bytes, which record, what must be said? Knows no paths."""

from dataclasses import dataclass, replace

from blurspace import __version__
from blurspace.catalog import CARDS
from blurspace.errors import UsageError
from blurspace.io.images import encode_and_tell
from blurspace.io.labels import MADE, labelled
from blurspace.io.provenance import stamped
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


@dataclass(frozen=True)
class Stamp:
    """What a result says in its XMP of what made it; `weights`: the SHA-256 of the user's own, () for ours."""

    weights: tuple[str, ...] = ()

    def upon(self, photo: Photo, done: Restoration) -> Photo:
        """The photo with the stamp."""
        kernel, card = done.kernel, CARDS.get(done.method)
        shipped = card.sha256 if card is not None else None
        facts = {
            "Tool": "blurspace",
            "Version": __version__,
            "Method": done.method,
            "WeightsSha256": " ".join(self.weights) or shipped,
            "Verdict": done.receipt.verdict,
            "BlurLengthPx": None if kernel is None else describe_kernel(kernel)["length_px"],
        }
        return stamped(photo, facts)


def develop(
    photo: Photo, deblurrer: Deblurrer, run: Run, *, written: Photo | None = None, stamp: Stamp | None = None
) -> Developed:
    """Deblur a photo and encode the result like it; "left alone" is the file it came from, byte for byte.

    `written`: the same photo as it is to be written, where that is another format: then "left alone" are its samples.
    `stamp`: what made it, for a file that is not left alone. Raises whatever deblurring and encoding raise.
    """
    restoration = deblurrer(photo.samples, alpha=photo.alpha, run=run, **facts_of(photo))
    receipt, loss, data, result = restoration.receipt, None, None, written or photo
    if receipt.verdict == "left alone" and result.coding == photo.coding and photo.source is not None:
        data = photo.source
    elif receipt.verdict != "refused":
        whose = labelled(result) if MADE in restoration.notes else result
        whose = whose if stamp is None else stamp.upon(whose, restoration)
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


def within(run: Run, photo: Photo, memory: int, *, jobs: int = 1) -> Run:
    """A run that keeps this process within so many bytes, beside the photo, its result and what encodes it.

    Raises UsageError where that is less than it holds already; `jobs`: so many got the same share.
    """
    held, wanted = held_memory(), int(COPIES * photo.samples.nbytes)
    if memory < held + wanted:
        raise too_little(memory, f"this photo needs {(held + wanted) >> 20} MiB", jobs=jobs)
    return replace(run, memory=memory - held - wanted)


def too_little(memory: int, need: str, *, jobs: int) -> UsageError:
    """The error of a process that may hold less than it holds before any work."""
    share, remedy = ("", "") if jobs == 1 else (f" to each of {jobs} --jobs", ", or fewer --jobs")
    return UsageError(f"--memory allows {memory >> 20} MiB{share}, and {need} before any work: give more{remedy}")
