"""Which pictures does a video hold?

Frames come one by one, upright, and never all at once: a minute of full HD is 11 GB of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from blurspace.errors import ModelError, PictureError, UsageError
from blurspace.io.files import shown

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".3gp"})
QUARTER = 90  # degrees


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
        with _opened(path) as packets:
            for index, frame in enumerate(self._decoded(packets)):
                if index % every == 0:
                    given += 1
                    yield _upright(frame)
                if given == limit:
                    return
        if not given:
            raise PictureError(f"no frame of {shown(path)} can be decoded: copy or download it again")

    def _decoded(self, packets: Iterator[Any]) -> Iterator[Any]:
        """PyAV's frames, without those that are damaged."""
        from av.error import FFmpegError

        while True:
            try:
                frames = next(packets).decode()
            except StopIteration:
                return
            except FFmpegError:
                self.damaged += 1
                continue  # where the file itself ends too early, the next packet is no more: StopIteration
            whole = [frame for frame in frames if not frame.is_corrupt]
            self.damaged += len(frames) - len(whole)
            yield from whole


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
    with _opened(Path(path)) as packets:
        return sum(1 for packet in packets if packet.size)  # the last packet is empty: it only flushes the decoder


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[Any]]:
    """The packets of a file's first video stream."""
    try:
        import av
    except ImportError:
        raise ModelError('video needs PyAV, which is not here: pip install "blurspace[video]"') from None
    try:
        container = av.open(str(path))
    except FileNotFoundError:
        raise PictureError(f"{shown(path)} does not exist: give the path of a video") from None
    except (av.error.FFmpegError, OSError) as problem:
        raise PictureError(f"{shown(path)} cannot be read as a video: give another, or copy it again") from problem
    with container:
        if not container.streams.video:
            raise PictureError(f"{shown(path)} holds no pictures, where a video was wanted: give another")
        yield container.demux(container.streams.video[0])


def _upright(frame: Any) -> Tensor:
    """A frame as uint8 (3 h w), turned by the quarters that its file asks for; other angles are left."""
    pixels = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
    turns, rest = divmod(int(frame.rotation), QUARTER)  # degrees, counter-clockwise
    return (pixels if rest else torch.rot90(pixels, turns % 4, (-2, -1))).contiguous()
