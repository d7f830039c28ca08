"""What do the videos that `adapt` is given teach by themselves? Pairs of frames, and a deblurrer that learns them.

The last frames of each video are kept for the report: nothing that is trained sees them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from blurspace.data.crops import digest
from blurspace.data.piles import Frame, Pile, files_in, frame_of, scene_of
from blurspace.errors import PictureError
from blurspace.io.files import shown
from blurspace.io.video import decoded, is_video, opened
from blurspace.io.weights import read_weights
from blurspace.jobs.inspect_video import Counted, judged_frames, numbered
from blurspace.jobs.train import line
from blurspace.run import Run
from blurspace.train import loop
from blurspace.train.adapt import TranslatorRecipe
from blurspace.train.one_loss import Report
from blurspace.train.paired import PairedTask
from blurspace.video.partners import ClipPair, border_of, clip_pairs, partners

MOST = 120  # pairs of one video: each takes seconds, and neighbours teach the same (ours)
FEWEST, FEWEST_LAST = 4, 1  # to train on, and for the report: fewer say nothing (ours)
FOLDER = "pairs"  # in the folder of the training


@dataclass(frozen=True, eq=False)
class Clip:
    """One video: its pairs, and `border`, the first of its frames that training must not see."""

    path: Path
    border: int
    pairs: tuple[ClipPair, ...]

    def side(self, *, last: bool) -> list[ClipPair]:
        """The pairs to train on, or the `last` ones."""
        return [pair for pair in self.pairs if (pair.index >= self.border) == last]


@dataclass(frozen=True, eq=False)
class Clips:
    """The videos that hold pairs."""

    clips: tuple[Clip, ...] = ()

    def stacks(self, *, last: bool = False) -> list[Tensor]:
        """All pairs to train on, or the `last` ones, as `ClipPair.stack`."""
        return [pair.stack for clip in self.clips for pair in clip.side(last=last)]

    def blurry(self, *, last: bool = False) -> list[Frame]:
        """Their blurry frames, as pictures of a pile."""
        return [frame_of(clip.path, pair.index, pair.blurry) for clip in self.clips for pair in clip.side(last=last)]

    def blurry_pile(self, pile: Pile) -> Pile:
        """A pile with the blurry frames that have a partner in the place of all that it holds of these videos."""
        scenes = {scene_of(clip.path) for clip in self.clips}
        others = pile.where([frame.source not in scenes for frame in pile.frames])
        return replace(others, frames=(*others.frames, *self.blurry()))

    def early(self, pile: Pile) -> Pile:
        """A pile without the last frames of these videos."""
        borders = {scene_of(clip.path): clip.border for clip in self.clips}
        return pile.where([one.index is None or one.index < borders.get(one.source, math.inf) for one in pile.frames])

    def digest(self) -> dict[str, object]:
        """What tells these pairs from others; nothing of none."""
        return {"videos": digest([*self.stacks(), *self.stacks(last=True)])} if self.clips else {}

    def told(self, weights: Path) -> dict[str, object]:
        """What a report says of them, and of the training on them."""
        counted = [len(self.stacks(last=last)) for last in (False, True)]
        covered = [pair.covered for clip in self.clips for pair in clip.pairs]
        about = read_weights(weights)[1]
        names = ", ".join(shown(clip.path) for clip in self.clips)
        return {
            "videos": names,
            "pairs to train on": counted[0],
            "pairs for this report": counted[1],
            "of their frames covered": round(sum(covered) / len(covered), 3),
            **{name: about[name] for name in ("steps", "minutes")},
            "weights": str(weights),
        }


def read_clips(paths: Sequence[Path], *, report: Report) -> Clips:
    """Look for pairs in the videos among some paths (files, folders, patterns); none where there are too few.

    Raises NoInputError where a path is not there, ModelError on a video without PyAV.
    """
    videos = [file for file in dict.fromkeys(one for path in paths for one in files_in(path)) if is_video(file)]
    found = []
    for video in videos:
        try:
            clip = _clip(video)
        except PictureError:  # who reads the piles says so
            continue
        counts = [len(clip.side(last=last)) for last in (False, True)]
        enough = counts[0] >= FEWEST and counts[1] >= FEWEST_LAST
        told = f"{shown(video)}: {counts[0]} pairs to train on and {counts[1]} for the report"
        report(told if enough else f"{told}: too few")
        found += [clip] * enough
    return Clips(tuple(found))


def _clip(video: Path) -> Clip:
    plan = judged_frames(video, Run(), Counted())
    wanted = partners(plan, most=MOST)
    with opened(video) as container:
        pairs = tuple(clip_pairs(numbered(decoded(container, Counted())), wanted))
    return Clip(video, border_of(plan), pairs)


def learn(
    clips: Clips,
    recipe: TranslatorRecipe,
    start: Path | str,
    *,
    folder: Path,
    minutes: float | None,
    device: str,
    resume: bool,
    report: Report,
) -> Path:
    """Train a deblurrer on the pairs, in a folder; its weights file.

    `start`: what undoes the known blur; where that is a network of ours it starts there. Raises what `loop.run` raises.
    """
    known = start if isinstance(start, Path) else None
    task = PairedTask(recipe, clips.stacks(), clips.stacks(last=True), start=known, device=device)
    return loop.run(
        task,
        recipe.loop,
        out=folder,
        resume=resume and (folder / loop.CHECKPOINT).is_file(),
        max_minutes=minutes,
        about={"task": "deblurrer", "recipe": recipe.model_dump(mode="json")},
        progress=lambda row: report(f"pairs, {line(row)}"),
    )
