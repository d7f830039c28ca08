"""In which folders do data sets keep their pairs?

LAYOUTS has one row for each. The downloads themselves were not at hand: RSBlur and RB2V are as their READMEs say (RB2V
for data like it), GoPro as its author does (DeepDeblur-PyTorch, issue 6), REDS and RealBlur as their users do.

Pictures are found by their suffix in any case, and two pictures are partners whatever their suffixes.
"""

import csv
import difflib
import io
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from blurspace.errors import NoInputError, UsageError
from blurspace.io.files import exists, find_photos, is_file, is_folder, read_bytes, shown

# In "folders"; where a folder has several of them, the first counts.
SHARP_NAMES, BLURRY_NAMES = ("sharp", "gt", "target"), ("blur", "blurry", "input", "lq")
PARTS = ("train", "val", "test")
MAX_LIST_BYTES = 2**28  # our choice: a list of a million pairs


@dataclass(frozen=True)
class PairFiles:
    """One scene's sharp and blurry picture: `scene` names the sequence, clip or shot, which a split must not cut."""

    sharp: Path
    blurry: Path
    scene: str


@dataclass(frozen=True)
class Layout:
    """A row of the table: `form` says in one line what must be there, `find` lists it, `source` is who published so.

    `find` returns [] where nothing is like it, and raises NoInputError where something is and a part is missing.
    """

    form: str
    find: Callable[[Path], list[PairFiles]]
    source: str = "ours"


