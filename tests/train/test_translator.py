"""Do both ways to teach a translator learn, play fair, follow the curriculum, and resume exactly?"""

from dataclasses import replace

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.blur.spectra import KernelMixture
from blurspace.chance import chance
from blurspace.data.unpaired import UnpairedPhotos
from blurspace.io.weights import read_weights
from blurspace.losses import charbonnier
from blurspace.metrics import psnr
from blurspace.nets.mimo_unet import scales
from blurspace.nets.restorer import Restorer
from blurspace.train import loop
from blurspace.train.settings import AdamSettings, CriticNetwork, LoopSettings
from blurspace.train.steps import take
from blurspace.train.translator import (
    PICTURES,
    Piles,
    TranslationData,
    TranslationLosses,
    TranslatorNetwork,
    TranslatorTask,
    sharper,
)
from blurspace.train.unknown import CameraGuess

PAIRS = TranslationLosses(adversarial=0)
GAME = TranslationLosses(pairs=0)
SIDE = 32


def squares(count, seed, side=48):
    """uint8 (3 side side) each: small squares of random colours."""
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    return (small.repeat_interleave(4, 2).repeat_interleave(4, 3) * 255).round().to(torch.uint8)


def under(pictures, kernel):
    return (blur(pictures.float() / 255, kernel).clamp(0, 1) * 255).round().to(torch.uint8)


def stacks(count, seed):
    """Sharp, then lines of 5 px along the rows, then of 3 px."""
    sharp = squares(count, seed)
    return list(torch.stack((sharp, under(sharp, line(5, 0)), under(sharp, line(3, 0))), 1))


@pytest.fixture(scope="module")
def piles():
    """The camera's blur is a line along the columns."""
    guess = CameraGuess(KernelMixture((line(5, 90),), torch.ones(1), 0.0), 0.002, torch.ones(128, 65))
    blurry = UnpairedPhotos(list(under(squares(4, 1), line(5, 90))))
    return Piles(blurry, stacks(3, 2), stacks(1, 50), guess)


def pixels(picture):
    return (picture,)


def make(piles, losses, **changes):
    options = {
        "network": TranslatorNetwork(widths=(8, 12)),
        "critic": CriticNetwork(width=4, layers=1),
        "data": TranslationData(side=SIDE, batch=4, validation=2),
        "adam": AdamSettings(learning_rate=3e-3, clip=1.0),
        "features": pixels,
        "deblur": None,
        "seed": 0,
    }
    return TranslatorTask(piles, losses=losses, **options | changes)


def copies(task):
    return {name: [one.detach().clone() for one in net.parameters()] for name, net in task.networks.items()}


def changed(task, before, name):
    return [not torch.equal(*both) for both in zip(before[name], task.networks[name].parameters(), strict=True)]


def test_batches_are_what_they_say(piles):
    data = TranslationData(side=SIDE, batch=4, validation=2)
    batch = piles.draw(chance(0, 0), data)
    assert {name: getattr(batch, name).shape for name in PICTURES} == dict.fromkeys(PICTURES, (4, 3, SIDE, SIDE))
    again, other = (piles.draw(chance(0, step), data) for step in (0, 1))
    assert all(torch.equal(getattr(again, name), getattr(batch, name)) for name in PICTURES)
    assert not any(torch.equal(getattr(other, name), getattr(batch, name)) for name in PICTURES)
    for picture, kernel in ((batch.made, line(5, 90)), (batch.target, line(3, 0))):
        inner = (..., slice(2, -2), slice(2, -2))
        wanted, found = blur(batch.sharp, kernel)[inner], picture[inner]
        assert float(psnr(found, wanted).min()) > 20  # the camera's light, noise and files are drawn
        assert float(psnr(found, batch.sharp[inner]).max()) < float(psnr(found, wanted).min())
    assert batch.to("meta").known.device.type == "meta"
    assert batch.to("meta").generator is batch.generator


