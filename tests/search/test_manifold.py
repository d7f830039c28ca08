"""Is what a generator makes found, on its spheres, and said to be made wherever it is told?"""

import io
from dataclasses import replace

import PIL.Image
import pytest
import torch
from PIL import ExifTags
from torch import nn

from blurspace import api
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.chance import chance, seeded
from blurspace.errors import Cancelled, ModelError, PictureError
from blurspace.io.labels import MADE
from blurspace.io.weights import write_weights
from blurspace.jobs.develop import develop
from blurspace.metrics import psnr
from blurspace.nets.printer import Printer
from blurspace.nets.sphere import OnSphere, on_sphere
from blurspace.nets.stylegan2 import StyleGan2
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Found, deblur
from blurspace.restore.observed import Observed
from blurspace.restore.verdict import Referee
from blurspace.run import Run
from blurspace.search.generators import read_generator
from blurspace.search.manifold import ManifoldFinder, ManifoldSettings, OnManifold, coloured, manifold_method
from blurspace.search.solver import Joint
from blurspace.types import Photo

SMALL = {"numbers": 4, "width": 8, "blocks": 1, "maps": (8, 6, 4), "seen": (8, 6, 4)}
KERNEL = line(5, 0.0)
QUICK = ManifoldSettings(joint=Joint(3, picture_rate=0.05, blur_rate=2e-3), side=15)


class Squares(nn.Module):
    """A generator of pictures that is known: each number of its one vector is how bright a square is."""

    dim = 1

    def forward(self, latent):
        squares = (0.5 + 0.15 * latent).view(-1, 1, 8, 8)
        return squares.repeat_interleave(8, -1).repeat_interleave(8, -2)

    def latent(self, size, *, generator=None):
        del size
        return on_sphere(torch.randn(1, 64, generator=generator), 1)

    def begin(self, photo):
        del photo

    def of_size(self, picture, size):
        assert picture.shape[-2:] == size
        return picture


def squares():
    sharp = Squares()(Squares().latent((64, 64), generator=chance(4, 0)))
    return sharp, blur(sharp, KERNEL)


def observed(blurry):
    return Observed(blurry, response="linear", given=UniformBlur(KERNEL))


def test_what_it_can_make_is_found():
    sharp, blurry = squares()
    settings = replace(QUICK, joint=Joint(150, picture_rate=0.1))
    found = ManifoldFinder(Squares(), settings=settings)(observed(blurry), Run())
    assert float(psnr(found.picture, sharp)) > float(psnr(blurry, sharp)) + 10
    assert found.notes[-1] == MADE
    assert found.notes[-2].startswith("a search of about")


def test_the_latent_stays_on_its_sphere(monkeypatch):
    lengths, forward = [], OnSphere.forward

    def watched(self):
        lengths.append(float(forward(self).detach().norm()))
        return forward(self)

    monkeypatch.setattr(OnSphere, "forward", watched)
    ManifoldFinder(Squares(), settings=replace(QUICK, crossing=0.05))(observed(squares()[1]), Run())
    assert len(lengths) > 3
    assert lengths == pytest.approx([8.0] * len(lengths))


def test_a_kernel_is_searched_with_it(monkeypatch):
    monkeypatch.setattr("blurspace.search.manifold.KernelFinder", lambda: lambda seen, run: Found())
    _, blurry = squares()
    one, again = (ManifoldFinder(Squares(), seed=2, settings=QUICK)(observed(blurry), Run()) for _ in range(2))
    assert one.blur.kernel.shape == (1, 1, 15, 15)
    assert float(one.blur.kernel.sum()) == pytest.approx(1)
    assert not one.known
    assert torch.equal(one.picture, again.picture)


def test_of_two_starts_the_one_that_explains_more_is_kept(monkeypatch):
    wrong = Found(UniformBlur(line(13, 0.0)))
    monkeypatch.setattr("blurspace.search.manifold.KernelFinder", lambda: lambda seen, run: wrong)
    finder = ManifoldFinder(Squares(), settings=QUICK)
    blurs = finder.blurs(wrong)
    assert len(blurs) == 2
    photo = squares()[1]
    both, _ = finder.searched(photo, blurs, Run(), response="linear")
    alone = [finder.searched(photo, [blur], Run(), response="linear")[0] for blur in finder.blurs(wrong)]
    assert both.losses[-1] == pytest.approx(min(one.losses[-1] for one in alone), rel=1e-4)
    assert alone[0].losses[-1] != pytest.approx(alone[1].losses[-1], rel=1e-2)


