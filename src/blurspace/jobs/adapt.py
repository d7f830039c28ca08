"""How does a camera get a translator of its own, from its unpaired pictures? The job behind `adapt`: Blur2Blur.

Read, sort and check the piles; guess the camera's blur; rank the known domains by their distance to it; train; and
report, on blurry pictures that training never saw, whether it helped. Videos may hold pairs of sharp and blurry frames:
then a deblurrer learns from those first, and the report judges both.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from blurspace.builders import build_camera, build_network, build_space, write_camera
from blurspace.data.crops import digest, rank
from blurspace.data.pairs import spaced_pairs
from blurspace.data.piles import Pile, check_piles, part_scenes, read_pile, sort_pile
from blurspace.errors import OutputError, UsageError
from blurspace.io.files import exists, is_folder, shown, write_bytes
from blurspace.io.weights import load_into, read_weights
from blurspace.jobs.adapt_report import Facts, measure, report_files
from blurspace.jobs.clips import FOLDER, Clips, learn, read_clips
from blurspace.jobs.domains import rank_domains
from blurspace.jobs.files import check_no_input
from blurspace.jobs.train import check_minutes, line
from blurspace.train import loop
from blurspace.train.adapt import TranslatorRecipe, translator_from
from blurspace.train.one_loss import Report, report_left_out
from blurspace.train.unknown import CameraGuess, guess_camera
from blurspace.video.partners import Trusted

# Of the blurry pictures, kept for the report: a tenth, between these numbers.
LEAST_KEPT, MOST_KEPT = 2, 12
SETTING = "adapt.json"  # beside the checkpoint: what is trained
SUFFIX, REPORTS = ".safetensors", (".json", ".html")
PAIRED = ".pairs.safetensors"  # the deblurrer that learned from pairs of videos
LEAST_SIDE = 128  # px: spectra need it


@dataclass(frozen=True)
class Given:
    """What was typed: piles of pictures (folders, photos, videos), and the known domains to choose from.

    `mixed`: one pile of both kinds, to be sorted. `known`: names in `cards.KNOWN` or folders of pairs. `deblurrer`: a
    method's name or a weights file, instead of a name's own; folders have none. `pairs`: a folder of pairs of this
    camera, if there is one, for the report alone. `every`: of a video, every so many-th frame.
    """

    blurry: Sequence[Path] = ()
    sharp: Sequence[Path] = ()
    mixed: Sequence[Path] = ()
    known: Sequence[str] = ("belt", "shakes")
    deblurrer: str | None = None
    pairs: Path | None = None
    every: int = 1


def adapt_camera(
    given: Given,
    *,
    out: Path,
    recipe: TranslatorRecipe,
    minutes: float | None = None,
    device: str = "cpu",
    resume: bool = False,
    overwrite: bool = False,
    report: Report = lambda _: None,
) -> dict[str, object]:
    """Train the translator and write `out`, OUT.json and OUT.html; the record of what came out.

    Where videos hold pairs, a deblurrer learns from them first, and is written as OUT.pairs.safetensors. The training
    itself is in the folder OUT.training, from which `resume` goes on. Raises UsageError, NoInputError or PictureError
    on piles that cannot work, before any training, and what `loop.run` raises.
    """
    check_minutes(minutes)
    folder = out.with_name(f"{out.name}.training")
    check_no_input(out, (given.deblurrer, given.pairs))
    _check_way(out, folder, resume=resume, overwrite=overwrite)
    _check_given(given)
    clips = read_clips((*given.blurry, *given.mixed), report=report) if recipe.on_pairs else Clips()
    blurry, sharp = _piles(given, recipe, clips, report)
    pairs = [] if given.pairs is None else spaced_pairs(given.pairs, MOST_KEPT)
    training, kept, apart = _kept_apart(blurry, clips)
    if not apart:
        report("the report is about blurry pictures of the scenes that were trained on: there are too few scenes")
    pictures, views = ([frame.pixels for frame in pile.frames] for pile in (training, sharp))
    guess = guess_camera(pictures, views)
    report(_said(guess))
    space = build_space()
    domains = rank_domains(given.known, views, guess, space, deblurrer=given.deblurrer, seed=recipe.loop.seed)
    for domain in domains:
        report(f"the known blur {domain.name} is {domain.distance:.1f} dB from this camera's")
    chosen = domains[0]
    report(f"blurring {len(views)} sharp pictures as {chosen.name} does: up to 3 s each, at 1024 x 1024 px")
    network = build_network(chosen.deblurrer) if isinstance(chosen.deblurrer, Path) else None
    task = translator_from(
        recipe, pictures, views, chosen.bank, space=space, deblur=network, guess=guess, device=device
    )
    setting: dict[str, object] = {
        "known": chosen.name,
        "deblurrer": str(chosen.deblurrer),
        "recipe": recipe.model_dump(mode="json"),
        "blurry": digest(pictures),
        "sharp": digest(views),
    }
    _settle(folder / SETTING, setting | clips.digest(), resume=resume)
    if not resume:  # the piles are good, and what is replaced was allowed to be
        for place in (folder, folder / FOLDER):
            (place / loop.CHECKPOINT).unlink(missing_ok=True)
    how: dict[str, Any] = {"device": device, "resume": resume, "report": report}
    share = _minutes(recipe, minutes, recipe.on_pairs)
    taught = None
    if clips.clips:
        learned = learn(clips, recipe, chosen.deblurrer, folder=folder / FOLDER, minutes=share, **how)
        write_bytes(taught := out.with_suffix(PAIRED), learned.read_bytes(), overwrite=True)
    weights = loop.run(
        task,
        recipe.loop,
        out=folder,
        resume=resume and (folder / loop.CHECKPOINT).is_file(),
        max_minutes=_minutes(recipe, minutes, 1 - recipe.on_pairs) if taught else minutes,
        about={"task": recipe.task, "recipe": recipe.model_dump(mode="json")},
        progress=lambda row: report(line(row)),
    )
    tensors, about = read_weights(weights)
    load_into(task.networks, tensors)
    task.to("cpu")  # where the report is made
    told = {name: about[name] for name in ("steps", "minutes", "device", "recipe")}
    told |= {"architecture": {"translator": task.architecture["translator"]}, "known": chosen.name}
    write_camera(out, task.networks["translator"], known=chosen.deblurrer, about=told)
    facts = Facts(
        known=chosen.name,
        distances={domain.name: round(domain.distance, 2) for domain in domains},
        pictures={"blurry": len(pictures), "sharp": len(views), "kept for this report": len(kept.frames)},
        minutes=float(about["minutes"]),
        steps=int(about["steps"]),
        mixture=guess.mixture,
        sigma=guess.sigma,
        other_scenes=apart,
        videos=None if taught is None else clips.told(taught),
    )
    found = measure(
        build_camera(out),
        task,
        [frame.pixels[None].float() / 255 for frame in kept.frames],
        facts=facts,
        pairs=pairs,
        space=space,
        judge_steps=recipe.judge_steps,
        paired=None if taught is None else build_network(taught),
        last=[Trusted.of(stack) for stack in clips.stacks(last=True)],
    )
    for suffix, data in report_files(found).items():
        write_bytes(out.with_suffix(suffix), data, overwrite=True)
    return {"camera": str(out), "report": str(out.with_suffix(".html")), **found.record()}


def _minutes(recipe: TranslatorRecipe, minutes: float | None, share: float) -> float | None:
    """A share of the time there is."""
    limit = recipe.loop.max_minutes if minutes is None else minutes
    return None if limit is None else share * limit


def _check_way(out: Path, folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse, before any work, what would lose something."""
    if out.suffix != SUFFIX:
        raise UsageError(f"the camera's file {shown(out)} would not end in {SUFFIX}: give -o such as camera{SUFFIX}")
    if is_folder(out):
        raise OutputError(f"{shown(out)} is a folder: give -o a file to write")
    begun = [place for place in (folder, folder / FOLDER) if exists(place / loop.CHECKPOINT)]
    if resume:
        loop.check_resumable((begun or [folder])[0])
        return
    files = (out, *(out.with_suffix(one) for one in (*REPORTS, PAIRED)), *(place / loop.CHECKPOINT for place in begun))
    there = [path for path in files if exists(path)]
    if there and not overwrite:
        raise OutputError(f"{shown(there[0])} exists already: give --overwrite, --resume or another -o FILE")


