"""How are many photos deblurred, one after another, with one honest record for each?

A bad file never stops the others, a result is checked before it is written, and "left alone" is the input byte for
byte.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from pathlib import Path

import torch
from torch.nn import functional

from blurspace.blur.kernels import extent, show
from blurspace.errors import BlurspaceError, MemoryExhaustedError, OutputError, UsageError
from blurspace.io.images import changes_on_write, encode_photo, write_bytes
from blurspace.io.jpeg import quantisation_sigma
from blurspace.jobs.files import Source, beside, check_format, check_target, load, plan_targets
from blurspace.types import Deblurrer, Image, Kernel, Photo, Restoration

Report = Callable[[str], None]
# A restoration may leave [0, 1] by rounding only; it is cut off. Beyond this something went wrong.
RANGE_SLACK = 1e-3
OUT_OF_MEMORY = ("not enough memory", "out of memory", "can't allocate memory")


@dataclass(frozen=True)
class Outcome:
    """What became of one file: the contract's JSON record, version 1, and what the doors need besides.

    Numbers that are infinite or unknown are None: `change_psnr` of an untouched picture, `peak_mib` on Windows.
    """

    input: str
    output: str | None
    verdict: str  # restored, left alone, refused, failed
    reason: str
    method: str | None = None
    kernel: dict[str, float | int | None] | None = None
    reblur_psnr: float | None = None
    change_psnr: float | None = None
    sigma: float | None = None
    seconds: float = 0.0
    peak_mib: float | None = None
    device: str = "cpu"
    runtime: str = ""
    notes: tuple[str, ...] = ()
    exit_code: int = field(default=0, metadata={"private": True})
    data: bytes | None = field(default=None, repr=False, metadata={"private": True})  # for standard output
    error: Exception | None = field(default=None, metadata={"private": True})

    def record(self) -> dict[str, object]:
        """The JSON object of this outcome."""
        return {one.name: getattr(self, one.name) for one in fields(self) if "private" not in one.metadata}


def deblur_files(
    sources: Sequence[Source],
    *,
    deblurrer: Deblurrer,
    output: str | None = None,
    overwrite: bool = False,
    plot: bool = False,
    strict: bool = False,
    report: Report = lambda _: None,
) -> Iterator[Outcome]:
    """Deblur each source and yield its outcome as soon as it is written.

    `output`: a file, a folder, `-` for standard output (the outcome's `data`), or None for `name.deblurred.ext` beside
    each input. `plot` adds pictures of the kernel and of before and after. With `strict` a refused file counts as an
    error. `report` gets a sentence on whatever a file cannot keep. Raises UsageError before any work.
    """
    targets = plan_targets(sources, output)
    if plot and None in targets:
        raise UsageError("--plot writes beside the output, and standard output has no beside: give -o FILE")
    taken: set[Path] = set()
    for source, target in zip(sources, targets, strict=True):
        start = time.perf_counter()
        try:
            if target in taken:
                raise OutputError(f"{target} was already written for another input of the same name: use two folders")
            if target:
                _prepare(target, sources, overwrite=overwrite, plot=plot)
                taken.add(target)
            outcome = _deblur_one(source, target, deblurrer, overwrite=overwrite, plot=plot, report=report)
        except Exception as error:  # one bad file, whatever is wrong with it, must not stop the batch
            outcome = _failed(source, error)
        if strict and outcome.verdict == "refused":
            outcome = replace(outcome, exit_code=6)
        seconds = round(time.perf_counter() - start, 3)
        yield replace(outcome, seconds=seconds, peak_mib=peak_mib(), runtime=runtime())


def exit_code(codes: Iterable[int]) -> int:
    """The process's exit code for the codes of all files: 0, the code that all failures share, or 1 for mixed ones."""
    failures = {code for code in codes if code}
    return failures.pop() if len(failures) == 1 else int(bool(failures))


def describe_kernel(kernel: Kernel, *, confidence: float | None = None) -> dict[str, float | int | None]:
    """The contract's `kernel` object."""
    length, angle = extent(kernel.cpu())
    return {
        "size": kernel.shape[-1],
        "length_px": round(length, 2),
        "angle_deg": round(angle, 1),
        "confidence": confidence,
    }


def picture_bytes(pixels: Image) -> bytes:
    """A plain 8-bit PNG of `pixels`, for looking at."""
    return encode_photo(Photo.of(pixels), pixels)


def number(value: float | None, digits: int = 5) -> float | None:
    """A number for JSON, which knows no infinity."""
    return round(value, digits) if value is not None and isfinite(value) else None


def peak_mib() -> float | None:
    """The most memory this process has held so far, in MiB; None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (2**20 if sys.platform == "darwin" else 2**10), 1)


def runtime() -> str:
    """What computed it, as in `torch 2.13.0`."""
    return f"torch {torch.__version__.split('+')[0]}"


def as_known_error(error: Exception) -> Exception:
    """Out-of-memory errors of all kinds as one MemoryExhaustedError; anything else as it is."""
    told = isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in OUT_OF_MEMORY)
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or told:
        return MemoryExhaustedError("the picture needs more memory than there is: give a smaller one or free some")
    return error


def sentence(error: Exception) -> str:
    """One line for a person: our own errors speak for themselves, others say what they are."""
    text = " ".join(str(error).split())
    if isinstance(error, BlurspaceError):
        return text
    return f"an unexpected error, {type(error).__name__}: {text or 'no details'} (run with -v to see where)"


def _prepare(target: Path, sources: Sequence[Source], *, overwrite: bool, plot: bool) -> None:
    """Settle, before the work, that everything can be written."""
    companions = [beside(target, ".kernel", ".png"), beside(target, ".side-by-side", ".png")] if plot else []
    for path in (target, *companions):
        check_target(path, sources, overwrite=overwrite)


def _deblur_one(
    source: Source, target: Path | None, deblurrer: Deblurrer, *, overwrite: bool, plot: bool, report: Report
) -> Outcome:
    photo = load(source)
    check_format(target, photo)
    restoration = _checked(deblurrer(photo.pixels, least_sigma=quantisation_sigma(photo)), photo)
    verdict = restoration.receipt.verdict
    notes = restoration.history
    data = None
    if verdict == "restored":
        changes = changes_on_write(photo)
        if changes:
            report(f"{source.name}: {changes}")
            notes = (*notes, changes)
        data = encode_photo(photo, restoration.restored)
    elif verdict == "left alone":
        data = photo.source if photo.source is not None else encode_photo(photo, photo.samples)
    if target and data is not None:
        write_bytes(target, data, overwrite=overwrite)
        if plot:
            _write_plots(target, photo.pixels, restoration, overwrite=overwrite)
    return _outcome(source, target if data is not None else None, restoration, notes, None if target else data)


def _checked(restoration: Restoration, photo: Photo) -> Restoration:
    """The restoration if its pixels can be a picture; the photo, left alone, if not."""
    if restoration.receipt.verdict != "restored":
        return restoration
    restored = restoration.restored
    if restored.shape != photo.samples.shape:
        problem = f"had the shape {tuple(restored.shape)}"
    elif not bool(restored.isfinite().all()):
        problem = "had values that are not finite"
    elif float(restored.min()) < -RANGE_SLACK or float(restored.max()) > 1 + RANGE_SLACK:
        problem = "had values outside [0, 1]"
    else:
        return replace(restoration, restored=restored.clamp(0, 1))
    reason = f"the restored picture {problem}, so the photo was left as it is"
    receipt = replace(restoration.receipt, verdict="left alone", reason=reason, change_psnr=float("inf"))
    return replace(restoration, restored=photo.pixels, receipt=receipt)


def _outcome(
    source: Source, target: Path | None, restoration: Restoration, notes: tuple[str, ...], data: bytes | None
) -> Outcome:
    receipt, kernel = restoration.receipt, restoration.kernel
    return Outcome(
        input=source.name,
        output=str(target) if target else ("-" if data is not None else None),
        verdict=receipt.verdict,
        reason=receipt.reason,
        method=restoration.method,
        kernel=None if kernel is None else describe_kernel(kernel, confidence=number(restoration.confidence, 3)),
        reblur_psnr=number(receipt.reblur_psnr, 3),
        change_psnr=number(receipt.change_psnr, 3),
        sigma=number(receipt.sigma),
        device=str(restoration.restored.device),
        notes=notes,
        data=data,
    )


def _failed(source: Source, error: Exception) -> Outcome:
    known = as_known_error(error)
    code = known.exit_code if isinstance(known, BlurspaceError) else 1
    return Outcome(source.name, None, "failed", sentence(known), exit_code=code, error=error)


def _write_plots(target: Path, blurry: Image, restoration: Restoration, *, overwrite: bool) -> None:
    """Beside the result: the kernel, and before and after with the kernel in the corner."""
    after = restoration.restored
    both = torch.cat((functional.pad(blurry, (0, 4, 0, 0), value=1.0), after), dim=-1).clone()
    if restoration.kernel is not None:
        picture = show(restoration.kernel.cpu(), sqrt=True)
        write_bytes(beside(target, ".kernel", ".png"), picture_bytes(picture), overwrite=overwrite)
        side = min(min(after.shape[-2:]) // 4, 127)
        both[..., :side, :side] = show(restoration.kernel.cpu(), size=side, sqrt=True)
    write_bytes(beside(target, ".side-by-side", ".png"), picture_bytes(both), overwrite=overwrite)
