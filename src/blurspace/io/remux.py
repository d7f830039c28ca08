"""How does a video become another, frame by frame, while all else in it is copied packet by packet?

Nothing is held but the frames that encoders and `change` hold: a minute of full HD is 11 GB of them.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from blurspace.errors import Cancelled, PictureError
from blurspace.io.encoders import container_of, encoder_for, holds, prepared, rate_of
from blurspace.io.files import exists, shown, written_whole
from blurspace.io.frames import VideoFrame
from blurspace.io.video import OF_TEXT, REPAIR, decoded, no_frame, opened, pictures_of

Change = Callable[[Iterator[VideoFrame]], Iterator[VideoFrame]]
ANEW = "its pictures are coded anew, for they cannot be copied into a {suffix}"
PARTIAL = ".partial"
TURNING = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".3gp")  # can say that pictures are to be turned
MOMENT, LITTLE = Fraction(1, 1000), 1  # s; the first is the finest that Matroska holds, the second ours
TIMECODE = "timecode"  # a tag of pictures, or of a stream that holds nothing else
COPIED = ("audio", "video", "subtitle")  # what every container takes some of; others only some take at all


@dataclass
class Rewritten:
    """What came of it: how many `frames` were written, how many `damaged` ones left out, and what is not as it was."""

    frames: int = 0
    damaged: int = 0
    notes: list[str] = field(default_factory=list)


Done = Callable[[Path, Rewritten], None]


def rewrite(
    source: Path,
    target: Path,
    change: Change,
    *,
    overwrite: bool = False,
    done: Done = lambda *_: None,
    kept: Path | None = None,
) -> Rewritten:
    """Write a video anew with the frames that `change` makes of its own, one for each, in their order.

    Times, turns, colour tags, the format of pixels, audio, subtitles, chapters and tags stay; the container is what the
    target's name says. Damaged frames are left out. `done` is told the whole file before it gets its name, and what
    came of it. Where it is cancelled, what is done stays playable, as `kept` (a free name, or else that of `partial`).
    Raises UsageError where the container takes no such pixels, PictureError where nothing can be decoded or frames are
    interlaced, transparent, change their size or jump back, OutputError as `write_bytes` does.
    """
    first, kept = first_frame(source), kept or partial(target)
    with written_whole(target, overwrite=overwrite) as temporary:
        work = _Work(source, target, temporary, change, first)
        try:
            told = work.done()
        except (KeyboardInterrupt, Cancelled):
            if work.told.frames:
                with suppress(OSError):  # it stays an interrupt
                    temporary.replace(kept)
            raise
        done(temporary, told)
    return told


def repack(source: Path, target: Path, *, overwrite: bool = False, done: Done = lambda *_: None) -> Rewritten:
    """Write a video as it is, packet by packet, in the container that the target's name says.

    Where that has no place for its pictures as they are coded, they are coded anew, which is said. Raises what
    `rewrite` raises.
    """
    first = first_frame(source)
    try:
        with written_whole(target, overwrite=overwrite) as temporary:
            told = _Work(source, target, temporary, None, first).done()
            done(temporary, told)
        return told
    except _NoPlaceError:
        pass

    def say(temporary: Path, told: Rewritten) -> None:
        told.notes.append(ANEW.format(suffix=target.suffix))
        done(temporary, told)

    return rewrite(source, target, lambda frames: frames, overwrite=overwrite, done=say)


def partial(target: Path) -> Path:
    """What is done of a video when it is cancelled: `clip.partial.mp4`, or `clip.2.partial.mp4` where that is there."""
    numbers = (f".{number}" if number > 1 else "" for number in count(1))
    names = (target.with_name(f"{target.stem}{number}{PARTIAL}{target.suffix}") for number in numbers)
    return next(name for name in names if not exists(name))


def first_frame(source: Path) -> Any:
    """PyAV's first frame of a video. Raises PictureError where there is none, or none that could be written again."""
    with opened(source) as container:
        frame = next(decoded(container, Rewritten()), None)
    if frame is None:
        raise no_frame(source)
    if frame.interlaced_frame:
        raise PictureError(f"{shown(source)} is interlaced, each frame being two times: deinterlace it first")
    if any(component.is_alpha for component in frame.format.components):
        raise PictureError(f"{shown(source)} is transparent in parts, which is not kept: give one that is not")
    return frame


