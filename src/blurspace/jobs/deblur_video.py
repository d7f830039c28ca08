"""How is a video deblurred: which of its frames, from which blur on, and what is said of each?"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from blurspace.errors import Cancelled, PictureError, UsageError
from blurspace.io.files import exists, written_whole
from blurspace.io.frames import VideoFrame
from blurspace.io.remux import first_frame, partial, rewrite
from blurspace.jobs.each import PRIVATE, FileRecord, number, peak_mib, runtime
from blurspace.jobs.files import Source
from blurspace.jobs.inspect_video import Counted, judged_frames
from blurspace.jobs.wishes import Wishes
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Restoration
from blurspace.run import Run, held_memory
from blurspace.video.lending import Loan
from blurspace.video.mending import Mended, Mender
from blurspace.video.nearby import Nearby

STAGE = "frames"
Report = Callable[[str], None]
MINUTE = 60  # s
FIELDS = (
    *("frame", "seconds", "verdict", "code", "reason", "method", "length_px", "angle_deg"),
    *("probability_better", "expected_gain_db", "lenders", "lent"),
)


@dataclass(frozen=True)
class VideoOutcome(FileRecord):
    """What became of one video: its JSON record. `per_frame`: of each frame that was tried, what became of it."""

    reason: str = ""
    verdict: str = "failed"  # restored, left alone, refused, failed
    code: str = "failed"
    frames: int = 0
    blurry_frames: int = 0
    restored_frames: int = 0
    refused_frames: int = 0
    damaged_frames: int = 0
    shots: int = 0
    per_frame: tuple[dict[str, object], ...] = ()
    peak_mib: float | None = field(default_factory=peak_mib)
    device: str = "cpu"
    runtime: str = field(default_factory=runtime)
    notes: tuple[str, ...] = ()
    done_before: bool = False  # by an earlier run, whose record this is
    told: str | None = field(default=None, metadata=PRIVATE)  # nothing: a video keeps its format

    def record(self) -> dict[str, object]:
        """The JSON object of this video, with what became of it before the reason."""
        return dict[str, object].fromkeys(("input", "output", "verdict")) | super().record()


def quiet(_: str) -> None:
    """Tell nobody."""


class _NothingRestoredError(Exception):
    """No frame was changed: there is no new video to write."""


def deblur_video(
    source: Source, target: Path, *, deblurrer: Deblurrer, wishes: Wishes, run: Run, report: Report
) -> VideoOutcome:
    """Deblur the blurry frames of a video; all else in it stays: see `remux.rewrite`.

    A first pass finds the blurry frames, a second restores them: by what sharp frames near lend (see `lend`); unless
    that is nearly all, the rest deblurred where its receipt is good. That search begins with the blur between both, or
    with that of the frame before if it was restored. Where nothing is blurry the new file is a copy. `report` gets
    sentences: how many frames are blurry, and how long it will take. Raises what `rewrite` and `Deblurrer` raise.
    """
    start, path, told = time.perf_counter(), Path(source.name), Counted()
    if source.problem:
        raise PictureError(source.problem)
    check_size(first_frame(path), source, wishes.max_pixels)
    plan = judged_frames(path, run, told)
    wanted = [one.look.index for one in plan if one.blurry or wishes.every]
    report(f"{source.name}: {len(wanted)} of {len(plan)} frames are to be deblurred")
    mender = Mender(deblurrer, plan, within(run, wishes.memory), alone=wishes.alone)
    work = _Frames(mender, set(wanted), told_of(source, report))
    try:
        notes = rewrite(path, target, work.changed, overwrite=wishes.overwrite).notes if wanted else []
    except _NothingRestoredError:
        notes = []
    except (KeyboardInterrupt, Cancelled):
        if exists(partial(target)):
            report(f"{source.name}: interrupted, and what was done can be played: {partial(target)}")
        raise
    verdict = work.verdict()
    if verdict == "left alone":
        copy(path, target, overwrite=wishes.overwrite)
    return VideoOutcome(
        source.name,
        None if verdict == "refused" else str(target),
        work.reason(len(plan)),
        round(time.perf_counter() - start, 3),
        exit_code=6 if wishes.strict and verdict == "refused" else 0,
        verdict=verdict,
        code={"left alone": "sharp"}.get(verdict, verdict),
        frames=len(plan),
        blurry_frames=sum(one.blurry for one in plan),
        restored_frames=work.count("restored"),
        refused_frames=work.count("refused"),
        damaged_frames=told.damaged,
        shots=plan[-1].shot + 1,
        per_frame=tuple(work.records),
        device=deblurrer.device,
        notes=tuple(notes),
    )


def told_of(source: Source, report: Report) -> Report:
    """What tells of one source by its name."""
    return lambda text: report(f"{source.name}: {text}")


def check_size(frame: Any, source: Source, most: int) -> None:
    """Raise PictureError where frames have more than so many pixels."""
    if frame.width * frame.height > most:
        size = f"{frame.width} x {frame.height} pixels"
        raise PictureError(f"{source.name} has frames of {size}, over the limit of {most}: give --max-pixels")


def within(run: Run, memory: int | None) -> Run:
    """A run that keeps this process within so many bytes; None: as it is. Raises UsageError where it holds more."""
    if memory is None:
        return run
    if (left := memory - held_memory()) <= 0:
        raise UsageError(f"--memory allows {memory >> 20} MiB, and so much is held before any work: give more")
    return replace(run, memory=left)


def copy(path: Path, target: Path, *, overwrite: bool) -> None:
    """A video as it is, byte for byte; in another container where the target's name wants one."""
    if path.suffix.lower() != target.suffix.lower():
        rewrite(path, target, lambda frames: frames, overwrite=overwrite)
        return
    with written_whole(target, overwrite=overwrite) as temporary:
        shutil.copyfile(path, temporary)