def test_known_blur_is_not_the_one_that_pairs_aim_at(piles):
    """Stacks of one grey each tell which of their pictures a batch shows, and from which side of the split."""
    greys = [torch.tensor([10, 20, 30], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 40, 40) + n for n in (0, 5)]
    grey = replace(piles, stacks=greys[:1], held_out=greys[1:])
    for held_out, more in ((False, 0), (True, 5)):
        batch = grey.draw(chance(0, 0), TranslationData(side=SIDE, batch=2), held_out=held_out)
        found = [float(getattr(batch, name).mean()) * 255 for name in ("sharp", "known", "target")]
        assert found == pytest.approx([10 + more, 20 + more, 30 + more], abs=1e-3)


def test_pairs_are_learned(piles):
    task = make(piles, PAIRS)
    batch = task.batch(chance(0, 0))
    before = copies(task)
    first = take([task.step(batch)])
    assert set(first) == {"paired", "loss", "gradient"}
    pairs = zip(scales(batch.made), scales(batch.target), strict=True)
    wanted = sum(float(charbonnier(one, other)) for one, other in pairs) / 3
    assert first["loss"] == first["paired"] == pytest.approx(wanted, rel=1e-5)  # it starts as the identity
    losses = [take([task.step(batch)])["loss"] for _ in range(40)]
    assert losses[-1] < 0.8 * losses[0]
    assert all(changed(task, before, "translator"))
    assert not any(changed(task, before, "critic"))  # nobody plays


class Half(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, picture):
        return self.factor * picture


def test_the_deblurrer_is_asked_and_not_trained(piles):
    deblur = Half()
    task = make(piles, TranslationLosses(pairs=0, through=2.0, adversarial=0), deblur=deblur)
    batch = task.batch(chance(0, 0))
    wanted = 2 * float(charbonnier(0.5 * batch.made, batch.sharp))
    losses = [take([task.step(batch)])["loss"] for _ in range(40)]
    assert losses[0] == pytest.approx(wanted, rel=1e-5)
    assert losses[-1] < 0.9 * losses[0]
    assert deblur.factor.item() == 0.5


def test_both_networks_of_the_game_learn_and_leave_each_other_alone(piles):
    task = make(piles, GAME)
    batch = task.batch(chance(0, 0))
    start, translator_step = copies(task), task.optimisers["translator"].step
    seen = {}

    def spy(*arguments, **options):
        """Between the critic's step and the translator's."""
        seen.update(critic=copies(task)["critic"], translator=changed(task, start, "translator"))
        return translator_step(*arguments, **options)

    task.optimisers["translator"].step = spy
    scalars = take([task.step(batch)])
    assert set(scalars) == {"critic", "critic_gradient", "fooling", "reconstruction", "loss", "gradient"}
    assert scalars["reconstruction"] == 0  # the identity keeps everything
    assert scalars["loss"] == pytest.approx(scalars["fooling"])
    assert not any(seen["translator"])
    assert any(changed(task, start, "critic"))
    assert not any(changed(task, seen, "critic"))
    assert any(changed(task, start, "translator"))
    for step in range(2):  # the last layer starts at zero, so the others wait for it
        take([task.step(task.batch(chance(0, step)))])
    assert all(changed(task, start, "translator"))


def test_the_critic_learns_to_tell_one_batch_and_the_translator_to_fool_it(piles):
    task = make(piles, replace_losses(GAME, reconstruction=0.0))
    batch = task.batch(chance(0, 0))
    translate, critic = task.networks["translator"], task.optimisers["critic"]
    held, task.optimisers["translator"].step = copies(task), lambda: None
    told = [take([task.step(batch)])["critic"] for _ in range(25)]
    assert told[-1] < told[0] - 0.2
    assert not any(changed(task, held, "translator"))
    del task.optimisers["translator"].step
    critic.step = lambda: None
    fooled = [take([task.step(batch)])["fooling"] for _ in range(15)]
    assert fooled[-1] < fooled[0] - 0.2
    assert not torch.equal(translate(batch.blurry)[0], batch.blurry)


def replace_losses(losses, **changes):
    return losses.model_copy(update=changes)


def test_the_reconstruction_compares_features_at_three_scales(piles):
    task = make(piles, GAME, features=lambda picture: (2 * picture,))
    blurry = torch.rand(2, 3, SIDE, SIDE)
    translated = [one + change for one, change in zip(scales(blurry), (0.1, 0.2, 0.6), strict=True)]
    assert float(task._reconstruction(blurry, translated)) == pytest.approx(2 * 0.3, rel=1e-5)