def find_pairs(path: str | Path, *, layout: str = "auto") -> list[PairFiles]:
    """All pairs in a folder, or in a CSV file or list, sorted by scene and name; `layout`: a name in LAYOUTS.

    "auto" takes the first layout that finds pairs. Raises UsageError on an unknown layout or a list that cannot be
    understood, NoInputError where no pairs are found, or a picture's partner or a named file is missing.
    """
    root = Path(path)
    if layout != "auto" and layout not in LAYOUTS:
        near = difflib.get_close_matches(layout, LAYOUTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"give auto or one of {', '.join(LAYOUTS)}"
        raise UsageError(f"{layout} is not a layout of pairs that is known: {hint}")
    if not exists(root):
        raise NoInputError(f"{shown(root)} does not exist: give a folder of pairs, or a CSV file that lists them")
    rows = LAYOUTS.values() if layout == "auto" else [LAYOUTS[layout]]
    pairs = next((found for row in rows if (found := row.find(root))), [])
    if not pairs:
        wanted = f"in {layout} ({LAYOUTS[layout].form})" if layout in LAYOUTS else f"in any of {', '.join(LAYOUTS)}"
        raise NoInputError(
            f"no sharp-blurry pairs were found in {shown(root)}, where some were wanted {wanted}: give another folder, "
            "or a CSV file with the columns sharp and blurry"
        )
    return sorted(pairs, key=lambda pair: (pair.scene, pair.sharp))


def _sequences(root: Path, *, blurry: str) -> list[PairFiles]:
    """GoPro: SEQUENCE/sharp and SEQUENCE/`blurry`, same names."""
    scenes = [scene for scene in _scenes(root) if is_folder(scene / "sharp") or is_folder(scene / blurry)]
    if not any(is_folder(scene / "sharp") and is_folder(scene / blurry) for scene in scenes):
        return []
    return [pair for scene in scenes for pair in _partners(scene / "sharp", scene / blurry, scene.name)]


def _reds(root: Path) -> list[PairFiles]:
    """PART_sharp/CLIP and PART_blur/CLIP; clips of train and val have the same numbers: scenes are called val/000."""
    found = []
    for part in ("train", "val"):
        for folder in (root, root / part):
            sharp, blurry = folder / f"{part}_sharp", folder / f"{part}_blur"
            for clip in sorted({clip.name for clip in (*_subfolders(sharp), *_subfolders(blurry))}):
                found += _partners(sharp / clip, blurry / clip, f"{part}/{clip}")
    return found


def _realblur(root: Path) -> list[PairFiles]:
    """SCENE/gt/gt_1 and SCENE/blur/blur_1; J and R show the same scenes and call them the same."""
    if is_file(root):
        return _listed(root)
    scenes = [scene for folder in (root, *_subfolders(root)) for scene in _subfolders(folder)]
    scenes = [scene for scene in scenes if _pictures(scene / "gt", "gt_")]
    if not any(_pictures(scene / "blur", "blur_") for scene in scenes):
        return []
    prefixes = "gt_", "blur_"
    return [pair for one in scenes for pair in _partners(one / "gt", one / "blur", one.name, prefixes=prefixes)]


def _rsblur(root: Path) -> list[PairFiles]:
    """SCENE/SHOT/gt/gt_sharp and SCENE/SHOT/real_blur/real_blur; a scene has many shots."""
    if is_file(root):
        pairs = _listed(root)
        same = all(pair.sharp.stem == "gt_sharp" and len(pair.sharp.parts) > 3 for pair in pairs)
        return [PairFiles(pair.sharp, pair.blurry, pair.sharp.parents[2].name) for pair in pairs] if same else []
    found = []
    for shot in (one for top in (root, root / "RSBlur") for scene in _subfolders(top) for one in _subfolders(scene)):
        sharp, blurry = shot / "gt", shot / "real_blur"
        if is_folder(blurry) or "gt_sharp" in _pictures(sharp):
            found += _partners(sharp, blurry, shot.parent.name, prefixes=("gt_sharp", "real_blur"))
    return found


def _rb2v(root: Path) -> list[PairFiles]:
    """CLIP/blur/NAME and CLIP/sharp/NAME_1 to NAME_7: the frame in the middle of those there are."""
    clips = {clip: (_middle(clip / "sharp"), _pictures(clip / "blur")) for clip in _scenes(root)}
    if not any(sharp.keys() & blurry.keys() for sharp, blurry in clips.values()):
        return []
    return [pair for clip in clips for pair in _joined(*clips[clip], (clip / "sharp", clip / "blur"), clip.name)]


def _middle(folder: Path) -> dict[str, Path]:
    frames: dict[str, list[tuple[int, Path]]] = {}
    for stem, path in _pictures(folder).items():
        if match := re.fullmatch(r"(.+)_(\d+)", stem):
            frames.setdefault(match[1], []).append((int(match[2]), path))
    return {name: sorted(some)[len(some) // 2][1] for name, some in frames.items()}


def _blur2blur(root: Path) -> list[PairFiles]:
    """All of trainD and trainC, and of testB and testA where these share any name."""
    found = []
    if is_folder(root / "trainC") or is_folder(root / "trainD"):
        found += _partners(root / "trainD", root / "trainC", "train")
        if _pictures(root / "testA").keys() & _pictures(root / "testB").keys():
            found += _partners(root / "testB", root / "testA", "test")
    return found


def _folders(root: Path) -> list[PairFiles]:
    """A folder of sharp and one of blurry pictures, directly or one level down."""
    found = []
    for folder in (root, *_subfolders(root)):
        inside = {path.name.lower(): path for path in _subfolders(folder)}
        sharp = next((inside[name] for name in SHARP_NAMES if name in inside), folder / "sharp")
        blurry = next((inside[name] for name in BLURRY_NAMES if name in inside), folder / "blur")
        if is_folder(sharp) or is_folder(blurry):
            found += _partners(sharp, blurry, folder.resolve().name)
    return found


def _manifest(path: Path) -> list[PairFiles]:
    """A CSV file with the columns sharp, blurry and, if it likes, scene; others are left alone."""
    if not is_file(path) or path.suffix.lower() != ".csv":
        return []
    rows = csv.DictReader(io.StringIO(_text(path)))
    try:
        missing = [column for column in ("sharp", "blurry") if column not in (rows.fieldnames or ())]
        cells = [(row.get("sharp") or "", row.get("blurry") or "", row.get("scene") or "") for row in rows]
    except csv.Error as problem:
        raise UsageError(f"{shown(path)} cannot be read as CSV ({problem}): save it as such") from problem
    if missing:
        raise UsageError(
            f"{shown(path)} has no column {' or '.join(missing)}: name the columns sharp, blurry and, if known, scene"
        )
    return _existing(path, cells)


def _listed(path: Path) -> list[PairFiles]:
    """A text file with "SHARP BLURRY" in every line, as the lists of RealBlur and RSBlur."""
    if path.suffix.lower() != ".txt":
        return []
    rows = [line.split() for line in _text(path).splitlines() if line.strip()]
    wrong = next((row for row in rows if len(row) != 2), None)
    if wrong:
        line = shown(" ".join(wrong))
        raise UsageError(f"{shown(path)} has the line {line!r}: give two paths, sharp blurry, in each")
    return _existing(path, [(sharp, blurry, "") for sharp, blurry in rows])


def _existing(path: Path, rows: list[tuple[str, str, str]]) -> list[PairFiles]:
    """Rows (sharp, blurry, scene), relative to the list's folder; a scene without name is called like its folder."""
    missing = [name for row in rows for name in row[:2] if not (name and is_file(path.parent / name))]
    if missing:
        raise NoInputError(
            f"{shown(path)} names {shown(missing[0]) or 'a file without a name'}{_more(missing)}, not found below "
            f"{shown(path.parent)}: put the list where its paths begin, or correct them"
        )
    folder = path.resolve().parent
    found = []
    for sharp, blurry, scene in rows:
        common = os.path.commonpath([os.path.normpath((folder / name).parent) for name in (sharp, blurry)])
        found.append(PairFiles(path.parent / sharp, path.parent / blurry, scene or Path(common).name))
    return found


def _partners(sharp: Path, blurry: Path, scene: str, *, prefixes: tuple[str, str] = ("", "")) -> list[PairFiles]:
    """The pairs of two folders, partners being called the same but for the prefixes; both must be complete."""
    for folder, kind, other in ((sharp, "sharp", blurry), (blurry, "blurry", sharp)):
        if not is_folder(folder):
            raise NoInputError(f"{shown(folder)} is missing, the {kind} pictures to those in {shown(other)}: add it")
    return _joined(_pictures(sharp, prefixes[0]), _pictures(blurry, prefixes[1]), (sharp, blurry), scene)


def _joined(
    sharp: Mapping[str, Path], blurry: Mapping[str, Path], folders: tuple[Path, Path], scene: str
) -> list[PairFiles]:
    for ours, theirs, kind, folder in ((sharp, blurry, "blurry", folders[1]), (blurry, sharp, "sharp", folders[0])):
        lonely = [path for name, path in ours.items() if name not in theirs]
        if lonely:
            raise NoInputError(
                f"{shown(lonely[0])}{_more(lonely)} has no {kind} partner in {shown(folder)}: add what is missing, or "
                "take away what has no partner"
            )
    return [PairFiles(path, blurry[name], scene) for name, path in sharp.items()]


def _pictures(folder: Path, prefix: str = "") -> dict[str, Path]:
    """The pictures of a folder whose names begin with `prefix`, by the rest of their stems; {} where there are none."""
    try:
        paths = find_photos([folder]) if is_folder(folder) else []
    except NoInputError:
        paths = []
    found: dict[str, Path] = {}
    for path in (path for path in paths if path.stem.startswith(prefix)):
        if other := found.get(path.stem.removeprefix(prefix)):
            raise UsageError(f"{shown(other)} and {shown(path)} stand for the same picture: keep one of them")
        found[path.stem.removeprefix(prefix)] = path
    return found


def _scenes(root: Path) -> list[Path]:
    return [scene for folder in (root, *(root / part for part in PARTS)) for scene in _subfolders(folder)]


def _subfolders(folder: Path) -> list[Path]:
    if not (is_folder(folder) and os.access(folder, os.R_OK | os.X_OK)):
        return []
    return sorted(path for path in folder.iterdir() if is_folder(path) and not path.name.startswith("."))


def _text(path: Path) -> str:
    try:
        return read_bytes(path, max_bytes=MAX_LIST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            f"{shown(path)} is not text in UTF-8, where a list of pairs was wanted: save it as such"
        ) from None


def _more(things: list[Path] | list[str]) -> str:
    return f" (and {len(things) - 1} more)" if len(things) > 1 else ""


_gopro, _gamma = (partial(_sequences, blurry=name) for name in ("blur", "blur_gamma"))

# From the most particular to the most general, as "auto" asks them.
LAYOUTS: dict[str, Layout] = {
    "manifest": Layout("a CSV file with columns sharp, blurry and maybe scene, paths relative to it", _manifest),
    "reds": Layout("train/train_sharp/000/*.png beside train/train_blur/000/*.png, or val", _reds, "Nah et al. 2019"),
    "rsblur": Layout(
        "SCENE/SHOT/gt/gt_sharp.png and SCENE/SHOT/real_blur/real_blur.png, or a list", _rsblur, "Rim et al. 2022"
    ),
    # Lists such as RealBlur_J_train_list.txt lie beside the folder: "SHARP BLURRY" in every line.
    "realblur": Layout("SCENE/gt/gt_1.png and SCENE/blur/blur_1.png, or a list of them", _realblur, "Rim et al. 2020"),
    # That the frame in the middle is the partner is assumed.
    "rb2v": Layout("CLIP/blur/NAME.png and CLIP/sharp/NAME_1.png to NAME_7.png", _rb2v, "Pham et al. 2023"),
    # Not described: assumed that C is blurry and D sharp, as A and B are. trainA and trainB are no pairs.
    "blur2blur": Layout("trainD (sharp) and trainC (blurry) with the same names", _blur2blur, "Pham et al. 2024"),
    "gopro": Layout("SEQUENCE/sharp/*.png and SEQUENCE/blur/*.png, also in train or test", _gopro, "Nah et al. 2017"),
    "gopro gamma": Layout("SEQUENCE/sharp/*.png and SEQUENCE/blur_gamma/*.png", _gamma, "Nah et al. 2017"),
    "folders": Layout("sharp, gt or target beside blur, blurry, input or lq, here or in subfolders", _folders),
}