class _Frames:
    """The frames of one video on their way: those that are `wanted` mended, and what became of each in `records`."""

    def __init__(self, mender: Mender, wanted: set[int], report: Report) -> None:
        """Keep them."""
        self.mender, self.wanted, self.report = mender, wanted, report
        self.records: list[dict[str, object]] = []

    def changed(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """All frames, some of them restored. Raises _NothingRestoredError after the last where none was."""
        near = Nearby(frames)
        for frame in near:
            self.mender.run.step(STAGE, frame.index, len(self.mender.plan))
            yield self.restored(frame, near) if frame.index in self.wanted else frame
        if not self.count("restored"):
            raise _NothingRestoredError

    def restored(self, frame: VideoFrame, near: Nearby) -> VideoFrame:
        """One frame, restored where it can be; its record is kept."""
        start = time.perf_counter()
        mended = self.mender.mended(frame, near)
        self.records.append(described(frame, mended))
        if len(self.records) == 1 < len(self.wanted):
            self.report(f"{lasting((len(self.wanted) - 1) * (time.perf_counter() - start))} more by the first of them")
        return mended.frame

    def count(self, verdict: str) -> int:
        """How many frames became that."""
        return sum(one["verdict"] == verdict for one in self.records)

    def verdict(self) -> str:
        """Of the video: restored if any frame is, refused if others were and none is."""
        if self.count("restored"):
            return "restored"
        return "refused" if self.count("refused") else "left alone"

    def reason(self, total: int) -> str:
        """A sentence on how many frames became what."""
        if not self.wanted:
            return f"none of {total} frames is blurry beside its neighbours"
        kinds = [f"{count} {verdict}" for verdict in ("refused", "left alone") if (count := self.count(verdict))]
        return ", ".join([f"of {total} frames {self.count('restored')} restored", *kinds])


def blank(frame: VideoFrame) -> dict[str, object]:
    """The record of a frame of which nothing is known yet."""
    return dict[str, object].fromkeys(FIELDS) | {"frame": frame.index, "seconds": round(frame.seconds, 4)}


def described(frame: VideoFrame, mended: Mended) -> dict[str, object]:
    """What became of a frame that was tried, as a record: by a search, and by what sharp ones lent instead."""
    record = blank(frame) | ({} if mended.done is None else searched(mended.done))
    return record | ({} if mended.loan is None else borrowed(mended.loan, mended.lenders))


def searched(done: Restoration) -> dict[str, object]:
    """What a record says of a frame that was deblurred by itself."""
    receipt = done.receipt
    length, angle = (None, None) if done.blur is None else done.blur.length_angle()
    return {
        "verdict": receipt.verdict,
        "code": receipt.code,
        "reason": receipt.reason,
        "method": done.method,
        "length_px": number(length, 2),
        "angle_deg": number(angle, 1),
        "probability_better": number(receipt.probability_better, 3),
        "expected_gain_db": number(receipt.expected_gain_db, 2),
    }


def borrowed(loan: Loan, lenders: Sequence[int]) -> dict[str, object]:
    """What a record says instead of a frame that sharp ones lend most of."""
    length, angle = loan.blur.length_angle()
    names = " and ".join(map(str, lenders))
    return {
        "verdict": "restored",
        "code": "borrowed",
        "reason": f"borrowed from frame {names}, and blurring that again gives this one",
        "length_px": number(length, 2),
        "angle_deg": number(angle, 1),
        "lenders": list(lenders),
        "lent": number(loan.share, 3),
    }


def lasting(seconds: float) -> str:
    """About how long, in words."""
    return f"about {seconds / MINUTE:.0f} min" if seconds > 2 * MINUTE else f"about {max(seconds, 1):.0f} s"