def _settle(path: Path, setting: dict[str, object], *, resume: bool) -> None:
    """Note what is trained, or refuse to resume something else."""
    text = json.dumps(setting, sort_keys=True, default=str).encode()
    if resume and exists(path) and path.read_bytes() != text:
        raise UsageError(
            f"{shown(path)} is of other pictures, another known blur, deblurrer or recipe: resume with the same, or "
            "leave --resume"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text, overwrite=True)


def _check_given(given: Given) -> None:
    """Raise UsageError unless there are two piles, or one to be sorted."""
    if bool(given.mixed) == bool(given.blurry or given.sharp) or bool(given.blurry) != bool(given.sharp):
        raise UsageError("give --blurry and --sharp, or one --mixed pile that is sorted here")


def _piles(given: Given, recipe: TranslatorRecipe, clips: Clips, report: Report) -> tuple[Pile, Pile]:
    """The blurry and the sharp pile, checked; of videos with pairs without their last frames.

    Of such a video among the blurry ones only the blurry frames are taken, and all that have a partner.
    """
    if given.mixed:
        piles = [clips.early(read_pile(given.mixed, every=given.every, limit=2 * recipe.pictures))]
        blurry, sharp = part_scenes(*sort_pile(piles[0]))
        report(f"sorted into {len(blurry.frames)} blurry and {len(sharp.frames)} sharp pictures")
    else:
        read = [read_pile(paths, every=given.every, limit=recipe.pictures) for paths in (given.blurry, given.sharp)]
        piles = [clips.blurry_pile(read[0]), clips.early(read[1])]
        blurry, sharp = piles
    report_left_out((sentence for pile in piles for sentence in pile.skipped), report)
    sharp, warnings = check_piles(blurry, sharp, side=max(LEAST_SIDE, recipe.data.side))
    for sentence in warnings:
        report(sentence)
    return blurry, sharp


