"""Which pictures are blurry, which are sharp, and can a blur translator learn from these two piles?

Pham et al. 2024, sec. 4.1: blurry pictures B and sharp ones S of one camera, not paired, of different scenes, 6 to 4.
Its measure, the variance of the Laplacian, tells contents as much as blur; ours is that of `blurspace.sharpness`.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.data.crops import rank, read_pixels
from blurspace.data.layouts import BLURRY_NAMES, SHARP_NAMES
from blurspace.errors import NoInputError, PictureError, UsageError
from blurspace.io.files import SUFFIXES, exists, find_photos, is_file, is_folder, shown
from blurspace.io.video import VIDEO_SUFFIXES, check_every, count_frames, is_video, read_frames
from blurspace.pixels import central, luminance
from blurspace.sharpness import SHARP, edge_sharpness

FEWEST = 8  # pictures of a pile: half a batch of pham2024, sec. 4.1; fewer are soon known by heart (ours)
CROP = 256  # px: the side of the crops of pham2024's code
UNEVEN, TOO_UNEVEN = 1.5, 3.0  # ratios of long sides, and so of blurs, between piles: said, refused (ours)
SHARE = 0.6  # of B in B and S: the best of pham2024, table 3 ...
SHARES = (0.5, 0.9)  # ... which ends here, 0.6 to 1 and 1.7 to 2.7 dB below
SHARED = 0.5  # of the sharp pile: if more of it shows what the blurry pile shows, these are pairs (ours)
JUDGED = 100  # pictures of a pile, evenly spaced, whose sharpness is looked at in a check: 10 s (ours)
MOST_SIDE = 1024  # px each way, of which pieces are cut: bounds the memory of a pile of large photos (ours)

APART = 1.5  # the least mean sharpness of sharp pictures over blurry ones: see `sort_pile`
DOUBTFUL = 0.25  # of the way between both means, about their border: left out (ours)
MOST = 0.9  # of a pile passes for all of it (ours)
# Of 64 bits of two hashes. GoPro's and REDS's frames differ from their blur by 5 at most, 88 other photos by 9 or more.
NEAR = 6
Wanted = tuple[Path, str, set[int]]  # a file, its scene, and which of its frames


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture of a pile: `source` is the scene or video it came from, `pixels` uint8 (3 h w), `place` its order.

    `index`: of a video's frame, which one it is, from 0.
    """

    name: str
    source: str
    pixels: Tensor
    place: int = 0
    index: int | None = None


@dataclass(frozen=True, eq=False)
class Pile:
    """Pictures without partners; `skipped` says, a sentence each, what could not be read."""

    frames: tuple[Frame, ...]
    skipped: tuple[str, ...] = ()

    def where(self, kept: Sequence[bool]) -> "Pile":
        """Some of its frames."""
        return replace(self, frames=tuple(frame for frame, keep in zip(self.frames, kept, strict=True) if keep))


def read_pile(paths: Sequence[str | Path], *, every: int = 1, limit: int | None = None) -> Pile:
    """Read photos, videos and folders of both (with their subfolders) into memory.

    `every`: of a video, every so many-th frame. `limit`: at most so many pictures, evenly spaced over all. A scene is
    a video or a subfolder; a photo in no subfolder is a scene by itself. Of large pictures the middle is kept. Raises
    UsageError on numbers below 1, NoInputError where no picture can be read, ModelError on a video without PyAV.
    """
    check_every(every, limit)
    files = list(dict.fromkeys(file for path in paths for file in files_in(Path(path))))
    skipped: list[str] = []
    folders = [Path(path) for path in paths if is_folder(path)] + [file.parent for file in files]
    base = Path(os.path.commonpath([folder.absolute() for folder in folders])) if folders else Path()
    chosen = _chosen(files, base, every, limit, skipped)  # scenes are named from there on
    found = (frame for file, source, places in chosen for frame in _read(file, source, places, every, skipped))
    frames = [replace(frame, place=place) for place, frame in enumerate(found)]
    if not frames:
        names = ", ".join(shown(path) for path in paths[:3]) or "an empty list"
        raise NoInputError(f"no picture in {names} can be read: give photos or videos")
    return Pile(tuple(frames), tuple(skipped))


def sort_pile(pile: Pile) -> tuple[Pile, Pile]:
    """The blurry and the sharp pictures of a mixed pile, without the doubtful ones between them.

    The border is that of Otsu 1979, of the sharpness. Raises UsageError where there are not two kinds, with means on
    both sides of SHARP, and APART.
    """
    values = _sharpness(pile.frames)
    clear = values[values.isfinite()].sort().values
    if len(clear) < 2:
        raise UsageError(f"{len(clear)} pictures with contrast were given, where a mixed pile was wanted: give more")
    low, high = _two_means(clear)
    if not (low < SHARP <= high and high >= APART * low):
        kind, other = ("sharp", "blurry") if float(clear.median()) >= SHARP else ("blurry", "sharp")
        raise UsageError(f"the {len(values)} pictures look all {kind}: give {other} ones too, or sort them by hand")
    middle, margin = (low + high) / 2, DOUBTFUL / 2 * (high - low)
    sharp = pile.where((values >= max(middle + margin, SHARP)).tolist())
    return pile.where((values <= min(middle - margin, SHARP)).tolist()), replace(sharp, skipped=())


