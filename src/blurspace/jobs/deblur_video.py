"""How is a video deblurred: which of its frames, from which blur on, and what is said of each?"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blurspace.errors import Cancelled, PictureError
from blurspace.io.encoders import check_place
from blurspace.io.files import exists, written_whole
from blurspace.io.frames import VideoFrame
from blurspace.io.remux import Done, Rewritten, first_frame, partial, repack, rewrite
from blurspace.jobs.develop import within
from blurspace.jobs.each import REFUSED, Deblurred, number
from blurspace.jobs.files import Source
from blurspace.jobs.inspect_video import Counted, judged_frames
from blurspace.jobs.wishes import Wishes
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Restoration
from blurspace.run import Run
from blurspace.runtimes.engines import versioned
from blurspace.video.lending import Loan
from blurspace.video.mending import Mended, Mender
from blurspace.video.nearby import Nearby

STAGE = "frames"
Report = Callable[[str], None]
Note = Callable[["VideoOutcome", Path | None], None]
MINUTE = 60  # s
FIELDS = (
    *("frame", "seconds", "verdict", "code", "reason", "method", "length_px", "angle_deg"),
    *("probability_better", "expected_gain_db", "lenders", "lent"),
)


@dataclass(frozen=True)
class VideoOutcome(Deblurred):
    """What became of one video: its JSON record. `per_frame`: of each frame that was tried, what became of it."""

    frames: int = 0
    blurry_frames: int = 0
    restored_frames: int = 0
    refused_frames: int = 0
    damaged_frames: int = 0
    shots: int = 0
    per_frame: tuple[dict[str, object], ...] = ()


def quiet(*_: object) -> None:
    """Tell nobody."""


class _NothingRestoredError(Exception):
    """No frame was changed: there is no new video to write."""


def deblur_video(
    source: Source, target: Path, *, deblurrer: Deblurrer, wishes: Wishes, run: Run, report: Report, note: Note = quiet
) -> VideoOutcome:
    """Deblur the blurry frames of a video; all else in it stays: see `remux.rewrite`.

    A first pass finds the blurry frames, a second restores them: by what sharp frames near lend (see `lend`); unless
    that is nearly all, the rest deblurred where its receipt is good. That search begins with the blur between both, or
    with that of the frame before if it was restored. Where nothing is blurry the new file is a copy. `report` gets
    sentences: how many frames are blurry, and how long it will take; `note` gets the outcome, with the whole new file
    (None: there is none) before that gets its name. Raises what `rewrite` and `Deblurrer` raise.
    """
    start, path, told = time.perf_counter(), Path(source.name), Counted()
    if source.problem:
        raise PictureError(source.problem)
    check(source, target, wishes, run)
    plan = judged_frames(path, run, told)
    wanted = [one.look.index for one in plan if one.blurry or wishes.every]
    report(f"{source.name}: {len(wanted)} of {len(plan)} frames are to be deblurred")
    mender = Mender(deblurrer, plan, within(run, wishes.memory, jobs=wishes.jobs), alone=wishes.alone)
    work = _Frames(mender, set(wanted), told_of(source, report))

    def outcome(notes: Sequence[str]) -> VideoOutcome:
        verdict = work.verdict()
        return VideoOutcome(
            source.name,
            None if verdict == "refused" else str(target),
            work.reason(len(plan)),
            round(time.perf_counter() - start, 3),
            exit_code=REFUSED if wishes.strict and verdict == "refused" else 0,
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
            runtime=versioned(deblurrer.runtime),
            notes=tuple(notes),
            told="; ".join(notes) or None,
        )

    kept = partial(target)

    def done(temporary: Path, rewritten: Rewritten) -> None:
        note(outcome(rewritten.notes), temporary)

    try:
        if wanted:
            how: dict[str, Any] = {"overwrite": wishes.overwrite, "done": done, "kept": kept}
            return outcome(rewrite(path, target, work.changed, **how).notes)
    except _NothingRestoredError:
        pass
    except (KeyboardInterrupt, Cancelled):
        if said := left_of(source.name, kept):
            report(said)
        raise
    if work.verdict() == "left alone":
        return outcome(copy(path, target, overwrite=wishes.overwrite, done=done).notes)
    note(outcome(()), None)
    return outcome(())


def left_of(name: str, kept: Path) -> str | None:
    """What is said of a video that was interrupted; None where nothing of it was kept."""
    return f"{name}: interrupted, and what was done can be played: {kept}" if exists(kept) else None


def told_of(source: Source, report: Report) -> Report:
    """What tells of one source by its name."""
    return lambda text: report(f"{source.name}: {text}")


def check(source: Source, target: Path, wishes: Wishes, run: Run) -> None:
    """Raise, before the first pass, what `rewrite` would after it: on its frames, the target's name, the memory."""
    path = Path(source.name)
    first = first_frame(path)
    check_size(first, source, wishes.max_pixels)
    within(run, wishes.memory, jobs=wishes.jobs)
    if path.suffix.lower() != target.suffix.lower():
        check_place(path, target, first)