def _kept_apart(pile: Pile, clips: Clips) -> tuple[Pile, Pile, bool]:
    """Blurry pictures to train on, those for the report, and whether these are of other scenes.

    Where videos hold pairs, their last blurry frames, which nothing that is trained sees. Else
    the smallest scenes, as far as a quarter of the pictures goes; of larger ones the last pictures, of the same scene.
    """
    if last := clips.blurry(last=True):
        count = min(MOST_KEPT, len(last))
        return pile, Pile(tuple(last[place * len(last) // count] for place in range(count))), False
    counts = Counter(frame.source for frame in pile.frames)
    wanted = min(max(len(pile.frames) // 10, LEAST_KEPT), MOST_KEPT)
    kept: set[str] = set()
    taken = 0
    for scene in sorted(counts, key=lambda one: (counts[one], rank(one))):
        if taken >= wanted or 4 * (taken + counts[scene]) > len(pile.frames):
            break
        kept.add(scene)
        taken += counts[scene]
    inside = [frame.source in kept for frame in pile.frames]
    if not kept:
        inside = [place >= len(inside) - wanted for place in range(len(inside))]
    places = [place for place, one in enumerate(inside) if one]
    count = min(MOST_KEPT, len(places))
    shown_places = {places[index * len(places) // count] for index in range(count)}
    report = pile.where([place in shown_places for place in range(len(inside))])
    return pile.where([not one for one in inside]), report, bool(kept)


def _said(guess: CameraGuess) -> str:
    kernel = guess.mixture.mean()[0, 0]
    place = torch.arange(len(kernel)) - len(kernel) // 2
    spread = [float((kernel.sum(axis) * place.square()).sum().sqrt()) for axis in (0, 1)]
    return (
        f"this camera's blur spreads light by {spread[0]:.1f} px along the rows and {spread[1]:.1f} px along the "
        f"columns (standard deviations, from power spectra), with noise of sigma {guess.sigma:.4f}, in light "
        f"of exponent {guess.exponents[0]:.1f} to {guess.exponents[1]:.1f}"
    )