def check_piles(blurry: Pile, sharp: Pile, *, side: int = CROP) -> tuple[Pile, list[str]]:
    """The sharp pile without what is in the blurry pile too, and what else should be known, a sentence each.

    `side`: px, of the crops that will be cut. Raises UsageError where a translator cannot learn from these: too few
    pictures, too small ones, too different sizes, the same scenes in both, or not a blurry and a sharp pile.
    """
    long_sides = _check_pictures(blurry, "blurry", side), _check_pictures(sharp, "sharp", side)
    kept, shared = _drop_shared(blurry, sharp)
    _check_pictures(kept, "sharp", side)
    warnings = [*shared, *_check_scale(*long_sides), *_check_sharpness(blurry, kept)]
    if not SHARES[0] <= len(blurry.frames) / (len(blurry.frames) + len(kept.frames)) <= SHARES[1]:
        warnings.append(f"{len(blurry.frames)} blurry and {len(kept.frames)} sharp pictures: 6 to 4 works best")
    return kept, warnings


def part_scenes(blurry: Pile, sharp: Pile) -> tuple[Pile, Pile]:
    """The same without a scene in both, for the two sides of one sorted pile: each scene keeps one of its sides.

    Of several scenes in both, about `SHARE` by name stay blurry. Of a single one (a video), the first `SHARE` of its
    frames can stay blurry, the others sharp; these are then a scene of their own.
    """
    both = sorted({frame.source for frame in blurry.frames} & {frame.source for frame in sharp.frames}, key=rank)
    if len(both) == 1:
        return _part_in_time(blurry, sharp, both[0])
    count = round(SHARE * len(both))
    kept = blurry.where([frame.source not in both[count:] for frame in blurry.frames])
    return kept, sharp.where([frame.source not in both[:count] for frame in sharp.frames])


def _part_in_time(blurry: Pile, sharp: Pile, scene: str) -> tuple[Pile, Pile]:
    order = sorted({frame.place for pile in (blurry, sharp) for frame in pile.frames if frame.source == scene})
    border = order[round(SHARE * (len(order) - 1))]
    early = blurry.where([frame.source != scene or frame.place <= border for frame in blurry.frames])
    late = sharp.where([frame.source != scene or frame.place > border for frame in sharp.frames])
    new = f"{scene}, later"
    renamed = (replace(one, source=new) if one.source == scene else one for one in late.frames)
    return early, replace(late, frames=tuple(renamed))


def files_in(given: Path) -> list[Path]:
    """The photos and videos of a folder and its subfolders or of a glob pattern, or what else `find_photos` takes."""
    if not is_folder(given):
        there = [] if exists(given) else given.parent.glob(given.name)
        return sorted(path for path in there if path.suffix.lower() in VIDEO_SUFFIXES) or find_photos([given])
    visible = (path for path in given.rglob("*") if not any(n.startswith(".") for n in path.relative_to(given).parts))
    return sorted(path for path in visible if path.suffix.lower() in SUFFIXES | VIDEO_SUFFIXES and is_file(path))


