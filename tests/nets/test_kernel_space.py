"""Does the space blur as it says, anywhere and in any light, and does it find again what it did itself?"""

import pytest
import torch
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import delta, gaussian, line
from blurspace.errors import UsageError
from blurspace.metrics import psnr
from blurspace.nets import kernel_space
from blurspace.nets.kernel_space import BasisSpace

COUNT, SIDE, STRIDE = 6, 7, 8


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0):
    return torch.rand(shape, generator=seeded(seed))


def textured(count=1, size=(64, 72), seed=0, *, colours=3, scale=3):
    """Random pictures of soft grain, from 0.1 to 0.9."""
    coarse = random(count, colours, size[0] // scale + 2, size[1] // scale + 2, seed=seed)
    return 0.1 + 0.8 * functional.interpolate(coarse, size, mode="bilinear", align_corners=True)


def built(seed=0, *, count=COUNT, side=SIDE, stride=STRIDE):
    """Filters that are small and smooth enough for the kernels to look like blur."""
    space = BasisSpace(count=count, side=side, stride=stride)
    drawn = torch.randn(count, 1, side, side, generator=seeded(seed))
    soft = functional.avg_pool2d(drawn, 3, 1, 1)[:, 0]
    space.basis.data = soft / soft.norm(dim=(1, 2), keepdim=True)
    return space


def smooth_code(space, size, seed=0, *, count=1, strength=0.1, exponent=1.0):
    """Weights that change slowly, and one exponent of the light."""
    rest = space.rest_code(size)
    rough = strength * torch.randn(count, rest.shape[1] - 1, 3, 3, generator=seeded(seed))
    weights = functional.interpolate(rough, rest.shape[-2:], mode="bilinear", align_corners=True)
    return torch.cat((weights, torch.full((count, 1, *rest.shape[-2:]), exponent - 1)), 1)


def of_kernels(*kernels, stride=STRIDE):
    """A space in which a weight of 1 makes each of the kernels."""
    space = BasisSpace(count=len(kernels), side=kernels[0].shape[-1], stride=stride)
    space.basis.data = torch.cat([kernel[0] - delta(kernel.shape[-1])[0] for kernel in kernels])
    return space


def uniform_code(space, size, *weights, exponent=1.0):
    values = torch.tensor([*weights, exponent - 1]).view(1, -1, 1, 1)
    return values.expand(-1, -1, *space.rest_code(size).shape[-2:])


@torch.no_grad()
def slow(space, light, code):
    """Pixel by pixel: the kernel, bilinear between the cells' middles, times the neighbourhood; for exponent 1."""
    stride, side = space.stride, space.basis.shape[-1]
    height, width = light.shape[-2:]
    filters = space.basis - space.basis.mean((1, 2), keepdim=True)
    blurred = torch.zeros_like(light, dtype=torch.float64)
    reach = side // 2
    wide = functional.pad(light, (reach,) * 4, mode="replicate").double()
    patches = functional.unfold(wide.flatten(0, 1)[:, None], side).view(*light.shape[:2], side, side, height, width)
    rows, columns = code.shape[-2:]
    for y in range(height):
        for x in range(width):
            down, right = ((place + 0.5) / stride - 0.5 for place in (y, x))
            down, right = min(max(down, 0), rows - 1), min(max(right, 0), columns - 1)
            top, left = int(down), int(right)
            bottom, after = min(top + 1, rows - 1), min(left + 1, columns - 1)
            down, right = down - top, right - left
            weights = (1 - down) * ((1 - right) * code[:, :-1, top, left] + right * code[:, :-1, top, after])
            weights = weights + down * ((1 - right) * code[:, :-1, bottom, left] + right * code[:, :-1, bottom, after])
            kernel = torch.einsum("bn,nij->bij", weights, filters).double()
            kernel[:, reach, reach] += 1
            blurred[..., y, x] = (patches[..., y, x] * kernel.flip(1, 2)[:, None]).sum((-2, -1))
    return blurred.float()


def trace(space, size, code):
    """Where a point of light in the middle goes: its middle's move (rows, columns), in px."""
    points = torch.full((1, 1, *size), 0.4)
    points[..., size[0] // 2, size[1] // 2] = 0.6
    light = (space.reblur(points, code) - 0.4)[0, 0].double()
    rows, columns = torch.meshgrid(*(torch.arange(n) - n // 2 for n in size), indexing="ij")
    return torch.stack([(light * place).sum() / light.sum() for place in (rows, columns)])


@pytest.mark.parametrize("size", [(40, 40), (41, 67), (5, 90), (1, 1)])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("count", [1, 2])
def test_the_code_at_rest_changes_nothing(size, colours, count):
    space, sharp = built(), random(count, colours, *size)
    code = space.rest_code(size)
    assert code.shape == (1, COUNT + 1, -(-size[0] // STRIDE), -(-size[1] // STRIDE))
    torch.testing.assert_close(space.reblur(sharp, code), sharp, atol=1e-6, rtol=0)


@pytest.mark.parametrize("exponent", [1.0, 2.4])
def test_constants_stay(exponent):
    space = built()
    code = smooth_code(space, (45, 61), strength=1, exponent=exponent)
    for value in (0.0, 0.3, 1.0):
        sharp = torch.full((1, 3, 45, 61), value)
        torch.testing.assert_close(space.reblur(sharp, code), sharp, atol=3e-6, rtol=0)


def test_filters_sum_to_0_and_kernels_to_1():
    space = built()
    torch.testing.assert_close(space.filters().sum((1, 2)), torch.zeros(COUNT), atol=1e-5, rtol=0)
    kernels = space.kernels(torch.randn(2, COUNT, 3, 4, generator=seeded()))
    assert kernels.shape == (2, 3, 4, SIDE, SIDE)
    torch.testing.assert_close(kernels.sum((3, 4)), torch.ones(2, 3, 4), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(24, 24), (29, 19), (6, 5)])
@pytest.mark.parametrize(("side", "stride"), [(7, 8), (9, 4), (1, 6)])
def test_each_pixel_is_made_by_the_kernel_at_its_place(size, side, stride):
    space, sharp = built(side=side, stride=stride, count=3), random(2, 3, *size)
    code = torch.randn(2, 4, *space.rest_code(size).shape[-2:], generator=seeded()) * 0.1
    code[:, -1] = 0
    sharp = 0.4 + 0.2 * sharp  # so that no light is below 0
    torch.testing.assert_close(space.reblur(sharp, code), slow(space, sharp, code), atol=3e-6, rtol=0)


def test_many_rows_are_worked_on_in_bands():
    """More cells down than a band has, and not a whole number of bands."""
    space, sharp = built(side=3, stride=2, count=2), 0.4 + 0.2 * random(1, 1, 2 * 2 * kernel_space.BAND + 5, 12)
    code = 0.1 * torch.randn(1, 3, *space.rest_code(sharp.shape[-2:]).shape[-2:], generator=seeded())
    code[:, -1] = 0
    assert code.shape[2] > 2 * kernel_space.BAND
    torch.testing.assert_close(space.reblur(sharp, code), slow(space, sharp, code), atol=3e-6, rtol=0)


def test_the_code_does_not_depend_on_the_bands(monkeypatch):
    space, sharp = built(), textured(size=(83, 40))
    blurry = space.reblur(sharp, smooth_code(space, (83, 40)))
    codes = []
    for band in (1, 3, 100):
        monkeypatch.setattr(kernel_space, "BAND", band)
        codes.append(space.extract(sharp, blurry))
    for code in codes[1:]:
        torch.testing.assert_close(code, codes[0], atol=1e-4, rtol=0)


def test_a_uniform_code_is_a_convolution():
    space, sharp = built(), 0.3 + 0.4 * random(2, 3, 40, 57)
    code = uniform_code(space, (40, 57), *(0.1 * torch.randn(COUNT, generator=seeded())).tolist())
    kernel = space.kernels(code[:, :-1])[:, :1, 0]
    torch.testing.assert_close(space.reblur(sharp, code), blur(sharp, kernel), atol=3e-6, rtol=0)


@pytest.mark.parametrize("move", [(0, 1), (1, 0), (-2, 1)])
def test_a_kernel_right_of_the_centre_moves_the_picture_right(move):
    space = of_kernels(delta(7).roll(move, (-2, -1)))
    picture = torch.full((1, 1, 30, 40), 0.3)
    picture[..., 12, 20] = 0.8
    moved = space.reblur(picture, uniform_code(space, (30, 40), 1.0))
    torch.testing.assert_close(moved, picture.roll(move, (-2, -1)), atol=3e-6, rtol=0)
    torch.testing.assert_close(
        trace(space, (30, 40), uniform_code(space, (30, 40), 1.0)), torch.tensor(move).double(), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize("response", ["srgb", "linear"])
def test_the_light_is_that_of_the_camera(response):
    """Blur of a real response, by a code with its exponent; sRGB is a line near black, which the space has not."""
    kernel, sharp = line(5, 30, size=7), 0.1 + 0.9 * random(1, 3, 40, 40)
    space = of_kernels(kernel)
    exponent = {"srgb": 2.4, "linear": 1.0}
    blurry = photograph(sharp, kernel, response=response)
    for name, value in exponent.items():
        found = psnr(space.reblur(sharp, uniform_code(space, (40, 40), 1.0, exponent=value)), blurry)
        assert found > 100 if name == response else found < 35


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("size", [(64, 72), (41, 95)])
def test_two_equal_pictures_have_a_code_that_changes_nothing(size, colours):
    space, sharp = built(), textured(2, size, colours=colours)
    code = space.extract(sharp, sharp)
    assert code.shape == (2, COUNT + 1, *space.rest_code(size).shape[-2:])
    for other in (sharp, random(2, 3, *size, seed=5)):
        torch.testing.assert_close(space.reblur(other, code), other, atol=1e-4, rtol=0)


@pytest.mark.parametrize("exponent", [1.0, 2.4])
@pytest.mark.parametrize("colours", [1, 3])
def test_it_finds_its_own_codes(exponent, colours):
    """Exactly where they are uniform; where they change, up to what changes within a cell's window."""
    space, size = built(), (96, 90)
    sharp, other = textured(1, size, colours=colours), textured(1, size, seed=7)
    weights = (0.03 * torch.randn(COUNT, generator=seeded(1))).tolist()
    for code, wanted in (
        (uniform_code(space, size, *weights, exponent=exponent), 65),
        (smooth_code(space, size, strength=0.03, exponent=exponent), 50),
    ):
        blurry = space.reblur(sharp, code)
        found = space.extract(sharp, blurry)
        reblurred = psnr(space.reblur(sharp, found), blurry)
        assert reblurred > wanted
        assert reblurred > psnr(blurry, sharp) + 15
        assert (found[:, -1] + 1).mean().item() == pytest.approx(exponent, abs=0.15)
        assert psnr(space.reblur(other, found), space.reblur(other, code)) > wanted - 10


def test_the_exponent_of_the_light_is_found():
    space = of_kernels(line(7, 20, size=9), gaussian(0.9, size=9), line(5, 110, size=9))
    sharp = random(1, 3, 64, 64)
    for kernel in (line(7, 20, size=9), gaussian(0.9, size=9)):
        lit = space.extract(sharp, photograph(sharp, kernel, response="srgb"))[:, -1]
        assert lit.mean().item() + 1 == pytest.approx(2.4, abs=0.15)
        assert (lit == lit[0, 0, 0]).all()
        plain = space.extract(sharp, photograph(sharp, kernel, response="linear"))[:, -1]
        assert (plain == 0).all()


def test_the_exponent_is_judged_where_the_pair_differs():
    """A wide picture, of which only the right end is blurred."""
    kernel = line(7, 20, size=7)
    space, sharp = of_kernels(kernel), textured(size=(64, 320), scale=2)
    blurry = sharp.clone()
    blurry[..., 200:] = photograph(sharp, kernel, response="srgb")[..., 200:]
    assert space.extract(sharp, blurry)[:, -1].mean().item() + 1 == pytest.approx(2.4, abs=0.1)


def test_a_cell_alone_is_the_least_squares_of_what_is_seen():
    """An oracle for one cell: found twice, at rest from 0, then from what was found; errors count as they are seen."""
    space, sharp = built(count=3, side=5, stride=40).requires_grad_(False), textured(size=(30, 36), colours=1)
    space.log_stiffness.data = torch.tensor([0.01, 0.1, 0.3]).log()  # strong enough to matter
    blurry = space.reblur(sharp, uniform_code(space, (30, 36), 0.1, -0.05, 0.02, exponent=2.4))
    blurry = blurry + 0.002 * torch.randn(blurry.shape, generator=seeded())
    code = space.extract(sharp, blurry)
    assert code.shape == (1, 4, 1, 1)
    exponent = float(code[0, -1, 0, 0]) + 1
    assert exponent > 1.3

    def curve(display):
        low, high = 0.055**exponent, 1.055**exponent
        return ((display.double() + 0.055) ** exponent - low) / (high - low)

    at = blurry.double().requires_grad_()
    seen = 1 / torch.autograd.grad(curve(at).sum(), at)[0].flatten()
    light, filters = curve(sharp), space.filters().double()[:, None, None]
    wide = functional.pad(light, (2,) * 4, mode="replicate")
    found = torch.stack([functional.conv2d(wide, one.flip(-2, -1)).flatten() * seen for one in filters])
    change = (curve(blurry) - light).flatten() * seen
    stiff, gram = torch.diag(torch.tensor([0.01, 0.1, 0.3]).double()), found @ found.T
    first = torch.linalg.solve(gram + stiff, found @ change)
    wanted = first + torch.linalg.solve(gram + stiff, found @ (change - first @ found))
    torch.testing.assert_close(code[0, :-1, 0, 0].double(), wanted, atol=1e-3, rtol=1e-2)


def test_where_nothing_is_to_be_seen_neighbours_and_then_the_mean_say_it():
    """Left half under one code, right half under none; in each a flat area, of which the left one is big."""
    space, sharp = of_kernels(line(5, 20, size=7)).requires_grad_(False), textured(size=(80, 160), scale=2)
    code = uniform_code(space, (80, 160), 0.8).clone()
    code[..., 10:] = 0
    sharp[..., 24:56, 16:56] = 0.5  # 4 x 5 cells
    sharp[..., 40:48, 104:112] = 0.5  # a cell
    found = space.extract(sharp, space.reblur(sharp, code))[0, 0]
    mean = float(found.mean())
    assert 0.2 < mean < 0.6
    assert found[7, 3].item() == pytest.approx(0.8, abs=0.02)
    assert found[5, 13].item() == pytest.approx(0, abs=0.05)  # next to cells that know
    assert abs(float(found[4, 4]) - mean) < 0.15  # the middle of the big one


def test_noise_is_no_curve():
    space, sharp = built().requires_grad_(False), 0.1 + 0.8 * textured(size=(64, 64))
    for seed in range(4):
        noisy = sharp + 0.01 * torch.randn(sharp.shape, generator=seeded(seed))
        assert (space.extract(sharp, noisy)[:, -1] == 0).all()


def test_codes_of_another_size_are_stretched():
    space, sharp = built(), 0.3 + 0.4 * random(1, 3, 64, 48)
    uniform = uniform_code(space, (64, 48), *[0.05] * COUNT, exponent=2.0)
    for size in ((1, 1), (3, 20)):
        other = uniform[..., :1, :1].expand(-1, -1, *size)
        torch.testing.assert_close(space.reblur(sharp, other), space.reblur(sharp, uniform), atol=3e-6, rtol=0)
    assert space.reblur(sharp, smooth_code(space, (200, 30))).shape == sharp.shape
    halves = torch.cat((0 * uniform[..., :1, :1], uniform[..., :1, :1]), 2)
    halves[:, -1] = 0
    found, lower = space.reblur(sharp, halves), space.reblur(sharp, uniform_code(space, (64, 48), *[0.05] * COUNT))
    torch.testing.assert_close(found[..., :8, :], sharp[..., :8, :], atol=3e-6, rtol=0)
    torch.testing.assert_close(found[..., -8:, :], lower[..., -8:, :], atol=3e-6, rtol=0)


def test_batch_is_singles_and_one_code_is_for_all():
    space, sharp = built(), textured(3, (50, 44))
    codes = torch.cat([smooth_code(space, (50, 44), seed, exponent=1 + seed) for seed in range(3)])
    blurry = space.reblur(sharp, codes)
    singles = torch.cat([space.reblur(sharp[i : i + 1], codes[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(blurry, singles, atol=1e-6, rtol=0)
    found = space.extract(sharp, blurry)
    singles = torch.cat([space.extract(sharp[i : i + 1], blurry[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(found, singles, atol=1e-3, rtol=0)
    shared = space.reblur(sharp, codes[1:2])
    torch.testing.assert_close(shared, space.reblur(sharp, codes[1:2].expand(3, -1, -1, -1)), atol=1e-6, rtol=0)
    torch.testing.assert_close(space(sharp, blurry), space.reblur(sharp, found))


def test_gradients_reach_the_filters_the_stiffness_the_code_and_the_picture():
    space, sharp = built(), textured(2, (40, 36))
    blurry = photograph(sharp, line(5, 40, size=7), response="srgb")
    (space(sharp, blurry) - blurry).square().mean().backward()
    for name, parameter in space.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad.flatten(1) if name == "basis" else parameter.grad[:, None]).abs().amax(1).min() > 0, name
    code = smooth_code(space, (40, 36), exponent=2.0).requires_grad_()
    sharp = sharp.requires_grad_()
    (space.reblur(sharp, code) - blurry).square().sum().backward()
    assert code.grad.isfinite().all()
    assert (code.grad != 0).all()
    assert sharp.grad.isfinite().all()
    assert (sharp.grad != 0).float().mean() > 0.99


def test_gradients_are_finite_in_black_and_where_nothing_differs():
    space, sharp = built(), torch.zeros(1, 3, 30, 30)
    sharp[..., 10:20] = 1
    for blurry in (sharp, photograph(sharp, line(5, 0, size=7), response="srgb"), torch.zeros_like(sharp)):
        space.zero_grad()
        (space(sharp, blurry) - 0.5).square().mean().backward()
        assert all(parameter.grad.isfinite().all() for parameter in space.parameters())


@pytest.mark.parametrize("exponent", [1.0, 2.4])
def test_a_centred_code_moves_nothing(exponent):
    space, size = built(), (48, 48)
    code = smooth_code(space, size, seed=2, strength=0.2, exponent=exponent)
    centred = space.centred(code)
    place = torch.arange(SIDE) - SIDE // 2.0
    moved, still = (space.kernels(one[:, :-1]) for one in (code, centred))
    assert torch.einsum("bpqij,i->bpq", moved, place).abs().max() > 0.1
    for axes in ("i", "j"):
        assert torch.einsum(f"bpqij,{axes}->bpq", still, place).abs().max() < 1e-5
    torch.testing.assert_close(space.centred(centred), centred, atol=1e-6, rtol=0)
    assert torch.equal(centred[:, -1], code[:, -1])
    assert (centred - code).norm() < code.norm()


def test_a_point_stays_where_it_is_under_a_centred_code():
    space, size = built(), (49, 49)
    weights = (0.1 * torch.randn(COUNT, generator=seeded(3))).tolist()
    code = uniform_code(space, size, *weights)
    assert trace(space, size, code).abs().max() > 0.1
    assert trace(space, size, space.centred(code)).abs().max() < 1e-3


def test_a_code_that_only_moves_is_centred_to_rest():
    kernels = [delta(7).roll(move, (-2, -1)) for move in ((0, 1), (1, 0))]
    space = of_kernels(*kernels)
    code = smooth_code(space, (40, 40), strength=1)
    assert space.centred(code).abs().max() < 1e-5


def test_half_precision_around_it_changes_nothing():
    space, sharp = built(), textured(2, (40, 36))
    blurry = photograph(sharp, line(5, 40, size=7))
    wanted = space(sharp, blurry)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = space(sharp, blurry)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


def test_saved_and_loaded_is_equal(tmp_path):
    saved, sharp, blurry = built(), random(1, 3, 20, 20), random(1, 3, 20, 20, seed=1)
    torch.save(saved.state_dict(), tmp_path / "weights.pt")
    loaded = built(seed=1)
    assert not torch.equal(loaded(sharp, blurry), saved(sharp, blurry))
    loaded.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(loaded(sharp, blurry), saved(sharp, blurry))


def test_the_input_stays_untouched():
    space, sharp, blurry = built(), random(1, 3, 20, 20), random(1, 3, 20, 20, seed=1)
    code = smooth_code(space, (20, 20))
    space.reblur(sharp, code)
    space.extract(sharp, blurry)
    space.centred(code)
    assert torch.equal(sharp, random(1, 3, 20, 20))
    assert torch.equal(blurry, random(1, 3, 20, 20, seed=1))
    assert torch.equal(code, smooth_code(space, (20, 20)))


@pytest.mark.parametrize("shape", [(1, 2, 20, 20), (3, 20, 20)])
def test_refused_pictures(shape):
    picture, space = torch.zeros(shape), built()
    with pytest.raises(UsageError, match="give \\(batch, 1 or 3, height, width\\)"):
        space.extract(picture, picture)
    with pytest.raises(UsageError, match="give \\(batch, 1 or 3, height, width\\)"):
        space.reblur(picture, space.rest_code((20, 20)))


@pytest.mark.parametrize("shape", [(2, 7, 2, 2), (1, 6, 2, 2), (7, 2, 2)])
def test_refused_codes(shape):
    with pytest.raises(UsageError, match="give \\(1 or 3, 7, rows, columns\\)"):
        built().reblur(random(3, 3, 20, 20), torch.zeros(shape))


def test_refused_pairs_and_settings():
    with pytest.raises(UsageError, match="give an aligned pair"):
        built().extract(random(1, 3, 20, 20), random(1, 1, 20, 20))
    for wrong in ({"side": 8}, {"count": 0}, {"stride": 0}):
        with pytest.raises(UsageError, match="give an odd side"):
            BasisSpace(**wrong)
