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
from blurspace.restore.observed import Observed
from blurspace.restore.origin import facts_of
from blurspace.run import Run, held_memory
from blurspace.runtimes.engines import TORCH, versioned
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
            "Verdict": done.receipt.verdict + (", forced" if done.receipt.code == "forced" else ""),
            "BlurLengthPx": None if kernel is None else describe_kernel(kernel)["length_px"],
        }
        return stamped(photo, facts)


def develop(
    photo: Photo,
    deblurrer: Deblurrer,
    run: Run,
    *,
    written: Photo | None = None,
    stamp: Stamp | None = None,
    seen: Observed | None = None,
) -> Developed:
    """Deblur a photo and encode the result like it; "left alone" is the file it came from, byte for byte.

    `written`: the same photo as it is to be written, where that is another format: then "left alone" are its samples.
    `stamp`: what made it, for a file that is not left alone. `seen`: what this deblurrer observed of it before, with
    all that was found since. Raises whatever deblurring and encoding raise.
    """
    restoration = (
        deblurrer(photo.samples, alpha=photo.alpha, run=run, **facts_of(photo))
        if seen is None
        else deblurrer.restored(seen, run)
    )
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
        "runtime": computed_by(deblurrer, restoration.method),
        "notes": (*restoration.notes, *([loss] if loss else [])),
    }
    return Developed(data, record, restoration, loss)


def computed_by(deblurrer: Deblurrer, method: str) -> str:
    """The runtime, with its version, that made a result: torch, where the method that did has no network."""
    card = CARDS.get(method)
    return versioned(TORCH if card is not None and not card.weights else deblurrer.runtime)


def within(run: Run, memory: int | None, *, photo: Photo | None = None, jobs: int = 1) -> Run:
    """A run that keeps this process within so many bytes, beside a photo, its result and what encodes it, if any.

    Raises UsageError where that is no more than it holds already; `jobs`: so many got the same share. None: as it is.
    """
    if memory is None:
        return run
    wanted = 0 if photo is None else int(COPIES * photo.samples.nbytes)
    left = memory - held_memory() - wanted
    if left > 0:
        return replace(run, memory=left)
    share, remedy = ("", "") if jobs == 1 else (f" to each of {jobs} --jobs", ", or fewer --jobs")
    need = f"{(memory - left) >> 20} MiB are needed"
    raise UsageError(f"--memory allows {memory >> 20} MiB{share}, and {need} before any work: give more{remedy}")
