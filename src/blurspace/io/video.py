"""Which pictures does a video hold?

Frames come one by one, upright, and never all at once: a minute of full HD is 11 GB of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from blurspace.errors import ModelError, PictureError, UsageError, install
from blurspace.io.files import shown

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".3gp"})
QUARTER = 90  # degrees
REPAIR = "repair it, as `ffmpeg -i OLD -c copy NEW` does, or copy it again"
ONLY = {"protocol_whitelist": "file", "format_whitelist": "mov,matroska,webm,avi,mpegts"}  # FFmpeg's names
OF_TEXT = "surrogateescape"  # tags that are no UTF-8 stay as they are


class Frames(Iterator[Tensor]):
    """What `read_frames` gives; `damaged` counts the frames so far that could not be decoded and were left out."""

    def __init__(self, path: Path, every: int, limit: int | None) -> None:
        """Nothing is opened before the first frame is asked for."""
        self.damaged = 0
        self._frames = self._read(path, every, limit)

    def __next__(self) -> Tensor:
        """The next frame that was asked for."""
        return next(self._frames)

    def _read(self, path: Path, every: int, limit: int | None) -> Iterator[Tensor]:
        given = 0
        with opened(path) as container:
            for index, frame in enumerate(decoded(container, self)):
                if index % every == 0:
                    given += 1
                    yield _upright(frame)
                if given == limit:
                    return
        if not given:
            raise no_frame(path)


class Damaged(Protocol):
    """Counts the frames that could not be decoded."""

    damaged: int


def is_video(path: str | Path) -> bool:
    """Does the suffix say that this is a video?"""
    return Path(path).suffix.lower() in VIDEO_SUFFIXES


def read_frames(path: str | Path, *, every: int = 1, limit: int | None = None) -> Frames:
    """Every `every`-th frame of a video, the first included, at most `limit` of them, as uint8 (3 h w).

    Damaged frames are left out. Quarter turns that the file asks for are done. Raises UsageError on numbers below 1;
    and with the first frame ModelError where PyAV is not installed, PictureError where nothing can be decoded.
    """
    check_every(every, limit)
    return Frames(Path(path), every, limit)


def check_every(every: int, limit: int | None) -> None:
    """Raise UsageError on numbers below 1."""
    if every < 1 or (limit is not None and limit < 1):
        raise UsageError(f"every {every}th frame and a limit of {limit} were asked for: give 1 or more, or no limit")


def count_frames(path: str | Path) -> int:
    """How many frames a video has, damaged ones included; nothing is decoded. Raises errors like `read_frames`."""
    with opened(Path(path)) as container:  # the last packet is empty: it only flushes the decoder
        return sum(1 for packet in container.demux(pictures_of(container)) if packet.size)


def pyav() -> Any:
    """The library that reads and writes videos. Raises ModelError where it is not installed."""
    try:
        import av
    except ImportError:
        raise ModelError(f"video needs PyAV, which is not here: {install('video')}") from None
    return av


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """PyAV's container of a video; what FFmpeg refuses of it is a PictureError, also later on.

    Raises ModelError and PictureError like `read_frames`.
    """
    av = pyav()
    try:
        # As a file, whatever its name looks like ("12:30.mp4"), and as no list of other files.
        container = av.open(f"file:{path}", metadata_errors=OF_TEXT, container_options=ONLY)
    except FileNotFoundError:
        raise PictureError(f"{shown(path)} does not exist: give the path of a video") from None
    except (av.error.FFmpegError, OSError) as problem:
        raise PictureError(f"{shown(path)} cannot be read as a video: give another, or copy it again") from problem
    with container:
        if not container.streams.video:
            raise PictureError(f"{shown(path)} holds no pictures, where a video was wanted: give another")
        try:
            yield container
        except av.error.FFmpegError as problem:
            if isinstance(problem, OSError) and problem.filename not in (None, f"file:{path}"):  # as on a full disk
                raise
            what = "is damaged, or of a kind that FFmpeg does not know"
            raise PictureError(f"{shown(path)} {what} ({problem.strerror}): {REPAIR}") from problem


def pictures_of(container: Any) -> Any:
    """The stream of a video's pictures: the first that is no cover."""
    from av.stream import Disposition

    streams = container.streams.video
    return next((one for one in streams if not one.disposition & Disposition.attached_pic), streams[0])


def decoded(container: Any, told: Damaged, other: Callable[[Any], object] | None = None) -> Iterator[Any]:
    """PyAV's frames of a video, without those that are damaged, which `told` counts; `other` gets all other packets."""
    from av.error import FFmpegError

    stream = pictures_of(container)
    packets = container.demux() if other else container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            ours = packet is None or packet.stream.index == stream.index  # `stream_index` is 0 where a packet is empty
            frames = packet.decode() if packet is not None and ours else []
        except FFmpegError:
            told.damaged += 1
            continue  # where the file itself ends too early, there is no next packet
        if packet is None:
            return
        if other and not ours and packet.size:  # an empty one only flushes a decoder
            other(packet)  # not above: what goes wrong in it is no damage of this video
        told.damaged += sum(frame.is_corrupt for frame in frames)
        yield from (frame for frame in frames if not frame.is_corrupt)


def no_frame(path: Path) -> PictureError:
    """The error of a video of which nothing can be decoded."""
    return PictureError(f"no frame of {shown(path)} can be decoded: copy or download it again")


def _upright(frame: Any) -> Tensor:
    """A frame as uint8 (3 h w), turned by the quarters that its file asks for; other angles are left."""
    pixels = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
    turns, rest = divmod(int(frame.rotation), QUARTER)  # degrees, counter-clockwise
    return (pixels if rest else torch.rot90(pixels, turns % 4, (-2, -1))).contiguous()