class _NoPlaceError(Exception):
    """A container cannot hold pictures as they are coded."""


class _Work:
    """One video on its way: `out` is the stream of its pictures, `copies` are those whose packets are copied, by index.

    Without a `change` the packets of its pictures are copied too.
    """

    out: Any
    copies: dict[int, Any]

    def __init__(self, source: Path, target: Path, temporary: Path, change: Change | None, first: Any) -> None:
        """Nothing is opened before it is `done`."""
        self.source, self.target, self.temporary = source, target, temporary
        self.change, self.first, self.told = change, first, Rewritten()
        self.last: int | None = None  # time of the frame before
        self.untimed = self.unfit = 0

    def done(self) -> Rewritten:
        """All frames, in the new file."""
        with opened(self.source) as given:
            made = self.begun(given)
            if self.change is None:
                self.copy_all(given, made)
            else:
                self.encode_all(self.change, given, made)
        if self.untimed:
            self.told.notes.append(f"{self.untimed} frames had no time after the frame before, and have one now")
        if self.unfit:
            self.told.notes.append(f"{self.unfit} damaged packets of sound or text are left out")
        return self.told

    def encode_all(self, change: Change, given: Any, made: Any) -> None:
        """All frames, changed; what is done can be played, whatever ends it."""
        try:
            for frame in change(self.frames(given, made)):
                made.mux(self.out.encode(frame.frame))
                self.told.frames += 1
        finally:
            made.mux(self.out.encode())
            made.close()

    def copy_all(self, given: Any, made: Any) -> None:
        """All packets as they are. Raises _NoPlaceError where one of the pictures does not fit, or is damaged."""
        with made:
            try:
                for packet in given.demux():
                    if packet.size and not self.copy(packet, made):  # an empty one only flushes a decoder
                        raise _NoPlaceError
                    self.told.frames += bool(packet.size) and packet.stream is self.out
            except ValueError as problem:
                raise _NoPlaceError from problem

    def copy(self, packet: Any, made: Any) -> bool:
        """Copy a packet, if it has a place; False where it is of the pictures, and FFmpeg does not take it."""
        if (into := self.copies.get(packet.stream_index)) is not None:
            packet.stream = into
            try:
                made.mux(packet)
            except ValueError:  # without a time, or with one before the last
                if into is self.out:
                    return False
                self.unfit += 1
        return True

    def frames(self, given: Any, made: Any) -> Iterator[VideoFrame]:
        """The frames as they come; what comes between them is copied."""
        for index, frame in enumerate(decoded(given, self.told, lambda packet: self.copy(packet, made))):
            frame.pict_type = 0  # the encoder decides anew which frames are key frames
            self.check_size(frame)
            self.time(frame)
            yield VideoFrame(index, frame)

    def check_size(self, frame: Any) -> None:
        """Raise PictureError where a frame is of another size than the first."""
        (width, height), (new, tall) = ((one.width, one.height) for one in (self.first, frame))
        if (width, height) != (new, tall):
            change = f"changes from {width} x {height} to {new} x {tall} pixels"
            raise PictureError(f"{shown(self.source)} {change}: cut it there, into two videos")

    def time(self, frame: Any) -> None:
        """Where damage took a frame's time, or set it back a little, give it one a moment after the frame before."""
        if self.last is not None and (frame.pts is None or frame.pts <= self.last):
            if frame.pts is not None and (self.last - frame.pts) * frame.time_base > LITTLE:
                raise PictureError(f"the times of frames in {shown(self.source)} jump back: {REPAIR}")
            frame.pts = self.last + max(1, round(MOMENT / frame.time_base))
            self.untimed += 1
        self.last = frame.pts

    def begun(self, given: Any) -> Any:
        """The output, its header written: with all streams, or with those that every container knows."""
        from av.error import FFmpegError

        for kinds in ((*COPIED, "data", "attachment"), COPIED):  # Matroska's header fails where there are any data
            made = self.opened(given)
            try:
                self.plan(given, made, kinds)
                made.start_encoding()
                return made
            except FFmpegError as problem:
                made.close()
                if isinstance(problem, OSError):  # such as a full disk
                    raise
                failed = problem
            except BaseException:
                made.close()
                raise
        if self.change is None:
            raise _NoPlaceError from failed
        raise PictureError(f"{shown(self.source)} cannot become a {self.target.suffix}: name another") from failed

    def opened(self, given: Any) -> Any:
        """The output, still empty."""
        import av

        container = container_of(self.target, given.format.name)
        return av.open(f"file:{self.temporary}", "w", format=container, metadata_errors=OF_TEXT)

    def plan(self, given: Any, made: Any, kinds: tuple[str, ...]) -> None:
        """The streams of the output, and what its header says."""
        stream, self.told.notes, self.copies = pictures_of(given), [], {}
        timecode, coded = None, ""
        for one in given.streams:
            if one.index == stream.index:
                self.out, coded = self.pictures(made, stream)
            elif TIMECODE in one.metadata and one.type == "data" and self.target.suffix.lower() in TURNING:
                timecode = one.metadata[TIMECODE]
            elif one.type not in kinds or not self.copied(made, one):
                self.told.notes.append(f"stream {one.index} ({one.type}) is left out: no place in {self.target.suffix}")
        if timecode is not None:  # of this tag, containers with such a stream make it anew
            self.out.metadata.setdefault(TIMECODE, timecode)
        if coded != (codec := stream.codec_context.codec.canonical_name):
            self.told.notes.append(f"its pictures are coded as {coded}, not as {codec}")
        made.metadata.update(given.metadata)
        made.set_chapters(given.chapters())

    def pictures(self, made: Any, stream: Any) -> tuple[Any, str]:
        """The output's stream of pictures, and its codec. Raises _NoPlaceError where they cannot be copied."""
        if self.change is None:
            codec = stream.codec_context.codec.canonical_name
            if not holds(made, codec) or not self.copied(made, stream):
                raise _NoPlaceError
            self.turn(self.copies[stream.index])
            return self.copies[stream.index], codec
        encoder = encoder_for(stream, self.first, made, self.target)
        out = made.add_stream(encoder.name, rate=rate_of(stream), options=dict(encoder.options))
        prepared(out.codec_context, stream, self.first)
        out.time_base = stream.time_base
        self.turn(out)
        _describe(out, stream)
        return out, encoder.codec

    def turn(self, out: Any) -> None:
        """Ask for the same turn or mirroring as the source does."""
        matrix = self.first.side_data.get("DISPLAYMATRIX")
        if matrix is not None and self.target.suffix.lower() in TURNING:
            out.set_display_matrix(np.frombuffer(bytes(matrix), "=i4").tolist())
        elif matrix is not None:
            self.told.notes.append(
                f"it is to be turned by {self.first.rotation} degrees, which {self.target.suffix} cannot say"
            )

    def copied(self, made: Any, stream: Any) -> bool:
        """Whether the output has a place for the packets of a stream."""
        try:
            if stream.type == "attachment":
                made.add_attachment(stream.name or "", stream.mimetype or "", stream.data)
                return True
            copy = made.add_stream_from_template(stream, opaque=True)
        except ValueError:
            return False
        self.copies[stream.index] = copy
        _describe(copy, stream)
        return True


def _describe(copy: Any, stream: Any) -> None:
    """Give a stream the tags of another: its language, its name, whether it is played unless told."""
    copy.metadata.update(stream.metadata)
    copy.disposition = stream.disposition
