"""What would be done to each file, about how long would it take, and is there room for the results? Writes nothing."""

import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from blurspace.errors import PictureError, UsageError
from blurspace.io.files import FORMAT_SUFFIXES, RAW_SUFFIXES, is_folder
from blurspace.io.images import format_of, look
from blurspace.io.raster import Header
from blurspace.io.remux import first_frame
from blurspace.io.video import is_video
from blurspace.jobs.deblur_video import check_size
from blurspace.jobs.each import PRIVATE, FileRecord, Stream, each
from blurspace.jobs.files import STANDARD, Source
from blurspace.jobs.stored import in_store
from blurspace.jobs.tasks import Task, plan_tasks
from blurspace.jobs.wishes import Wishes

# Seconds of one processor core: to find a blur, whatever the size, and to undo it, for each megapixel (protocol speed).
SEARCH = {"auto": 24.0, "learned": 24.0, "classical": 24.0, "fast": 12.0}
RESTORE = 2.5
LOSSLESS, COLOURS = ("PNG", "TIFF"), 3
ENOUGH = 3  # photos done before, from which on their seconds count more than ours


@dataclass(frozen=True)
class Planned(FileRecord):
    """What would become of one file: `planned`, `done before`, `skipped` or `failed`; `seconds`: about how long."""

    seconds: float | None = None
    verdict: str = "failed"
    megapixels: float | None = None
    bytes: int | None = None  # of the result, about
    took: float | None = field(default=None, metadata=PRIVATE)  # seconds, of a photo that was done before


def dry_run(
    sources: Sequence[Source], *, output: str | None = None, wishes: Wishes | None = None, search: float | None = None
) -> Stream[Planned]:
    """What `deblur_files` would do, by looking at each file without decoding it, writing nothing.

    `search`: seconds to find a blur; None where nobody knows: then no seconds are told. Raises UsageError before any
    work.
    """
    if any(source.name == STANDARD for source in sources):
        raise UsageError("--dry-run would use up standard input: give a file")
    asked = wishes or Wishes()
    if in_store(sources, output, asked):
        raise UsageError("--dry-run would copy each photo from its storage to look into it: leave it out")

    def work(task: Task) -> Planned:
        source, target = task.source, task.target
        state, place = task.state(asked), str(target or STANDARD)
        if state.skipped:
            return Planned(source.name, place, verdict="skipped")
        if entry := state.done:
            took = entry.record.get("seconds")
            known = took if isinstance(took, float) and not is_video(source.name) else None
            return Planned(source.name, place if entry.files else None, verdict="done before", took=known)
        if target and (is_folder(target.parent) or target == Path(output or "")):  # other folders are made on the way
            task.check_results(state, sources, asked)
        if is_video(source.name):
            return planned_video(source, place, asked.max_pixels)
        header, size = look(source.name, max_pixels=asked.max_pixels)
        size = size if target is None else about(source, target, header, size)
        megapixels = round(header.width * header.height / 1e6, 3)
        seconds = None if search is None else round(search + RESTORE * megapixels, 1)
        return Planned(source.name, place, None, seconds, verdict="planned", megapixels=megapixels, bytes=size)

    tasks = plan_tasks(sources, output, asked, create=False)
    return each(tasks, work, lambda task, why: Planned(task.source.name, **vars(why) | {"seconds": None}))


def planned_video(source: Source, place: str, most: int) -> Planned:
    """What would become of a video, of which nobody knows how long it takes: that depends on its blurry frames."""
    if source.problem:
        raise PictureError(source.problem)
    path = Path(source.name)
    frame = first_frame(path)
    check_size(frame, source, most)
    megapixels = round(frame.width * frame.height / 1e6, 3)
    return Planned(source.name, place, verdict="planned", megapixels=megapixels, bytes=path.stat().st_size)


def about(source: Source, target: Path, header: Header, size: int) -> int:
    """Bytes of a result, at most about: those of its input, or, in a lossless format that it had not, of its samples.

    Raises UsageError where the result's name tells no format that can be written.
    """
    suffix, format = Path(source.name).suffix.lower(), format_of(target.suffix or target.name)
    if suffix in FORMAT_SUFFIXES[format] or format not in LOSSLESS:
        return size
    return max(size, COLOURS * (2 if suffix in RAW_SUFFIXES else 1) * header.width * header.height)


def search_seconds(method: str, *, given: bool) -> float | None:
    """About how long a method of that name searches for a blur that may be `given`; None where nobody knows."""
    return 0.0 if given else SEARCH.get(method)


def estimate(planned: Sequence[Planned], *, output: str | None, jobs: int, known: bool) -> str:
    """One sentence: how long it takes and how much room it needs. `known`: whether the method's seconds are."""
    wanted = [one for one in planned if one.verdict == "planned"]
    videos = sum(is_video(one.input) for one in wanted)
    took = [one.took for one in planned if one.took is not None]
    if not wanted:
        return "nothing is left to do"
    seconds = sum(one.seconds or 0.0 for one in wanted) if known else None
    if len(took) >= ENOUGH:
        seconds = statistics.median(took) * (len(wanted) - videos)
    size = sum(one.bytes or 0 for one in wanted)
    free = shutil.disk_usage(_there(Path(output or wanted[0].input))).free
    time = "for a time that is not known of this method" if seconds is None else f"for about {spoken(seconds / jobs)}"
    if videos:
        time = f"{time}, and " * (videos < len(wanted)) + "for a time that is not known of videos"
    room = f"about {megabytes(size)} of the {megabytes(free)} that are free"
    return f"{len(wanted)} to do, {time}; the results take {room}{': make room first' if size > free else ''}"


def spoken(seconds: float) -> str:
    """A time for a person."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def megabytes(size: int) -> str:
    """An amount for a person."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _there(path: Path) -> Path:
    """The nearest folder above that exists."""
    return next((one for one in (path, *path.parents) if is_folder(one)), Path())