def check_size(frame: Any, source: Source, most: int) -> None:
    """Raise PictureError where frames have more than so many pixels."""
    if frame.width * frame.height > most:
        size = f"{frame.width} x {frame.height} pixels"
        raise PictureError(f"{source.name} has frames of {size}, over the limit of {most}: give --max-pixels")


def copy(path: Path, target: Path, *, overwrite: bool, done: Done) -> Rewritten:
    """A video as it is, byte for byte; in another container where the target's name wants one."""
    if path.suffix.lower() != target.suffix.lower():
        return repack(path, target, overwrite=overwrite, done=done)
    with written_whole(target, overwrite=overwrite) as temporary:
        shutil.copyfile(path, temporary)
        done(temporary, Rewritten())
    return Rewritten()


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
        told = ", ".join([f"of {total} frames {self.count('restored')} restored", *kinds])
        return told + (self.why_refused() if self.verdict() == "refused" else "")

    def why_refused(self) -> str:
        """The first refused frame and its reason."""
        first = next(one for one in self.records if one["verdict"] == "refused")
        return f"; frame {first['frame']}: {first['reason']}"


def blank(frame: VideoFrame) -> dict[str, object]:
    """The record of a frame of which nothing is known yet."""
    return dict[str, object].fromkeys(FIELDS) | {"frame": frame.index, "seconds": round(frame.seconds, 4)}


def described(frame: VideoFrame, mended: Mended) -> dict[str, object]:
    """What became of a frame that was tried, as a record: by a search, and by what sharp ones lent instead."""
    done, loan = mended.done, mended.loan
    used = done is not None and (loan is None or done.receipt.verdict == "restored")
    record = blank(frame) | (searched(done) if done is not None and used else {})
    return record | ({} if loan is None else borrowed(loan, mended.lenders, rest=done is not None, deblurred=used))


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


def borrowed(loan: Loan, lenders: Sequence[int], *, rest: bool, deblurred: bool) -> dict[str, object]:
    """What a record says instead of a frame that sharp ones lend most of; what of the `rest`, if any is left?"""
    length, angle = loan.blur.length_angle()
    names = " and ".join(map(str, lenders))
    what = f"; the rest {'is deblurred' if deblurred else 'stays as it was'}" if rest else ""
    reason = f"{loan.share:.0%} borrowed from frame {names}, where blurring that again gives this one{what}"
    return {
        "verdict": "restored",
        "code": "borrowed",
        "reason": reason,
        "length_px": number(length, 2),
        "angle_deg": number(angle, 1),
        "lenders": list(lenders),
        "lent": number(loan.share, 3),
    }


def lasting(seconds: float) -> str:
    """About how long, in words."""
    return f"about {seconds / MINUTE:.0f} min" if seconds > 2 * MINUTE else f"about {max(seconds, 1):.0f} s"
