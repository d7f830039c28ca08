"""Do tasks on pairs draw what the recipe says, and validate on all that is held out?"""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from blurspace.chance import chance
from blurspace.errors import NoInputError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.metrics import psnr
from blurspace.train.on_pairs import PairSettings, pair_source, to_device
from blurspace.train.one_loss import OneLoss, Source
from blurspace.train.settings import AdamSettings, Strict
from blurspace.train.steps import take
from blurspace.types import Pair, Photo

SETTINGS = {"kinds": ("shakes",), "side": 48, "batch": 2, "extents": (3, 9), "kernel_side": 9, "validation": 5}


def source(folder, *, report=print, **changes):
    return pair_source(PairSettings(**SETTINGS | changes), data=folder, device="cpu", report=report)


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Three scenes as of GoPro; blurry is 1 - sharp."""
    folder = tmp_path_factory.mktemp("pairs")
    for scene in range(3):
        for name in range(2):
            sharp = (random(1, 3, 60, 64, seed=10 * scene + name) * 255).round() / 255
            for part, pixels in (("sharp", sharp), ("blur", 1 - sharp)):
                path = folder / "train" / f"scene{scene}" / part / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(path, encode_photo(Photo.of(pixels), pixels), overwrite=False)
    return folder


@pytest.mark.parametrize("kinds", [("shakes",), ("hand",), ("wheel",), ("shakes", "hand", "wheel")])
def test_made_pairs(photos, kinds):
    found = source(photos, kinds=kinds)
    pair = found.draw(chance(0, 0))
    assert pair.sharp.shape == pair.blurry.shape == (2, 3, 48, 48)
    assert not torch.equal(pair.sharp, pair.blurry)
    assert torch.equal(found.draw(chance(0, 0)).blurry, pair.blurry)
    assert not torch.equal(found.draw(chance(0, 1)).blurry, pair.blurry)
    assert [len(piece.sharp) for piece in found.held_out] == [2, 2, 1]
    again = source(photos, kinds=kinds)
    assert all(torch.equal(a.blurry, b.blurry) for a, b in zip(found.held_out, again.held_out, strict=True))


def test_pairs_that_are_read(pairs):
    found = source(pairs, kinds=("pairs",))
    for pair in (found.draw(chance(0, 0)), *found.held_out):
        torch.testing.assert_close(pair.blurry, 1 - pair.sharp)


def test_training_and_validation_share_no_picture(tmp_path):
    """Each photo is one grey."""
    for index in range(10):
        grey = torch.full((1, 3, 60, 60), index / 10)
        write_bytes(tmp_path / f"{index}.png", encode_photo(Photo.of(grey), grey), overwrite=False)
    found = source(tmp_path, validation=40)
    held_out = {round(float(one.mean()), 3) for piece in found.held_out for one in piece.sharp}
    trained = {round(float(one.mean()), 3) for step in range(40) for one in found.draw(chance(0, step)).sharp}
    assert held_out
    assert not held_out & trained


def test_wrong_data_is_refused_before_training(photos, pairs, tmp_path):
    with pytest.raises(NoInputError, match="not a folder"):
        source(tmp_path / "none")
    with pytest.raises(NoInputError, match="no sharp-blurry pairs"):
        source(photos, kinds=("pairs",))
    with pytest.raises(NoInputError, match="crops of 308 px"):
        source(photos, side=300)
    with pytest.raises(UsageError, match="extents are"):
        source(photos, extents=(3, 31))
    with pytest.raises(ValidationError):
        PairSettings(**SETTINGS | {"kinds": ("shake",)})
    with pytest.raises(ValidationError):
        PairSettings(**SETTINGS | {"kinds": ()})


def test_pairs_and_made_pairs_together_are_refused(pairs):
    with pytest.raises((UsageError, ValidationError)):
        source(pairs, kinds=("shakes", "pairs"))


def test_photos_that_cannot_be_read_are_told(photos, tmp_path):
    good = [path.read_bytes() for path in photos.iterdir()]
    for index in range(60):  # some of each in both parts
        (tmp_path / f"good{index}.png").write_bytes(good[index % len(good)])
    for index in range(20):
        (tmp_path / f"bad{index}.png").write_bytes(b"no picture")
    told = []
    source(tmp_path, report=told.append)
    assert len(told) == 20


class Gain(nn.Module):
    """Learns by what all sharp pictures are to be multiplied."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, picture):
        return self.gain * picture


def task(held_out=(2, 2, 1), **changes):
    net = Gain()

    def pair(count, seed):
        sharp = random(count, 3, 8, 8, seed=seed)
        return Pair(sharp, 0.5 * sharp)

    def measure(pair):
        found = {"psnr": psnr(net(pair.sharp), pair.blurry)}
        return found | ({"of many": torch.ones(len(pair.sharp))} if len(pair.sharp) > 1 else {})

    made = OneLoss(
        {"gain": (net, Strict())},
        source=Source(
            lambda generator: pair(2, int(torch.randint(99, (), generator=generator))),
            [pair(count, 100 + index) for index, count in enumerate(held_out)],
        ),
        adam=AdamSettings(**{"learning_rate": 0.1, "clip": 1.0} | changes),
        loss=lambda pair: (net(pair.sharp) - pair.blurry).square().mean(),
        measure=measure,
    )
    assert isinstance(made, OneLoss)
    return made


def test_a_step_goes_down_the_loss():
    one = task()
    batch = one.batch(chance(0, 0))
    losses = [take([one.step(batch)]) for _ in range(30)]
    assert set(losses[0]) == {"loss", "gradient"}
    assert losses[0]["loss"] == pytest.approx(float((0.5 * batch.sharp).square().mean()), rel=1e-4)
    assert losses[-1]["loss"] < 0.05 * losses[0]["loss"]


def test_validation_is_the_mean_over_pairs_and_not_over_pieces():
    one = task()
    wanted = torch.cat([psnr(piece.sharp, piece.blurry) for piece in one.source.held_out]).mean()
    assert one.validate()["psnr"] == pytest.approx(float(wanted))
    assert not math.isnan(one.validate()["of many"])  # the last piece, of one pair, lacks it


def test_to_device_keeps_the_pair():
    pair = Pair(random(1, 3, 4, 4), random(1, 3, 4, 4, seed=1))
    same = to_device(pair, "cpu")
    assert torch.equal(same.sharp, pair.sharp)
    assert torch.equal(same.blurry, pair.blurry)
    assert to_device(pair, "meta").blurry.device.type == "meta"
