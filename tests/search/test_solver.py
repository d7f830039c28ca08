"""Does the solver lower its loss, whatever the unknowns and the operator, and stop when it should?"""

from dataclasses import replace

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import build_space
from blurspace.chance import chance, seeded
from blurspace.errors import Cancelled, PictureError
from blurspace.losses import charbonnier
from blurspace.metrics import psnr, ssim
from blurspace.run import Run
from blurspace.search.blurs import Held, PriorCode, SimplexKernel
from blurspace.search.objective import Objective, hyper_laplacian, similarity
from blurspace.search.operators import Convolution, Downsampling, InSpace
from blurspace.search.pictures import DeepDecoder, DeepImagePrior, Pixels
from blurspace.search.solver import Alternate, Joint, Problem
from blurspace.search.stopping import Patience, Watch

SIZE = (32, 32)
SPACE = build_space()
SHARP = torch.rand(1, 3, 4, 4, generator=chance(2, 0)).repeat_interleave(8, -1).repeat_interleave(8, -2)
KERNEL = line(7, 20.0, size=9)
BLURRY = blur(SHARP, KERNEL)
IN_SPACE = Problem(BLURRY, InSpace(SPACE), Objective())
CONVOLVED = Problem(BLURRY, Convolution(), Objective())
RUN = Run()


def prior(index):
    return PriorCode(SPACE, SIZE, generator=chance(3, index))


def simplex(index):
    with seeded(index):
        return SimplexKernel(9, generator=chance(3, index))


def deep():
    with seeded(4):
        return DeepImagePrior(SIZE, widths=(8, 8), generator=chance(4, 0))


@pytest.mark.parametrize(
    "schedule", [Joint(12), Alternate(6, blur_steps=3), Alternate(6, blur_steps=2, restarts=False)]
)
@pytest.mark.parametrize(("problem", "new_blur"), [(IN_SPACE, prior), (CONVOLVED, simplex)])
def test_the_loss_falls(schedule, problem, new_blur):
    found = schedule(problem, deep(), new_blur, RUN)
    assert found.picture.shape == BLURRY.shape
    assert found.losses[-1] < 0.95 * found.losses[0]
    assert not found.picture.requires_grad
    assert not found.blur.requires_grad


def test_algorithm_1_begins_the_blur_anew_for_each_step():
    asked = []

    def new_blur(index):
        asked.append(index)
        return simplex(index)

    Alternate(3, blur_steps=2)(CONVOLVED, deep(), new_blur, RUN)
    assert asked == [0, 1, 2]
    Alternate(3, blur_steps=2, restarts=False)(CONVOLVED, deep(), new_blur, RUN)
    assert asked == [0, 1, 2, 0]


def test_a_known_kernel_sharpens():
    found = Joint(60, picture_rate=0.05)(CONVOLVED, Pixels(BLURRY), lambda _: Held(KERNEL), RUN)
    assert float(psnr(found.picture, SHARP)) > float(psnr(BLURRY, SHARP)) + 3
    assert torch.equal(found.blur, KERNEL)


def test_the_same_seed_gives_the_same():
    once, again, other = (Joint(4)(IN_SPACE, deep(), lambda _, i=i: prior(i), RUN) for i in (0, 0, 1))
    assert torch.equal(once.picture, again.picture)
    assert torch.equal(once.blur, again.blur)
    assert not torch.equal(once.blur, other.blur)


@pytest.mark.parametrize("schedule", [Joint(10_000), Alternate(10_000)])
def test_it_is_cancelled_at_once(schedule):
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        schedule(CONVOLVED, deep(), simplex, Run(cancelled=lambda: next(asked)))


def test_a_search_that_diverges_says_so():
    blur = prior(0)
    with torch.no_grad():
        blur.whole.fill_(float("nan"))
    for schedule in (Joint(3), Alternate(3)):
        with pytest.raises(PictureError, match=r"^the search for the blur of this photo diverged to no number: give"):
            schedule(IN_SPACE, deep(), lambda _: blur, RUN)