def test_minutes_and_cancelling():
    seen = observed(squares()[1])
    with pytest.raises(PictureError, match=r"^1e-09 minutes were given for a search that takes .*: give --max-minutes"):
        ManifoldFinder(Squares(), minutes=1e-9, settings=QUICK)(seen, Run())
    with pytest.raises(Cancelled):
        ManifoldFinder(Squares(), settings=QUICK)(seen, Run(cancelled=lambda: True))


def test_a_latent_that_is_no_number():
    class Broken(Squares):
        def forward(self, latent):
            return super().forward(latent) * torch.nan

    with pytest.raises(PictureError, match="diverged to no number: give another --seed"):
        ManifoldFinder(Broken(), settings=QUICK)(observed(squares()[1]), Run())


def test_colours_are_those_of_the_photo():
    grey = torch.rand(1, 1, 16, 16, generator=chance(1, 0))
    photo = torch.cat((0.2 + 0.6 * grey, 0.1 + 0.8 * grey, 0.9 - 0.3 * grey), 1)
    bright = (photo * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    torch.testing.assert_close(coloured(bright, photo), photo, atol=0.02, rtol=0)
    assert OnManifold(Squares(), torch.rand(1, 3, 64, 64)).forward().shape == (1, 3, 64, 64)


def believed():
    """A referee that restores whatever is no worse than its limits."""
    belief = Referee().belief
    return Referee(replace(belief, least=0.0, least_known=0.0, gain=99.0))


def test_it_is_labelled_in_receipt_record_and_file():
    _, blurry = squares()
    settings = replace(QUICK, joint=Joint(150, picture_rate=0.1))
    method = replace(manifold_method(Squares()), find=ManifoldFinder(Squares(), settings=settings))
    done = deblur(observed(blurry), [method], Run(), referee=believed())
    assert done.receipt.verdict == "restored"
    assert done.receipt.reason.endswith(f"; {MADE}")
    assert done.receipt.probability_better is None
    deblurrer = Deblurrer((method,), UniformBlur(KERNEL), "linear", referee=believed())
    photo = Photo.of(blurry.expand(1, 3, 64, 64))
    developed = develop(photo, deblurrer, Run())
    assert MADE in developed.record["notes"]
    assert PIL.Image.open(io.BytesIO(developed.data)).getexif()[ExifTags.Base.ImageDescription] == MADE


def test_python_labels_it_too(tmp_path):
    _, blurry = squares()
    method = replace(manifold_method(Squares()), find=ManifoldFinder(Squares(), settings=QUICK))
    restoration = deblur(observed(blurry), [method], Run())
    told = replace(restoration, receipt=replace(restoration.receipt, verdict="restored"))
    path = api.Result(told, api.picture(blurry[0, 0].numpy())).save(tmp_path / "made.png")
    assert PIL.Image.open(io.BytesIO(path.read_bytes())).getexif()[ExifTags.Base.ImageDescription] == MADE


def test_generators_of_files(tmp_path):
    with seeded(0):
        printer, faces = Printer(**SMALL), StyleGan2((6, 5, 4), numbers=8, depth=2)
    write_weights(tmp_path / "ours.safetensors", {"printer": printer}, about={"architecture": {"printer": SMALL}})
    read = read_generator(tmp_path / "ours.safetensors")
    assert isinstance(read, Printer)
    assert not any(one.requires_grad for one in read.parameters())
    torch.save({"g_ema": faces.state_dict()}, tmp_path / "faces.pt")
    assert read_generator(tmp_path / "faces.pt").side == faces.side == 16
    about = {"architecture": {"space": {}}}
    write_weights(tmp_path / "other.safetensors", {"space": nn.Linear(2, 2)}, about=about)
    with pytest.raises(ModelError, match="holds no generator: give a file of task printer, or a StyleGAN2"):
        read_generator(tmp_path / "other.safetensors")
    write_weights(tmp_path / "old.safetensors", {"printer": printer}, about={"architecture": {"printer": {"old": 1}}})
    with pytest.raises(ModelError, match="of another version of blurspace: train it again"):
        read_generator(tmp_path / "old.safetensors")
    about = {"architecture": {"printer": SMALL}}
    write_weights(tmp_path / "less.safetensors", {"printer": nn.Linear(2, 2)}, about=about)
    with pytest.raises(ModelError):
        read_generator(tmp_path / "less.safetensors")
