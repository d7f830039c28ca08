"""Which encoder keeps a video's pixels as they are, in a file of some suffix?"""

from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

from blurspace.errors import UsageError
from blurspace.io.files import shown
from blurspace.io.video import opened, pictures_of, pyav

# FFmpeg's muxer for each suffix that we write.
CONTAINERS = {
    **{".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"},
    **{".avi": "avi", ".mts": "mpegts", ".m2ts": "mpegts", ".3gp": "3gp"},
}
TIMELESS = "avi"  # holds no times, only a rate
BROADCAST = "mpegts", frozenset({"h264", "hevc", "mpeg2video"})  # FFmpeg's muxer of it does not say what it takes
USUAL_RATE = Fraction(25)  # frames a second, where a file names none; times come from the frames all the same


@dataclass(frozen=True)
class Encoder:
    """FFmpeg's name of one, of which `codec`, and options by which nobody sees a loss (all ours)."""

    name: str
    codec: str
    options: dict[str, str] = field(default_factory=dict)


FINEST = {"flags": "+qscale", "global_quality": "236"}  # a quantiser of 2, times FFmpeg's FF_QP2LAMBDA
# The first of a codec is asked first, then all others in this order.
ENCODERS = (
    Encoder("libx264", "h264", {"crf": "12", "preset": "fast"}),
    Encoder("libx265", "hevc", {"crf": "12", "preset": "fast", "x265-params": "log-level=none"}),
    Encoder("libvpx-vp9", "vp9", {"crf": "14", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}),
    Encoder("libvpx", "vp8", {"crf": "4", "b": "40M", "deadline": "good", "cpu-used": "4"}),
    Encoder("libsvtav1", "av1", {"crf": "18", "preset": "8"}),
    Encoder("ffv1", "ffv1"),
    Encoder("prores_ks", "prores", {"profile": "3"}),
    Encoder("mpeg4", "mpeg4", FINEST),
    Encoder("mpeg2video", "mpeg2video", FINEST),
    Encoder("mjpeg", "mjpeg", FINEST),
)


def container_of(target: Path, source_format: str) -> str:
    """FFmpeg's name of the container of a target. Raises UsageError where none is known, or it would lose the times."""
    name = CONTAINERS.get(target.suffix.lower())
    if name is None:
        raise UsageError(f"{shown(target)} is no name of a video: name it .mp4, .mov, .mkv or .webm")
    if name == TIMELESS and TIMELESS not in source_format:
        raise UsageError(f"{shown(target)} could not hold the times of the frames: name it .mp4, .mov or .mkv")
    return name


def encoder_for(stream: Any, frame: Any, made: Any, target: Path) -> Encoder:
    """The encoder for a decoded stream: of its own codec if there is one that fits, else the first that does.

    `frame`: its first one. `made`: the output. Raises UsageError where no encoder writes such pixels into it.
    """
    own = [one for one in ENCODERS if one.codec == stream.codec_context.codec.canonical_name]
    for one in (*own, *ENCODERS):
        if (holds(made, one.name) or holds(made, one.codec)) and _opens(one, stream, frame):
            return one
    pixels = frame.format.name
    raise UsageError(f"no encoder here writes {pixels} pixels to {shown(target)}: give another suffix, such as .mkv")


def check_place(source: Path, target: Path, first: Any) -> None:
    """Raise UsageError where no video of a target's name can hold such frames as the `first` one of a source."""
    with opened(source) as given:
        container = container_of(target, given.format.name)
        with pyav().open(BytesIO(), "w", format=container) as made:
            encoder_for(pictures_of(given), first, made, target)


def holds(made: Any, codec: str) -> bool:
    """Whether an output's container has a place for a codec."""
    return codec in (BROADCAST[1] if made.format.name == BROADCAST[0] else made.supported_codecs)


def prepared(context: Any, stream: Any, frame: Any) -> None:
    """Make an encoder's context ready for the frames of a decoded stream, of which `frame` is the first.

    No frame waits for a later one: so the order of packets is that of the frames, in whatever container.
    """
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base, context.max_b_frames = stream.time_base, 0
    context.framerate = rate_of(stream)
    if stream.sample_aspect_ratio:
        context.sample_aspect_ratio = stream.sample_aspect_ratio
    for tag in ("color_range", "colorspace", "color_primaries", "color_trc"):
        setattr(context, tag, getattr(frame, tag))


def rate_of(stream: Any) -> Fraction:
    """Frames a second, about."""
    return stream.average_rate or stream.guessed_rate or USUAL_RATE


def _opens(encoder: Encoder, stream: Any, frame: Any) -> bool:
    """Whether it takes these pixels, of this size, in these units of time."""
    from av import CodecContext
    from av.codec.codec import UnknownCodecError
    from av.error import FFmpegError

    try:
        context = CodecContext.create(encoder.name, "w")
        taken = context.codec.video_formats or []
        if frame.format.name not in {one.name for one in taken}:
            return False
        context.options = dict(encoder.options)
        prepared(context, stream, frame)
        context.open()
    except (FFmpegError, UnknownCodecError, ValueError):
        return False
    return True