def test_so_does_one_whose_last_step_diverges():
    for schedule in (Joint(1, picture_rate=float("inf")), Alternate(1, picture_rate=float("inf"))):
        with pytest.raises(PictureError, match="diverged to no number"):
            schedule(CONVOLVED, deep(), simplex, Run())


def test_it_stops_where_the_pictures_change_least():
    watch = Watch(Patience(window=3, steps=4))
    pictures = [torch.full((1, 1, 4, 4), float(value)) for value in (0, 4, 6, 7, 7.1, 7.2, 9, 12, 15, 19, 24)]
    stopped = [watch.enough(one, one[0, 0]) for one in pictures]
    assert stopped.index(True) == 9
    assert float(watch.best[0].mean()) == pytest.approx(7.2)
    found = Joint(500, picture_rate=0.0, patience=Patience(2, 2))(
        CONVOLVED, Pixels(BLURRY), lambda _: Held(KERNEL), RUN
    )
    assert len(found.losses) < 500
    assert found.ended.startswith("the pictures changed least")


def test_what_steps_will_take_is_measured_without_any():
    picture, code = deep(), prior(0)
    before = [one.detach().clone() for one in (*picture.parameters(), *code.parameters())]
    assert 0 < IN_SPACE.seconds_per_step(picture, code) < 5
    assert all(torch.equal(*pair) for pair in zip(before, (*picture.parameters(), *code.parameters()), strict=True))


def test_operators():
    still, rest = PriorCode(SPACE, SIZE, start=SPACE.rest_code(SIZE)), SPACE.rest_code(SIZE)
    torch.testing.assert_close(InSpace(SPACE)(SHARP, rest), SHARP, atol=1e-4, rtol=0)
    assert still().shape == rest.shape
    torch.testing.assert_close(Convolution()(SHARP, KERNEL), BLURRY, atol=1e-4, rtol=0)
    assert not torch.allclose(Convolution("srgb")(SHARP, KERNEL), BLURRY, atol=1e-2)
    assert Downsampling(4)(SHARP, KERNEL).shape == (1, 3, 8, 8)
    for operator, unknown in ((InSpace(SPACE), rest.clone()), (Convolution("srgb"), KERNEL.clone())):
        inputs = SHARP.clone().requires_grad_(), unknown.requires_grad_()
        slopes = torch.autograd.grad(operator(*inputs).square().mean(), inputs)
        assert all(slope.isfinite().all() and slope.abs().max() > 0 for slope in slopes)


def test_the_terms_of_the_objective():
    nothing = torch.zeros(())
    flat = torch.full_like(SHARP, 0.5)
    assert hyper_laplacian(flat, 0.66) < hyper_laplacian(BLURRY, 0.66)
    assert float(similarity(SHARP, BLURRY)) == pytest.approx(float(ssim(SHARP, BLURRY)), abs=1e-3)
    plain = Objective(norm=0, gradients=0)
    assert float(plain(BLURRY, SHARP, flat, nothing)) == pytest.approx(float(charbonnier(SHARP, BLURRY)))
    assert float(replace(plain, norm=2.0)(BLURRY, BLURRY, flat, torch.tensor(3.0))) > 6
    assert plain.misfit(BLURRY, SHARP) < replace(plain, structure=1.0).misfit(BLURRY, SHARP)
    looked = replace(plain, perceptual=1.0, features=lambda picture: [picture[..., ::2, ::2]])
    assert plain.misfit(BLURRY, SHARP) < looked.misfit(BLURRY, SHARP)


def test_a_decoder_explains_a_picture_smaller_than_it():
    """Fig. 6's third operator: what PULSE does, with a decoder in place of its generator."""
    problem = Problem(SHARP[..., ::2, ::2], Downsampling(2), Objective())
    with seeded(1):
        decoder = DeepDecoder(SIZE, width=16)
    found = Joint(20, picture_rate=0.05)(problem, decoder, lambda _: Held(KERNEL), RUN)
    assert found.losses[-1] < 0.8 * found.losses[0]
