"""Which known domains of blur are there, what undoes each, and which is the nearest to a camera's blur?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from blurspace.blur.cameras import CAMERAS
from blurspace.catalog import AT_ONCE, KNOWN, WEIGHTS, find_card
from blurspace.chance import chance
from blurspace.codes import BlurBank
from blurspace.data.crops import SharpPhotos
from blurspace.data.pairs import spaced_pairs
from blurspace.data.sources import from_scenes, from_shakes
from blurspace.errors import UsageError
from blurspace.io.files import is_file, shown
from blurspace.nets.kernel_space import BasisSpace
from blurspace.train.adapt import bank_of, distance_to, known_stacks
from blurspace.train.unknown import CameraGuess
from blurspace.types import Pair

BANK = 64  # pairs of a known domain that are drawn or read
BANK_SIDE, ROOM = 192, 32  # px, of drawn ones, and what a scene and a kernel need besides
SHAKES = (5.0, 21.0)  # px: extents of the known domain "shakes", mild enough for the classical method (ours)


@dataclass(frozen=True, eq=False)
class Domain:
    """A known domain of blur: its codes, what undoes it, and how far it is from the camera's blur, in dB."""

    name: str
    bank: BlurBank
    deblurrer: Path | str
    distance: float


def rank_domains(
    names: Sequence[str],
    sharp: Sequence[Tensor],
    guess: CameraGuess,
    space: BasisSpace,
    *,
    deblurrer: str | None = None,
    seed: int,
    count: int = BANK,
) -> list[Domain]:
    """The known domains of these names, the nearest to the camera's blur first.

    `deblurrer`: instead of a name's own. `count`: pairs that are drawn or read of each. Raises UsageError on a domain
    without a deblurrer.
    """
    found = []
    for name in names:
        undo = find_deblurrer(name, deblurrer)
        bank = bank_of(_pairs(name, sharp, seed, count), space, source=name)
        distance = distance_to(known_stacks(sharp[:count], bank, space, seed=seed), guess)
        found.append(Domain(name, bank, undo, distance))
    return sorted(found, key=lambda domain: domain.distance)


def find_deblurrer(name: str, given: str | None) -> Path | str:
    """The weights of a network, or else the name of a method."""
    if given is None and name not in KNOWN:
        raise UsageError(
            f"the known blur {shown(name)} is a folder, and what undoes it is not known: give --deblurrer a method's "
            "name, or the weights of a training with task deblurrer on these pairs"
        )
    method = KNOWN[name] if given is None else given
    if is_file(method):
        return Path(method)
    card = find_card(method)
    if card.task != "deblur":
        raise UsageError(f"the model {method} does not deblur: give --deblurrer one that does, or a file of weights")
    return WEIGHTS / next(iter(card.weights)) if card.networks == AT_ONCE else card.name


def _pairs(name: str, sharp: Sequence[Tensor], seed: int, count: int) -> list[Pair]:
    """Pairs of a known domain: those of a folder, or drawn out of the camera's own sharp pictures."""
    if name not in KNOWN:
        return spaced_pairs(Path(name), count)
    photos = SharpPhotos.of(sharp)
    side = min(BANK_SIDE, min(min(pixels.shape[-2:]) for pixels in sharp) - ROOM)
    if name in CAMERAS:
        source = from_scenes(photos, CAMERAS[name], side=side)
    else:
        source = from_shakes(photos, side=side, kernel_side=ROOM + 1, extents=SHAKES)
    return [source(chance(seed, index), 1) for index in range(count)]