def _chosen(files: list[Path], base: Path, every: int, limit: int | None, skipped: list[str]) -> Iterator[Wanted]:
    counts = [_count(file, every, skipped) for file in files]
    total = sum(counts)
    wanted = range(total) if limit is None or limit >= total else [place * total // limit for place in range(limit)]
    start = 0
    for file, count in zip(files, counts, strict=True):
        if places := {place - start for place in wanted if start <= place < start + count}:
            yield file, _scene(file, base), places
        start += count


def _count(file: Path, every: int, skipped: list[str]) -> int:
    try:
        return math.ceil(count_frames(file) / every) if is_video(file) else 1
    except PictureError as problem:
        skipped.append(str(problem))
        return 0


def _scene(file: Path, base: Path) -> str:
    """The photo's folder below `base` (without a last "blur" or "sharp"), or else the photo or video itself.

    What is in no subfolder goes by its whole path: frames of other scenes have the same numbers.
    """
    parts = file.absolute().relative_to(base).with_suffix("").parts
    if is_video(file) or len(parts) == 1:
        return scene_of(file)
    return "/".join(parts[:-2] if len(parts) > 2 and parts[-2] in SHARP_NAMES + BLURRY_NAMES else parts[:-1])


def frame_of(video: Path, index: int, pixels: Tensor) -> Frame:
    """One frame of a video, which is a scene by itself; `pixels` uint8 (3 h w)."""
    return Frame(f"{shown(video)} frame {index}", scene_of(video), pixels, index=index)


def scene_of(video: Path) -> str:
    """The name of a video's scene: one that no other file has."""
    return shown(video.absolute())


def _read(file: Path, source: str, places: set[int], every: int, skipped: list[str]) -> Iterator[Frame]:
    try:
        if not is_video(file):
            yield Frame(shown(file), source, _bounded(read_pixels(file)))
            return
        frames = read_frames(file, every=every, limit=max(places) + 1)
        for place, pixels in enumerate(frames):
            if place in places:
                yield frame_of(file, place * every, _bounded(pixels))
        if frames.damaged:
            skipped.append(f"{frames.damaged} frames of {shown(file)} are damaged and were left out")
    except PictureError as problem:  # one bad file among thousands must not stop a training
        skipped.append(str(problem))


def _bounded(pixels: Tensor) -> Tensor:
    """The middle of at most `MOST_SIDE` px each way, a copy: a view would keep all of a large photo."""
    return central(pixels, MOST_SIDE, MOST_SIDE).clone()


def _sharpness(frames: Sequence[Frame]) -> Tensor:
    """The edge sharpness of each picture (n), NaN where there is no contrast to judge by."""
    found = [edge_sharpness(luminance(frame.pixels[None].float() / 255)) for frame in frames]
    return torch.tensor([value if math.isfinite(value) else math.nan for value in found], dtype=torch.float64)


def _two_means(values: Tensor) -> tuple[float, float]:
    """The means below and above the border of greatest variance between both (Otsu 1979); `values` ascend."""
    counts = torch.arange(1, len(values))
    sums = values.cumsum(0)
    low, high = sums[:-1] / counts, (sums[-1] - sums[:-1]) / (len(values) - counts)
    best = int((counts * (len(values) - counts) * (high - low).square()).argmax())
    return float(low[best]), float(high[best])


def _check_pictures(pile: Pile, kind: str, side: int) -> float:
    """Are there enough, and large enough? Returns the median long side in px."""
    if len(pile.frames) < FEWEST:
        there = "picture is" if len(pile.frames) == 1 else "pictures are"
        raise UsageError(f"{len(pile.frames)} {kind} {there} there, where {FEWEST} are the least: give more")
    if small := [frame.name for frame in pile.frames if min(frame.pixels.shape[-2:]) < side]:
        says = f"too small for crops of {side} px: {len(small)} of {len(pile.frames)} {kind} pictures, as {small[0]}"
        raise UsageError(f"{says}: leave them out or ask for smaller crops")
    return float(torch.tensor([max(frame.pixels.shape[-2:]) for frame in pile.frames]).median())


def _check_scale(blurry: float, sharp: float) -> list[str]:
    ratio = max(blurry, sharp) / min(blurry, sharp)
    says = f"blurry pictures have {blurry:.0f} px on the long side and sharp ones {sharp:.0f}, so that blurs differ"
    if ratio >= TOO_UNEVEN:
        raise UsageError(f"{says}: give both in about the same size")
    return [says] if ratio > UNEVEN else []


def _check_sharpness(blurry: Pile, sharp: Pile) -> list[str]:
    """Is one pile blurry and the other sharp, in itself or beside the other?"""
    some = [pile.frames[:: math.ceil(len(pile.frames) / JUDGED)] for pile in (blurry, sharp)]
    found = [values[values.isfinite()] for values in map(_sharpness, some)]
    if not all(len(values) for values in found):
        raise UsageError("one of the piles has no contrast in its pictures, where scenes were wanted: give others")
    misfits = [float((found[0] >= SHARP).float().mean()), float((found[1] < SHARP).float().mean())]
    apart = float(found[1].median() / found[0].median()) >= APART  # then a soft lens or a mild blur explains the rest
    warnings = []
    for share, kind, other in zip(misfits, ("blurry", "sharp"), ("sharp", "blurry"), strict=True):
        if share >= MOST and not apart:
            raise UsageError(f"{share:.0%} of the {kind} pictures look {other}: give {kind} ones, or swap the piles")
        if share > 1 - MOST:
            warnings.append(f"{share:.0%} of the {kind} pictures look {other}: better leave them out")
    return warnings


def _drop_shared(blurry: Pile, sharp: Pile) -> tuple[Pile, list[str]]:
    """The sharp pile without pictures whose scene, or nearly whose pixels, the blurry pile has too."""
    sources = {frame.source for frame in blurry.frames}
    alike = _hashes(sharp) @ _hashes(blurry).T >= 64 - 2 * NEAR  # a bit that differs takes 2 from 64
    shared = [frame.source in sources or bool(near.any()) for frame, near in zip(sharp.frames, alike, strict=True)]
    if not any(shared):
        return sharp, []
    name = sharp.frames[shared.index(True)].name
    says = f"{sum(shared)} of {len(shared)} sharp pictures, such as {name}, are in the blurry pile too (name or view)"
    if sum(shared) > SHARED * len(shared):
        raise UsageError(f"{says}, where other scenes were wanted: give others, or train on the pairs")
    return sharp.where([not one for one in shared]), [f"{says} and were left out"]


def _hashes(pile: Pile) -> Tensor:
    """A difference hash each (n 64), -1 or 1: which of 8 x 9 neighbours in a row is brighter (Krawetz 2013, dHash)."""
    grey = [luminance(frame.pixels[None].float()) for frame in pile.frames]
    small = [functional.adaptive_avg_pool2d(one, (8, 9))[0, 0] for one in grey]
    return 2.0 * torch.stack([(one[:, 1:] > one[:, :-1]).flatten() for one in small]) - 1