def test_the_curriculum(piles):
    task = make(piles, TranslationLosses(first_share=0.5))
    shares = []
    for done in (0, 0.2, 0.35, 0.5, 1):
        task.pace(done)
        shares.append(task.share)
    assert shares == pytest.approx([0.5, 0.5, 0.75, 1, 1])
    whole = make(piles, TranslationLosses(first_share=1))
    whole.pace(0)
    assert whole.share == 1


def test_the_game_is_played_with_the_share_of_the_batch(piles):
    task, judged = make(piles, GAME), []
    task.networks["critic"].register_forward_hook(lambda module, given, result: judged.append(len(given[0])))
    for done, count in ((0, 2), (1, 4)):
        judged.clear()
        task.pace(done)
        take([task.step(task.batch(chance(0, 0)))])
        assert set(judged) == {count}


def test_sharper_keeps_the_sharpest_first():
    sharp = squares(1, 3, side=32).float() / 255
    soft = [blur(sharp, line(length, 0)) for length in (9, 3, 5)]
    pictures = torch.cat((soft[0], soft[1], sharp, soft[2]))
    assert torch.equal(sharper(pictures, 0.5), pictures[[2, 1]])
    assert torch.equal(sharper(pictures, 0.75), pictures[[2, 1, 3]])
    assert torch.equal(sharper(pictures, 0.01), pictures[[2]])
    assert torch.equal(sharper(pictures, 1.0), pictures)


def test_validation_measures_held_out_pairs(piles):
    task = make(piles, PAIRS)
    measured = task.validate()
    assert set(measured) == {"psnr", "made_psnr"}
    assert measured["psnr"] == pytest.approx(measured["made_psnr"])  # it starts as the identity
    wanted = torch.cat([psnr(batch.made, batch.target) for batch in task.validation]).mean()
    assert measured["made_psnr"] == pytest.approx(float(wanted))
    assert measured == task.validate() == make(piles, PAIRS).validate()
    with torch.no_grad():
        task.networks["translator"].network.unet.leave.bias.fill_(5.0)
    assert task.validate()["psnr"] < measured["psnr"]

    halved = make(piles, PAIRS, deblur=Half()).validate()
    wanted = torch.cat([psnr(0.5 * batch.made, batch.sharp) for batch in task.validation]).mean()
    assert halved["plain_psnr"] == halved["deblurred_psnr"] == pytest.approx(float(wanted))


def test_it_is_built_as_it_says(piles):
    task = make(piles, PAIRS, network=TranslatorNetwork(kind="mimo", widths=(4,), blocks=1))
    assert task.architecture["translator"] == {"kind": "mimo", "widths": (4,), "blocks": 1}
    assert task.architecture["critic"] == {"width": 4, "layers": 1}
    assert len(task.validation) == 2
    rates = {name: (group["lr"], group["betas"]) for name, one in task.optimisers.items() for group in one.param_groups}
    assert rates == dict.fromkeys(("translator", "critic"), (3e-3, (0.9, 0.999)))
    one, same, other = (copies(make(piles, PAIRS, seed=seed))["critic"] for seed in (0, 0, 1))
    assert all(torch.equal(*both) for both in zip(one, same, strict=True))
    assert not all(torch.equal(*both) for both in zip(one, other, strict=True))


def test_resumed_equals_uninterrupted(piles, tmp_path):
    """With the game, whose gradient penalty draws by chance too, and with pairs."""
    settings = LoopSettings(steps=4, warm_up=2, average=0.9, decay="linear")
    losses = TranslationLosses(through=1.0)

    def task():
        return make(piles, losses, deblur=Restorer(widths=(4,)).requires_grad_(False))

    whole = read_weights(loop.run(task(), settings, out=tmp_path / "whole"))[0]
    stopped = task()
    draw, drawn = stopped.batch, []

    def batch(generator):
        drawn.append(generator)
        if len(drawn) == 3:
            raise KeyboardInterrupt
        return draw(generator)

    stopped.batch = batch
    few = settings.model_copy(update={"save_minutes": 0})
    with pytest.raises(KeyboardInterrupt):
        loop.run(stopped, few, out=tmp_path / "part")
    again = read_weights(loop.run(task(), settings, out=tmp_path / "part", resume=True))[0]
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
